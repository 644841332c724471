//! What forecasts must pass before they are published.

use domain::{History, SeriesForecast};
use models::EngineOutput;
use serde::{Deserialize, Serialize};

/// Bounds of the gates, set in the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GateBounds {
    /// The 80 % range of the last backtest may miss its nominal coverage by this much.
    pub calibration: f64,
    /// Share of actual sales by which the last backtest's sum may be off.
    pub bias: f64,
    /// A forecast may exceed the greatest recent sale this many times.
    pub explosion: f64,
}

impl Default for GateBounds {
    fn default() -> Self {
        Self { calibration: 0.10, bias: 0.15, explosion: 5.0 }
    }
}

/// How the last backtest inside the training data went; `None` where the history is too short for one.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct BacktestSummary {
    /// Share of actuals inside the 80 % range.
    pub coverage80: Option<f64>,
    /// `sum(forecast - actual) / sum(actual)`.
    pub bias: Option<f64>,
}

impl BacktestSummary {
    #[must_use]
    pub fn of(output: &EngineOutput) -> Self {
        Self { coverage80: output.coverage(0.8), bias: output.bias() }
    }
}

/// One gate's verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    pub name: String,
    pub passed: bool,
    pub detail: String,
}

/// Periods of history that the explosion gate compares with.
const RECENT: usize = 182;

/// Judges a run's forecasts: complete, sound, plausible, and calibrated in the last backtest.
#[must_use]
pub fn judge(
    forecasts: &[SeriesForecast],
    expected: &[u32],
    horizon: u16,
    histories: &[History],
    last: BacktestSummary,
    bounds: GateBounds,
) -> Vec<Gate> {
    let mut gates = judge_last_rung(forecasts, expected, horizon);
    gates.extend([plausible(forecasts, histories, bounds), calibrated(last, bounds), unbiased(last, bounds)]);
    gates
}

/// Judges the last rung of the ladder, below which there is nothing to publish: complete and sound.
#[must_use]
pub fn judge_last_rung(forecasts: &[SeriesForecast], expected: &[u32], horizon: u16) -> Vec<Gate> {
    vec![complete(forecasts, expected, horizon), sound(forecasts)]
}

fn gate(name: &str, passed: bool, detail: String) -> Gate {
    Gate { name: name.to_owned(), passed, detail }
}

fn complete(forecasts: &[SeriesForecast], expected: &[u32], horizon: u16) -> Gate {
    let whole = |series: &u32| forecasts.iter().any(|forecast| forecast.series == *series && forecast.steps.len() == usize::from(horizon));
    let missing = expected.iter().filter(|series| !whole(series)).count();
    gate("complete", missing == 0 && !expected.is_empty(), format!("{} series expected, {missing} missing or short", expected.len()))
}

fn sound(forecasts: &[SeriesForecast]) -> Gate {
    let steps = || forecasts.iter().flat_map(|forecast| &forecast.steps);
    let unsound = steps().filter(|step| !(step.yhat.is_finite() && step.yhat >= 0.0 && step.quantiles.values().is_sorted())).count();
    gate("sound", unsound == 0, format!("{} cells, {unsound} negative, not a number or out of order", steps().count()))
}

fn plausible(forecasts: &[SeriesForecast], histories: &[History], bounds: GateBounds) -> Gate {
    let mut exploding = 0;
    for forecast in forecasts {
        let Some(history) = histories.get(forecast.series as usize) else { continue };
        let recent = history.values.iter().rev().take(RECENT).filter(|value| value.is_finite());
        let top = recent.fold(1.0_f64, |top, value| top.max(*value));
        exploding += forecast.steps.iter().filter(|step| step.yhat > top * bounds.explosion).count();
    }
    gate(
        "plausible",
        exploding == 0,
        format!("{exploding} cells above {} times the greatest sale of the last {RECENT} days", bounds.explosion),
    )
}

fn calibrated(last: BacktestSummary, bounds: GateBounds) -> Gate {
    let Some(coverage) = last.coverage80 else { return gate("calibrated", true, "history too short for a backtest".to_owned()) };
    let detail = format!("80 % ranges held {:.1} % of actuals", coverage * 100.0);
    gate("calibrated", (coverage - 0.8).abs() <= bounds.calibration, detail)
}

fn unbiased(last: BacktestSummary, bounds: GateBounds) -> Gate {
    let Some(bias) = last.bias else { return gate("unbiased", true, "history too short for a backtest".to_owned()) };
    gate("unbiased", bias.abs() <= bounds.bias, format!("forecasts summed to {:+.1} % of actuals", bias * 100.0))
}

/// Whether every gate passed.
#[must_use]
pub fn all_passed(gates: &[Gate]) -> bool {
    gates.iter().all(|gate| gate.passed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Quantiles, StepForecast};

    fn forecast(series: u32, values: &[f64]) -> SeriesForecast {
        let steps = values.iter().zip(1..).map(|(&yhat, step)| StepForecast {
            at: i64::from(step),
            step,
            yhat,
            quantiles: Quantiles::degenerate(yhat),
        });
        SeriesForecast { series, chosen: "seasonal_naive".into(), steps: steps.collect() }
    }

    fn failed(forecasts: &[SeriesForecast], last: BacktestSummary) -> Vec<String> {
        let history = History { first: 0, values: vec![10.0, f64::NAN, 20.0], censored: vec![false; 3], closed: vec![false; 3] };
        let gates = judge(forecasts, &[0], 2, &[history], last, GateBounds::default());
        gates.into_iter().filter(|gate| !gate.passed).map(|gate| gate.name).collect()
    }

    #[test]
    fn each_gate_catches_its_fault() {
        let good = BacktestSummary { coverage80: Some(0.78), bias: Some(-0.02) };
        assert_eq!(failed(&[forecast(0, &[12.0, 13.0])], good), Vec::<String>::new());
        assert_eq!(failed(&[forecast(0, &[12.0])], good), ["complete"]);
        assert_eq!(failed(&[], good), ["complete"]);
        assert_eq!(failed(&[forecast(0, &[f64::NAN, 1.0])], good), ["sound"]);
        assert_eq!(failed(&[forecast(0, &[-1.0, 1.0])], good), ["sound"]);
        assert_eq!(failed(&[forecast(0, &[101.0, 1.0])], good), ["plausible"]);
        let bad = BacktestSummary { coverage80: Some(0.6), bias: Some(0.2) };
        assert_eq!(failed(&[forecast(0, &[1.0, 1.0])], bad), ["calibrated", "unbiased"]);
        assert_eq!(failed(&[forecast(0, &[1.0, 1.0])], BacktestSummary::default()), Vec::<String>::new());
    }
}
