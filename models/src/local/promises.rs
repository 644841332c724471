//! What every local model must do with awkward series, for the models' own tests.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{LocalModel, LocalSeries};

const HORIZON: usize = 10;

/// The path of a freshly fitted model, after a round trip through its stored form; `None` where it was not fitted.
pub(crate) fn path<M: LocalModel>(values: &[f64], season: usize) -> Option<Vec<f64>> {
    let series = LocalSeries { values, season };
    let model = M::fit(&series).ok()?;
    let kept = serde_json::to_string(&model).expect("it can be written");
    let model: M = serde_json::from_str(&kept).expect("it can be read");
    let path = model.predict(&series, HORIZON);
    assert_eq!(path.len(), HORIZON);
    Some(path)
}

/// Runs all promises.
pub(crate) fn keeps_its_promises<M: LocalModel>() {
    constants_and_zeros::<M>();
    any_series_gives_numbers::<M>();
    scale_carries_over::<M>();
    gaps_are_not_zeros::<M>();
    new_values_are_read::<M>();
}

fn constants_and_zeros<M: LocalModel>() {
    for (value, length) in [(42.0, 100), (0.0, 100), (-3.0, 50), (7.0, 1), (7.0, 2), (7.0, 3), (0.0, 1), (1e-9, 30), (1e12, 30)] {
        for season in [1, 7] {
            if let Some(path) = path::<M>(&vec![value; length], season) {
                let wrong = path.iter().find(|mean| (*mean - value).abs() > 1e-6 * value.abs());
                assert_eq!(wrong, None, "a constant {value} of length {length}");
            }
        }
    }
}

fn any_series_gives_numbers<M: LocalModel>() {
    let value = prop_oneof![
        4 => -1e3..1e4_f64,
        2 => Just(0.0),
        1 => Just(f64::NAN),
        1 => prop_oneof![Just(1e-12), Just(1e12), Just(-1e9)],
    ];
    let series = (prop::collection::vec(value, 1..80), 1_usize..40);
    let outcome = runner(64).run(&series, |(mut values, season)| {
        values[0] = if values[0].is_nan() { 1.0 } else { values[0] };
        if let Some(path) = path::<M>(&values, season) {
            prop_assert!(path.iter().all(|mean| mean.is_finite()), "{:?} for {:?}", path, values);
        }
        Ok(())
    });
    outcome.expect("every series gives numbers");
}

fn scale_carries_over<M: LocalModel>() {
    let series = (prop::collection::vec(1.0..10.0_f64, 30..60), 0.01..1e4_f64);
    let outcome = runner(24).run(&series, |(values, factor)| {
        let scaled: Vec<f64> = values.iter().map(|value| value * factor).collect();
        for (one, other) in path::<M>(&values, 7).into_iter().flatten().zip(path::<M>(&scaled, 7).into_iter().flatten()) {
            prop_assert!((one * factor - other).abs() < 1e-3 * factor, "{} became {}", one * factor, other);
        }
        Ok(())
    });
    outcome.expect("units do not matter");
}

/// A week with gaps is forecast much like the whole one.
fn gaps_are_not_zeros<M: LocalModel>() {
    let mut values: Vec<f64> = (0..140).map(|day: i32| 50.0 + f64::from(day % 7 * 5) + f64::from(day * 37 % 11)).collect();
    let whole = path::<M>(&values, 7).expect("twenty weeks");
    for at in (3..140).step_by(13).chain(60..70).chain([138, 139]) {
        values[at] = f64::NAN;
    }
    let gappy = path::<M>(&values, 7).expect("twenty weeks with gaps");
    for (whole, gappy) in whole.iter().zip(&gappy) {
        assert!((whole - gappy).abs() < 0.15 * whole, "{gappy} with gaps, {whole} without");
    }
}

/// A model fitted before a jump follows it when it is shown the new values.
fn new_values_are_read<M: LocalModel>() {
    let noise = |day: i32| f64::from(day * 37 % 11) - 5.0;
    let old: Vec<f64> = (0..100).map(|day| 50.0 + 0.4 * f64::from(day) + noise(day)).collect();
    let mut longer = old.clone();
    longer.extend((100..160).map(|day| 180.0 + noise(day)));
    let model = M::fit(&LocalSeries { values: &old, season: 1 }).expect("100 values");
    let path = model.predict(&LocalSeries { values: &longer, season: 1 }, 1);
    assert!((path[0] - 180.0).abs() < 50.0, "{} after 60 values near 180", path[0]);
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new_with_rng(
        Config { cases, failure_persistence: None, ..Config::default() },
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    )
}
