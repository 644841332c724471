//! What every forecaster must do, whatever its method. Panics with what is broken.

use domain::{FeatureSource, Ordinal};

use super::synthetic::{Poison, SyntheticPanel};
use crate::error::ModelError;
use crate::forecaster::{Forecaster, Future, Path, TrainingSet};

const SEASON: u16 = 7;
const HORIZON: u16 = 14;
const CUTOFF: Ordinal = 139;

/// Runs the whole suite.
///
/// # Panics
/// On the first promise that the forecaster breaks.
pub fn conformance(forecaster: &dyn Forecaster) {
    answers_are_complete(forecaster);
    short_series_are_no_accident(forecaster);
    constants_stay(forecaster);
    nothing_stays_nothing(forecaster);
    the_same_seed_gives_the_same_bytes(forecaster);
    artifacts_predict_identically(forecaster);
    explanations_add_up(forecaster);
    the_future_is_not_read(forecaster);
    closed_days_do_not_teach(forecaster);
}

fn panel() -> SyntheticPanel {
    SyntheticPanel::weekly(12, CUTOFF as usize + 1 + usize::from(HORIZON), 7)
}

fn try_predict(forecaster: &dyn Forecaster, source: &dyn FeatureSource, horizon: u16) -> Result<Vec<Path>, ModelError> {
    let histories = source.histories(CUTOFF).expect("the synthetic panel has histories");
    let training = TrainingSet::new(source, &histories, CUTOFF, horizon, SEASON).with_seed(11);
    let fitted = forecaster.fit(&training)?;
    fitted.predict(&Future::new(source, &histories, CUTOFF, horizon, SEASON))
}

fn predict(forecaster: &dyn Forecaster, source: &dyn FeatureSource) -> Vec<Path> {
    let name = forecaster.name();
    try_predict(forecaster, source, HORIZON).unwrap_or_else(|error| panic!("`{name}` could not forecast an ordinary panel: {error}"))
}

fn answers_are_complete(forecaster: &dyn Forecaster) {
    let name = forecaster.name();
    for horizon in [1, 3, 7, HORIZON] {
        let paths = try_predict(forecaster, &panel(), horizon).unwrap_or_else(|error| panic!("`{name}`, {horizon} steps: {error}"));
        assert_eq!(paths.len(), 12, "`{name}` owes one answer per series");
        for (series, path) in paths.iter().enumerate() {
            let path = path.as_ref().unwrap_or_else(|skip| panic!("`{name}` skipped series {series} of 140 days: {skip}"));
            assert_eq!(path.len(), usize::from(horizon), "`{name}` owes one value per step");
            assert!(path.iter().all(|value| value.is_finite()), "`{name}` gave {path:?}");
        }
    }
}

fn short_series_are_no_accident(forecaster: &dyn Forecaster) {
    let name = forecaster.name();
    let last = CUTOFF as usize;
    let mut one = vec![f64::NAN; last];
    one.push(5.0);
    let mixed = panel().with_series(one.clone()).with_series(Vec::new()).with_series(vec![f64::NAN; last + 1]);
    let paths = predict(forecaster, &mixed);
    for (what, path) in ["one observation", "no rows", "only missing values"].iter().zip(&paths[12..]) {
        let sound = path.as_ref().map_or(true, |path| path.len() == usize::from(HORIZON) && path.iter().all(|value| value.is_finite()));
        assert!(sound, "`{name}` gave {path:?} for a series of {what}");
    }
    assert!(paths[13].is_err() && paths[14].is_err(), "`{name}` made up a forecast for a series without an observation");
    for lone in [vec![one], vec![Vec::new()], Vec::new()] {
        match try_predict(forecaster, &SyntheticPanel::new(lone, SEASON), HORIZON) {
            Ok(paths) => assert!(paths.iter().flatten().flatten().all(|value| value.is_finite()), "`{name}` gave {paths:?}"),
            Err(error) => assert!(error.leaves_out_the_model(), "`{name}` failed on a tiny panel with {error:?}"),
        }
    }
}

fn constants_stay(forecaster: &dyn Forecaster) {
    let constant = SyntheticPanel::new(vec![vec![42.0; CUTOFF as usize + 1]; 6], SEASON);
    if let Some(paths) = fitted_or_left_out(forecaster, &constant) {
        for value in paths.iter().flatten().flatten() {
            assert!((value - 42.0).abs() < 0.42, "`{}` turned a constant 42 into {value}", forecaster.name());
        }
    }
}

fn nothing_stays_nothing(forecaster: &dyn Forecaster) {
    let zeros = SyntheticPanel::new(vec![vec![0.0; CUTOFF as usize + 1]; 6], SEASON);
    if let Some(paths) = fitted_or_left_out(forecaster, &zeros) {
        for value in paths.iter().flatten().flatten() {
            assert!(value.abs() < 1e-9, "`{}` turned nothing into {value}", forecaster.name());
        }
    }
}

