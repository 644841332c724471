//! Local models against what other implementations say of the same series. Numbers: statsforecast 2.1.1.

use models::testing::SyntheticPanel;
use models::{Future, TrainingSet, forecasters};

/// Sixty periods of three series of mostly zeros.
fn intermittent() -> [Vec<f64>; 3] {
    let dense = |t: u32| {
        f64::from(match (t * t * 7 + t * 3) % 11 {
            size @ 0..4 => size,
            _ => 0,
        })
    };
    let regular = |t: u32| f64::from(if t % 5 == 2 || t.is_multiple_of(7) { 1 + t / 5 % 3 } else { 0 });
    let lumpy = |t: u32| f64::from(if t * t % 17 < 3 { 3 + t % 4 } else { 0 });
    [(0..60).map(dense).collect(), (0..60).map(regular).collect(), (0..60).map(lumpy).collect()]
}

/// First `horizon` steps that a forecaster gives for each series.
fn forecasts(name: &str, series: &[Vec<f64>], season: u16, horizon: u16) -> Vec<Vec<f64>> {
    let panel = SyntheticPanel::new(series.to_vec(), season);
    let cutoff = series[0].len() as i64 - 1;
    let histories = domain::FeatureSource::histories(&panel, cutoff).expect("histories");
    let registry = forecasters::all();
    let forecaster = registry.iter().find(|forecaster| forecaster.name() == name).expect("registered");
    let fitted = forecaster.fit(&TrainingSet::new(&panel, &histories, cutoff, horizon, season)).expect("fitted");
    let paths = fitted.predict(&Future::new(&panel, &histories, cutoff, horizon, season)).expect("paths");
    paths.into_iter().map(|path| path.expect("a path")).collect()
}

fn agree(name: &str, expected: [f64; 3], tolerance: f64) {
    for (path, expected) in forecasts(name, &intermittent(), 12, 3).iter().zip(expected) {
        assert!(path.iter().all(|value| (value - expected).abs() < tolerance * expected), "`{name}` gave {path:?}, not {expected}");
    }
}

#[test]
fn methods_without_parameters_to_find_agree_exactly() {
    agree("croston_sba", [0.637_483_791_025_961_5, 0.687_638_662_701_060_4, 1.353_045_307_049_453_5], 1e-9);
}

#[test]
fn methods_with_a_parameter_to_find_agree_as_far_as_it_is_found() {
    agree("adida", [0.685_754_078_781_594_8, 0.680_088_976_066_139, 1.373_679_089_284_154_2], 1e-4);
    agree("imapa", [0.719_938_608_381_199_3, 0.706_594_231_961_712, 1.271_383_819_123_806_5], 1e-4);
}

#[test]
fn a_series_with_a_season_and_a_trend_is_forecast_alike() {
    let value = |t: i32| {
        let (day, at) = ([12.0, -5.0, 3.0, 0.0, -9.0, 4.0, -5.0][t as usize % 7], f64::from(t));
        100.0 + 0.3 * at + day * (1.0 + 0.002 * at) + 6.0 * (at * 1.7).sin() + 4.0 * (at * 0.31).sin()
    };
    let series = (0..140).map(value).collect::<Vec<f64>>();
    let path = forecasts("mstl", &[series], 7, 7).remove(0);
    // MSTL(season_length=7), whose trend is forecast by another model (AutoETS without season) and whose season is smoothed over
    // another span: the patterns have to be alike, not the same.
    const EXPECTED: [f64; 7] = [
        154.541_482_659_1,
        131.777_216_808_3,
        139.834_705_204_2,
        138.460_654_065_5,
        128.548_207_232_7,
        142.089_408_318_5,
        130.648_084_005_4,
    ];
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    assert!((mean(&path) / mean(&EXPECTED) - 1.0).abs() < 0.03, "{path:?}");
    for (value, expected) in path.iter().zip(EXPECTED) {
        assert!(((value - mean(&path)) - (expected - mean(&EXPECTED))).abs() < 7.0, "{path:?}");
    }
}
