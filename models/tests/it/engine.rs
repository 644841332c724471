use std::sync::Mutex;

use domain::{Driver, FeatureSource as _, Hint as _};
use models::conformal::Basis;
use models::testing::{Poison, SyntheticPanel};
use models::{BASELINE, CHOICE, Effort, EngineConfig, ModelError, Phase, backtest, forecast};

fn config() -> EngineConfig {
    EngineConfig::new(14, 7).with_seed(1).with_effort(Effort::Fast)
}

#[test]
fn every_series_with_a_history_gets_a_sound_forecast() {
    let panel = SyntheticPanel::weekly(20, 300, 1).with_series(vec![4.0, 5.0]).with_series(Vec::new()).with_series(vec![0.0; 300]);
    let seen = Mutex::new(Vec::new());
    let output = forecast(&panel, &config(), 299, &|progress| seen.lock().expect("no panic").push(progress)).expect("a forecast");

    assert_eq!(output.forecasts.iter().map(|forecast| forecast.series).collect::<Vec<_>>(), [(0..21).collect(), vec![22]].concat());
    assert_eq!(output.skipped.iter().map(|skipped| skipped.series).collect::<Vec<_>>(), [21]);
    assert_eq!(output.skipped[0].reason.to_string(), "no observation by the cutoff");
    for forecast in &output.forecasts {
        assert_eq!(forecast.steps.len(), 14);
        for (index, step) in forecast.steps.iter().enumerate() {
            assert_eq!((step.step, step.at), (index as u16 + 1, 300 + index as i64));
            assert!(step.yhat >= 0.0 && step.yhat.is_finite() && step.quantiles.values().is_sorted());
        }
    }
    let zeros = output.forecasts.last().expect("there");
    assert!(zeros.steps.iter().all(|step| step.yhat == 0.0 && step.quantiles.values()[8] == 0.0));
    assert_eq!(output.calibration.basis, Basis::Folds);
    assert!(output.coverage(0.8).is_some() && output.bias().is_some());
    assert_eq!(output.of_model(BASELINE).len(), 22);

    let seen = seen.into_inner().expect("no panic");
    assert_eq!(seen.len(), seen[0].total);
    assert!(seen.iter().enumerate().all(|(index, progress)| progress.done == index + 1));
    assert_eq!(seen.last().map(|progress| progress.phase), Some(Phase::Final));
}

#[test]
fn the_same_question_has_the_same_answer_and_the_future_none_of_it() {
    let panel = SyntheticPanel::weekly(15, 240, 2);
    let answer = |panel: &SyntheticPanel| {
        let output = forecast(panel, &config(), 220, &|_| {}).expect("a forecast");
        (output.forecasts, output.selection)
    };
    let first = answer(&panel);
    assert_eq!(first, answer(&panel));
    assert_eq!(first, answer(&panel.clone().poisoned(Poison::After(220, 1e9))));
    assert_eq!(first, answer(&panel.poisoned(Poison::After(220, f64::NAN))));
}

#[test]
fn a_window_of_a_backtest_is_decided_as_a_forecast_at_its_cutoff_would_be() {
    // The decision at the first window must not depend on whether a later one is looked at, nor on what happened after it.
    let panel = SyntheticPanel::weekly(12, 260, 4);
    let choice = |panel: &SyntheticPanel, windows: &[i64]| {
        let table = backtest(panel, &config(), windows, &|_| {}).expect("a backtest");
        let model = table.models.iter().position(|model| model == CHOICE).expect("there") as u16;
        let rows = table.rows.into_iter().filter(|row| row.model == model && row.cutoff == windows[0]);
        rows.map(|row| (row.series, row.step, row.yhat.to_bits(), row.quantiles)).collect::<Vec<_>>()
    };
    let both = choice(&panel, &[217, 231]);
    assert_eq!(both.len(), 12 * 14);
    assert_eq!(both, choice(&panel, &[217, 231, 245]));
    assert_eq!(both, choice(&panel.poisoned(Poison::After(231, 1e7)), &[217, 231]));
}

#[test]
fn all_models_cover_the_same_rows_and_the_baseline_is_always_there() {
    let panel = SyntheticPanel::weekly(8, 200, 5).with_series(vec![3.0; 190]);
    let mut only = config();
    only.models = vec!["elastic_net".to_owned()];
    let table = backtest(&panel, &only, &[171, 185], &|_| {}).expect("a backtest");
    assert_eq!(table.models, [BASELINE, "elastic_net", "blend", CHOICE]);
    let keys =
        |model: u16| table.rows.iter().filter(|row| row.model == model).map(|row| (row.series, row.cutoff, row.step)).collect::<Vec<_>>();
    let expected = keys(0);
    // Nine series, two fortnights; the short one was seen on four days of the second only.
    assert_eq!(expected.len(), 8 * 28 + 14 + 4);
    assert!((1..4).all(|model| keys(model) == expected));
}

