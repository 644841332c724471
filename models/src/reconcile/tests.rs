use domain::{FeatureSource as _, Ordinal};
use proptest::prelude::*;

use super::*;
use crate::testing::SyntheticPanel;
use crate::{Effort, EngineConfig, forecast};

fn normal(step: u16, mean: f64, deviation: f64) -> StepForecast {
    let quantiles = Quantiles::from_unsorted(NORMAL.map(|score| mean + score * deviation)).expect("finite");
    StepForecast { at: Ordinal::from(step), step, yhat: mean, quantiles }
}

fn series(number: u32, steps: Vec<StepForecast>) -> SeriesForecast {
    SeriesForecast { series: number, chosen: "ets".to_owned(), steps }
}

fn independent(nodes: usize) -> Dependence {
    Dependence::learn(&[], nodes, Target::None)
}

/// Errors of two series over six folds of seven steps, alike or opposed.
fn errors(second: f64) -> Vec<PastError> {
    let error = |fold: i64, step: u16| f64::from(u8::try_from((fold * 31 + i64::from(step) * 17) % 23).expect("small")) - 11.0;
    let of = |fold: i64, step: u16, series: u32, sign: f64| PastError { series, cutoff: fold, step, error: sign * error(fold, step) };
    (0..6).flat_map(|fold| (1..=7).flat_map(move |step| [of(fold, step, 0, 1.0), of(fold, step, 1, second)])).collect()
}

#[test]
fn what_is_less_certain_moves_more() {
    let (parts, whole) = ([normal(1, 10.0, 1.0), normal(1, 20.0, 2.0)], normal(1, 33.0, 1.0));
    let hierarchy = Hierarchy { parts: 2, wholes: vec![vec![0, 1]] };
    let means = trace::reconciled(&[Some(&parts[0]), Some(&parts[1]), Some(&whole)], &hierarchy, &independent(3));
    // Six units of variance share a gap of three by 1, 4 and 1.
    assert!((means[0] - 10.5).abs() < 1e-3 && (means[1] - 22.0).abs() < 1e-3, "{means:?}");
}

#[test]
fn closed_parts_stay_closed_and_none_goes_below_zero() {
    let (closed, small, large) = (normal(1, 0.0, 0.0), normal(1, 1.0, 3.0), normal(1, 20.0, 3.0));
    let whole = normal(1, 9.0, 0.5);
    let hierarchy = Hierarchy { parts: 3, wholes: vec![vec![0, 1, 2]] };
    let nodes = [Some(&closed), Some(&small), Some(&large), Some(&whole)];
    let means = trace::reconciled(&nodes, &hierarchy, &independent(4));
    assert_eq!((means[0], means[1]), (0.0, 0.0));
    assert!((9.0..9.5).contains(&means[2]), "{means:?}");
}

#[test]
fn no_whole_moves_a_part_out_of_its_own_range() {
    let part = normal(1, 10.0, 1.0);
    assert_eq!([2.0, 10.5, 1e6].map(|mean| within(&part, mean)), [part.quantiles.at(0.025), 10.5, part.quantiles.at(0.975)]);
    // A count that is nearly always zero has a mean above its quantiles.
    let rare = StepForecast { yhat: 0.01, ..normal(1, 0.0, 0.0) };
    assert_eq!(within(&rare, 0.01), 0.01);
}

#[test]
fn a_whole_without_a_forecast_says_nothing() {
    let (one, other) = (normal(1, 10.0, 1.0), normal(1, 20.0, 2.0));
    let hierarchy = Hierarchy { parts: 2, wholes: vec![vec![0, 1]] };
    assert_eq!(trace::reconciled(&[Some(&one), Some(&other), None], &hierarchy, &independent(3)), [10.0, 20.0]);
}

#[test]
fn sums_spread_as_their_parts_go_together() {
    let forecasts = [series(0, vec![normal(1, 100.0, 10.0)]), series(1, vec![normal(1, 200.0, 10.0)])];
    let spread = |past: &[PastError]| {
        let whole = &sums(&forecasts, past, &[vec![(0, 1.0), (1, 1.0)]], 1)[0].steps[0];
        assert!((whole.quantiles.median() - 300.0).abs() < 1.5, "{whole:?}");
        (whole.quantiles.values()[6] - whole.quantiles.values()[2]) / (2.0 * NORMAL[6])
    };
    let near = |found: f64, expected: f64| assert!((found - expected).abs() < 0.1 * expected + 0.8, "{found}, not {expected}");
    near(spread(&[]), 200.0_f64.sqrt());
    near(spread(&errors(1.0)), 20.0);
    near(spread(&errors(-1.0)), 0.0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn weighted_sums_of_means_are_exact(
        parts in prop::collection::vec((0.0..500.0_f64, 0.0..80.0_f64, 0.0..60_000.0_f64), 1..12),
        seed in 0..100_u64,
    ) {
        let forecasts: Vec<SeriesForecast> =
            (0..).zip(&parts).map(|(number, &(mean, deviation, _))| series(number, vec![normal(1, mean, deviation)])).collect();
        let row: Vec<(u32, f64)> = (0..).zip(&parts).map(|(number, &(.., weight))| (number, weight)).collect();
        let expected: f64 = parts.iter().map(|(mean, _, weight)| mean * weight).sum();
        let whole = &sums(&forecasts, &[], &[row], seed)[0].steps[0];
        prop_assert!((whole.yhat - expected).abs() <= 1e-9 * expected.max(1.0));
        prop_assert!(whole.quantiles.values().is_sorted() && whole.quantiles.values()[0] >= 0.0);
    }
}

#[test]
fn reconciled_products_come_nearer_to_what_the_total_knows() {
    // Six products whose own noise hides what their total shows.
    let panel = SyntheticPanel::weekly(6, 300, 5);
    let histories = panel.histories(299).expect("histories");
    let total = |at: usize| histories.iter().map(|history| history.values[at]).sum();
    let whole = SyntheticPanel::new(vec![(0..300).map(total).collect()], 7);
    let config = EngineConfig::new(14, 7).with_effort(Effort::Fast);
    let quiet = |_| ();
    let (parts, wholes) = (forecast(&panel, &config, 285, &quiet).expect("parts"), forecast(&whole, &config, 285, &quiet).expect("whole"));
    let hierarchy = Hierarchy { parts: 6, wholes: vec![(0..6).collect()] };
    let reconciled = reconcile(&parts, &wholes, &hierarchy);
    assert_eq!(reconciled, reconcile(&parts, &wholes, &hierarchy));
    let sum = |forecasts: &[SeriesForecast], step: usize| forecasts.iter().map(|forecast| forecast.steps[step].yhat).sum::<f64>();
    for step in 0..14 {
        let (before, after, own) = (sum(&parts.forecasts, step), sum(&reconciled, step), wholes.forecasts[0].steps[step].yhat);
        let (low, high) = (before.min(own), before.max(own));
        assert!((low - 1e-6..=high + 1e-6).contains(&after), "step {step}: {before} and {own} make {after}");
        for forecast in &reconciled {
            let StepForecast { yhat, quantiles, .. } = forecast.steps[step];
            assert!(yhat >= 0.0 && quantiles.values().is_sorted(), "{forecast:?}");
        }
    }
    let whole = &sums(&reconciled, &parts.past, &[(0..6).map(|series| (series, 1.0)).collect()], 0)[0];
    for (step, summed) in whole.steps.iter().enumerate() {
        assert!((summed.yhat - sum(&reconciled, step)).abs() < 1e-9 * summed.yhat);
    }
}
