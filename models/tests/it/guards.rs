//! A forecaster that is excellent on the past and goes wild when it counts: caught, counted, and the next one answers.

use domain::{FeatureSource as _, History, Ordinal};
use models::forecasters::{self, Forecasters};
use models::guard::{cap, tally};
use models::testing::SyntheticPanel;
use models::{
    Artifact, BASELINE, Backtest, Effort, EngineConfig, EngineOutput, Fitted, Forecaster, Forgetful, Future, GuardKind, ModelError, Path,
    TrainingSet, forecast_by,
};

const CUTOFF: Ordinal = 239;
const HORIZON: u16 = 7;

/// Knows all sales to a hundredth; from [`CUTOFF`] on, what it says of the first series is broken, of each in another way.
#[derive(Clone)]
struct Wild {
    sales: Vec<History>,
}

const BROKEN: [f64; 4] = [f64::NAN, 1e300, -1e9, f64::INFINITY];

impl Forecaster for Wild {
    fn name(&self) -> &'static str {
        "wild"
    }

    fn effort(&self) -> Effort {
        Effort::Fast
    }

    fn fit(&self, _: &TrainingSet<'_>) -> Result<Box<dyn Fitted>, ModelError> {
        Ok(Box::new(self.clone()))
    }

    fn load(&self, _: &Artifact) -> Result<Box<dyn Fitted>, ModelError> {
        Ok(Box::new(self.clone()))
    }
}

impl Fitted for Wild {
    fn predict(&self, future: &Future<'_>) -> Result<Vec<Path>, ModelError> {
        let path = |(series, sales): (usize, &History)| match BROKEN.get(series) {
            Some(&broken) if future.cutoff >= CUTOFF => Ok(vec![broken; usize::from(future.horizon)]),
            _ => Ok((1..=usize::from(future.horizon)).map(|step| 1.01 * sales.values[future.cutoff as usize + step]).collect()),
        };
        Ok(self.sales.iter().enumerate().map(path).collect())
    }

    fn artifact(&self) -> Result<Artifact, ModelError> {
        Ok(Artifact { model: "wild".to_owned(), format: 1, body: serde_json::Value::Null })
    }
}

fn panel() -> SyntheticPanel {
    SyntheticPanel::weekly(8, CUTOFF as usize + 1 + usize::from(HORIZON), 21)
}

fn config() -> EngineConfig {
    EngineConfig::new(HORIZON, 7).with_effort(Effort::Fast)
}

/// The named forecasters, the baseline and the wild one.
fn registry(panel: &SyntheticPanel, names: &[&str]) -> Forecasters {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let sales = panel.histories(CUTOFF + Ordinal::from(HORIZON)).expect("histories");
    forecasters::all().entering(&names, Effort::Fast).expect("known").add(Wild { sales })
}

fn forecast(names: &[&str]) -> EngineOutput {
    let panel = panel();
    forecast_by(registry(&panel, names), &panel, &config(), CUTOFF, &|_| {}).expect("a forecast")
}

fn count(output: &EngineOutput, series: u32, kind: GuardKind) -> usize {
    output.guard_hits.iter().filter(|hit| (hit.series, hit.kind) == (series, kind)).count()
}

#[test]
fn what_is_no_number_is_counted_and_the_next_candidate_answers() {
    let output = forecast(&["weekday_mean"]);
    for series in [0_u32, 3] {
        let published = &output.forecasts[series as usize];
        assert_eq!(published.chosen, "weekday_mean");
        let next = &output.of_model("weekday_mean")[series as usize];
        assert!(published.steps.iter().zip(&next.steps).all(|(one, other)| one.yhat == other.yhat && one.yhat.is_finite()));
        assert_eq!((count(&output, series, GuardKind::NotANumber), output.hits(series, 1)), (1, 1));
    }
    // Where it kept its wits, it is what its past deserves.
    assert!(["wild", "blend"].contains(&output.forecasts[5].chosen.as_str()));
    assert!((0..8).filter(|series| output.guard_hits.iter().any(|hit| hit.series == *series)).all(|series| series < 4));
}

#[test]
fn the_baseline_answers_where_nobody_else_does() {
    let output = forecast(&[BASELINE]);
    let naive = output.of_model(BASELINE);
    for series in [0, 3] {
        assert_eq!(output.forecasts[series].chosen, BASELINE);
        assert!(output.forecasts[series].steps.iter().zip(&naive[series].steps).all(|(one, other)| one.yhat == other.yhat));
    }
}

#[test]
fn what_explodes_or_falls_below_zero_is_bounded_and_counted() {
    let output = forecast(&[BASELINE]);
    let limit = cap(&panel().histories(CUTOFF).expect("histories")[1]);
    let capped = &output.forecasts[1];
    assert!(capped.steps.iter().all(|step| step.yhat == limit && step.quantiles.values()[8].is_finite()), "{limit} {capped:?}");
    assert!(output.forecasts[2].steps.iter().all(|step| step.yhat == 0.0 && step.quantiles.values()[0] >= 0.0));
    assert_eq!((count(&output, 1, GuardKind::Capped), count(&output, 2, GuardKind::Negative)), (7, 7));
    assert_eq!(output.hits_of_model("wild").len(), 2 + 7 + 7);
    assert!(output.hits_of_model(BASELINE).is_empty());
}

#[test]
fn a_backtest_counts_them_by_window() {
    let (panel, config) = (panel(), config());
    let mut backtest = Backtest::new(&panel, &config, &[CUTOFF - 7, CUTOFF], &Forgetful).expect("a plan");
    backtest = backtest.by(registry(&panel, &["weekday_mean"])).expect("known");
    let mut next = || backtest.next_window(&|_| {}).expect("a window").expect("one more").windows.remove(0).guards;
    assert_eq!(next(), []);
    let counts: Vec<_> = next().into_iter().map(|one| (one.model, one.kind, one.count)).collect();
    let wild = |kind, count| ("wild".to_owned(), kind, count);
    assert_eq!(counts, [wild(GuardKind::Negative, 7), wild(GuardKind::Capped, 7), wild(GuardKind::NotANumber, 2)]);
    assert_eq!(tally(&[]), []);
}