#[test]
fn closed_days_are_exactly_zero() {
    let panel = SyntheticPanel::weekly(10, 200, 6).closed_on(|at| at % 7 == 2);
    let output = forecast(&panel, &config(), 199, &|_| {}).expect("a forecast");
    let all: Vec<_> = output.models().into_iter().flat_map(|model| output.of_model(model)).collect();
    for step in output.forecasts.iter().chain(&all).flat_map(|forecast| &forecast.steps) {
        assert_eq!(step.at % 7 == 2, step.yhat == 0.0, "{step:?}");
        assert_eq!(step.at % 7 == 2, step.quantiles.values()[8] == 0.0, "{step:?}");
    }
}

#[test]
fn a_short_panel_says_what_its_ranges_rest_on() {
    let output = forecast(&SyntheticPanel::weekly(4, 20, 7), &config(), 19, &|_| {}).expect("a forecast");
    assert_eq!((output.calibration.basis, output.coverage(0.8)), (Basis::InSample, None));
    assert!(output.forecasts.iter().all(|forecast| forecast.steps.iter().all(|step| step.quantiles.values()[8] > step.yhat)));
    let single = forecast(&SyntheticPanel::new(vec![vec![9.0]], 7), &config(), 0, &|_| {}).expect("a forecast");
    assert_eq!(single.calibration.basis, Basis::Assumed);
    assert_eq!((single.forecasts[0].chosen.as_str(), single.forecasts[0].steps[13].yhat), (BASELINE, 9.0));
}

#[test]
fn kept_models_forecast_from_newer_data_and_meet_new_series() {
    let panel = SyntheticPanel::weekly(10, 260, 8);
    let output = forecast(&panel, &config(), 220, &|_| {}).expect("a forecast");
    let text = serde_json::to_string(&output.artifact().expect("kept")).expect("written");
    let kept: models::EngineArtifact = serde_json::from_str(&text).expect("read");
    assert_eq!(kept.forecast(&panel, 220).expect("a forecast"), output.forecasts);

    let grown = panel.with_series(vec![6.0; 260]);
    let later = kept.forecast(&grown, 230).expect("a forecast");
    assert_eq!(later.len(), 11);
    assert!(later.iter().all(|forecast| forecast.steps[0].at == 231));
    assert_eq!((later[10].chosen.as_str(), later[10].steps[0].yhat), (BASELINE, 6.0));
}

#[test]
fn every_forecast_is_explained_and_its_reasons_add_up() {
    let panel = SyntheticPanel::weekly(10, 240, 8).closed_on(|at| at % 7 == 2).with_series(vec![5.0, 6.0]).with_series(vec![0.0; 240]);
    let promo = panel.events(200, 39).expect("events").swap_remove(0);
    let promoted = promo.of(0).iter().copied().find(|at| *at > 201 && at % 7 != 2).expect("a promotion");
    let cutoff = promoted - 2;
    let output = forecast(&panel, &config(), cutoff, &|_| {}).expect("a forecast");
    let explained = output.artifact().expect("kept").explain(&panel, cutoff, &output.forecasts).expect("explanations");
    assert_eq!(explained.len(), output.forecasts.len());
    let mut of_base = Vec::new();
    for (forecast, steps) in output.forecasts.iter().zip(&explained) {
        assert_eq!(forecast.steps.len(), steps.len());
        for (step, explanation) in forecast.steps.iter().zip(steps) {
            let off = (explanation.total() - step.yhat).abs();
            assert!(off <= 1e-9 * step.yhat.max(explanation.base).max(1.0), "{explanation:?} is not {}", step.yhat);
            assert_eq!(explanation.units(Driver::Closed) < 0.0, step.at % 7 == 2 && forecast.series < 11, "{explanation:?}");
            if forecast.series < 10 && step.at == promoted {
                of_base.push(explanation.units(Driver::Promo) / explanation.base);
            }
        }
    }
    // A promotion adds a half.
    let mean = of_base.iter().sum::<f64>() / of_base.len() as f64;
    assert!(of_base.len() == 10 && (0.25..0.75).contains(&mean), "{of_base:?}");
    let together = output.artifact().expect("kept").forecast_explained(&panel, cutoff).expect("a forecast");
    assert_eq!(together, output.forecasts.into_iter().zip(explained).collect::<Vec<_>>());
}

#[test]
fn wrong_questions_are_refused_with_a_hint() {
    let panel = SyntheticPanel::new(vec![vec![f64::NAN; 30]], 7);
    let empty = forecast(&panel, &config(), 29, &|_| {}).map(drop).expect_err("refused");
    assert_eq!(empty.to_string(), "the panel has no observation at or before period 29");
    assert!(empty.hint().is_some());
    let weekly = SyntheticPanel::weekly(2, 60, 9);
    let none = forecast(&weekly, &EngineConfig::new(0, 7), 59, &|_| {}).map(drop).expect_err("refused");
    assert!(matches!(none, ModelError::NoHorizon));
    assert!(matches!(backtest(&weekly, &config(), &[], &|_| {}).err(), Some(ModelError::NoWindows)));
}