/// A panel without any variation may be left to the baseline.
fn fitted_or_left_out(forecaster: &dyn Forecaster, source: &dyn FeatureSource) -> Option<Vec<Path>> {
    match try_predict(forecaster, source, HORIZON) {
        Ok(paths) => Some(paths),
        Err(error) => {
            assert!(error.leaves_out_the_model(), "`{}` failed with {error:?}", forecaster.name());
            None
        }
    }
}

fn bits(paths: &[Path]) -> Vec<Option<Vec<u64>>> {
    paths.iter().map(|path| path.as_ref().ok().map(|path| path.iter().map(|value| value.to_bits()).collect())).collect()
}

fn the_same_seed_gives_the_same_bytes(forecaster: &dyn Forecaster) {
    let (first, second) = (predict(forecaster, &panel()), predict(forecaster, &panel()));
    assert_eq!(bits(&first), bits(&second), "`{}` is not reproducible", forecaster.name());
}

fn artifacts_predict_identically(forecaster: &dyn Forecaster) {
    let (name, panel) = (forecaster.name(), panel());
    let histories = panel.histories(CUTOFF).expect("the synthetic panel has histories");
    let training = TrainingSet::new(&panel, &histories, CUTOFF, HORIZON, SEASON);
    let fitted = forecaster.fit(&training).unwrap_or_else(|error| panic!("`{name}`: {error}"));
    let artifact = fitted.artifact().unwrap_or_else(|error| panic!("`{name}` cannot be kept: {error}"));
    let text = serde_json::to_string(&artifact).unwrap_or_else(|error| panic!("`{name}` cannot be written: {error}"));
    let read = serde_json::from_str(&text).unwrap_or_else(|error| panic!("`{name}` cannot be read: {error}"));
    let restored = forecaster.load(&read).unwrap_or_else(|error| panic!("`{name}` cannot be restored: {error:?}"));
    let future = Future::new(&panel, &histories, CUTOFF, HORIZON, SEASON);
    let (before, after) = (fitted.predict(&future), restored.predict(&future));
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    assert!(!before.is_empty() && bits(&before) == bits(&after), "`{name}` predicts differently after a reload");
    let stranger = crate::Artifact { model: "another".to_owned(), ..read };
    assert!(forecaster.load(&stranger).is_err(), "`{name}` accepted another model's artifact");
}

fn explanations_add_up(forecaster: &dyn Forecaster) {
    let (name, panel) = (forecaster.name(), panel().with_series(Vec::new()));
    let histories = panel.histories(CUTOFF).expect("the synthetic panel has histories");
    let training = TrainingSet::new(&panel, &histories, CUTOFF, HORIZON, SEASON);
    let fitted = forecaster.fit(&training).unwrap_or_else(|error| panic!("`{name}`: {error}"));
    let future = Future::new(&panel, &histories, CUTOFF, HORIZON, SEASON);
    let paths = fitted.predict(&future).unwrap_or_default();
    let explained = fitted.explain(&future).unwrap_or_else(|error| panic!("`{name}` cannot explain: {error}"));
    assert_eq!(explained.len(), paths.len(), "`{name}` owes one explanation per series");
    for (path, parts) in paths.iter().zip(&explained) {
        assert_eq!(path.is_ok(), parts.is_some(), "`{name}` explains what it does not predict, or the reverse");
        for (value, parts) in path.iter().flatten().zip(parts.iter().flatten()) {
            // Trees add up their leaves in single precision.
            let difference = parts.total() - value;
            assert!(difference.abs() < 1e-5 * value.abs().max(1.0), "`{name}` predicts {value} and explains {}", parts.total());
        }
    }
}

fn the_future_is_not_read(forecaster: &dyn Forecaster) {
    let honest = predict(forecaster, &panel());
    for spoilt in [1e6, f64::NAN] {
        let poisoned = predict(forecaster, &panel().poisoned(Poison::After(CUTOFF, spoilt)));
        assert_eq!(bits(&honest), bits(&poisoned), "`{}` looked beyond the cutoff", forecaster.name());
    }
}

/// A shop that rests every seventh day sells nothing then; that must not pull its other days down.
fn closed_days_do_not_teach(forecaster: &dyn Forecaster) {
    let resting = panel().closed_on(|at| at % 7 == 0);
    let (open, resting) = (predict(forecaster, &panel()), predict(forecaster, &resting));
    for (open, resting) in open.iter().flatten().zip(resting.iter().flatten()) {
        for (step, (open, resting)) in (1..).zip(open.iter().zip(resting)) {
            if (CUTOFF + step) % 7 != 0 {
                assert!(*resting > 0.5 * open, "`{}` let closed days pull step {step} from {open} to {resting}", forecaster.name());
            }
        }
    }
}
