//! Direct forecasting with one global model per step group, whatever the model: linear or trees.

use std::collections::HashSet;

use domain::{FeatureMatrix, Ordinal};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::ModelError;
use crate::forecaster::{Artifact, Fitted, Future, Path, Skip, TrainingSet};
use crate::scale::Scale;
use crate::step_group::{StepGroup, step_groups};

/// The youngest part of the training rows, on which a model chooses what it cannot learn from the others.
const VALIDATION_SHARE: f64 = 0.2;

/// A model of one step group that learns and predicts the target divided by the series' level.
pub(crate) trait DirectModel: Sized + Serialize + DeserializeOwned + Send + Sync {
    const NAME: &'static str;
    const FORMAT: u16;

    /// `levels[series]` is what the series' target, and its columns in target units, are divided by.
    fn fit(rows: &FeatureMatrix, levels: &[f64], training: &TrainingSet<'_>, group: StepGroup) -> Result<Self, ModelError>;

    /// Scaled prediction of every row.
    fn predict(&self, rows: &FeatureMatrix, levels: &[f64]) -> Result<Vec<f64>, ModelError>;
}

/// Fitted models of all step groups.
#[derive(Serialize, Deserialize)]
#[serde(bound = "M: Serialize + DeserializeOwned")]
pub(crate) struct Direct<M> {
    groups: Vec<Group<M>>,
}

#[derive(Serialize, Deserialize)]
#[serde(bound = "M: Serialize + DeserializeOwned")]
struct Group<M> {
    steps: StepGroup,
    model: M,
}

impl<M: DirectModel> Direct<M> {
    pub fn fit(training: &TrainingSet<'_>) -> Result<Self, ModelError> {
        let levels = levels(training.histories, training.season);
        let fit = |steps: StepGroup| {
            let rows = training.rows(steps.layout())?;
            Ok(Group { steps, model: M::fit(&rows, &levels, training, steps)? })
        };
        let groups = step_groups(training.horizon, training.season).into_iter().map(fit).collect::<Result<_, ModelError>>()?;
        Ok(Self { groups })
    }

    fn horizon(&self) -> u16 {
        self.groups.last().map_or(0, |group| group.steps.last)
    }
}

impl<M: DirectModel> Fitted for Direct<M> {
    fn predict(&self, future: &Future<'_>) -> Result<Vec<Path>, ModelError> {
        if future.horizon > self.horizon() {
            let because = format!("it was fitted for {} steps, {} are asked for", self.horizon(), future.horizon);
            return Ok(future.histories.iter().map(|_| Err(Skip::NotFitted { because: because.clone() })).collect());
        }
        let levels = levels(future.histories, future.season);
        let mut paths = Paths::new(future);
        for group in self.groups.iter().filter(|group| group.steps.first <= future.horizon) {
            let last = group.steps.last.min(future.horizon);
            let rows = future.rows(group.steps.layout(), group.steps.first..=last)?;
            paths.fill(&rows, &group.model.predict(&rows, &levels)?, &levels);
        }
        Ok(paths.finish())
    }

    fn artifact(&self) -> Result<Artifact, ModelError> {
        Artifact::of(M::NAME, M::FORMAT, self)
    }
}

/// What each series is divided by; NaN where nothing was observed.
fn levels(histories: &[domain::History], season: u16) -> Vec<f64> {
    histories.iter().map(|history| Scale::of(history, season).map_or(f64::NAN, |scale| scale.level)).collect()
}

/// Rows that teach: a known target, a weight above zero, a series with a level.
pub(crate) fn teaching_rows(rows: &FeatureMatrix, levels: &[f64]) -> Vec<usize> {
    let teaches = |&row: &usize| {
        rows.weight[row] > 0.0
            && rows.target[row].is_finite()
            && levels.get(rows.series[row] as usize).is_some_and(|level| level.is_finite())
    };
    (0..rows.rows).filter(teaches).collect()
}

/// First period of the youngest [`VALIDATION_SHARE`] of the rows, of which there is at least one.
pub(crate) fn youngest_start(rows: &FeatureMatrix, teaching: &[usize]) -> Ordinal {
    let mut periods: Vec<Ordinal> = teaching.iter().map(|&row| rows.at[row]).collect();
    let index = ((periods.len() as f64 * (1.0 - VALIDATION_SHARE)) as usize).min(periods.len() - 1);
    *periods.select_nth_unstable(index).1
}

/// A row's target in units of its series' level.
pub(crate) fn scaled_target(rows: &FeatureMatrix, row: usize, levels: &[f64]) -> f64 {
    f64::from(rows.target[row]) / levels[rows.series[row] as usize]
}

/// Weighted mean of the scaled targets.
pub(crate) fn mean_target(rows: &FeatureMatrix, teaching: &[usize], levels: &[f64]) -> f64 {
    let (mut sum, mut total) = (0.0, 0.0);
    for &row in teaching {
        let weight = f64::from(rows.weight[row]);
        sum += weight * scaled_target(rows, row, levels);
        total += weight;
    }
    sum / total
}

/// A cell as a global model sees it: in units of the series' level where the column is in target units.
pub(crate) fn scaled(rows: &FeatureMatrix, column: usize, row: usize, levels: &[f64]) -> f64 {
    let value = f64::from(rows.data[column * rows.rows + row]);
    if rows.columns[column].in_target_units { value / levels[rows.series[row] as usize] } else { value }
}

/// Predictions on their way from rows to one path per series.
struct Paths {
    cutoff: Ordinal,
    values: Vec<Vec<f64>>,
    observed: Vec<bool>,
    seen: HashSet<(u32, Ordinal)>,
}

impl Paths {
    fn new(future: &Future<'_>) -> Self {
        let values = future.histories.iter().map(|_| vec![f64::NAN; usize::from(future.horizon)]).collect();
        let observed = future.histories.iter().map(|history| history.values.iter().any(|value| value.is_finite())).collect();
        Self { cutoff: future.cutoff, values, observed, seen: HashSet::new() }
    }

    fn fill(&mut self, rows: &FeatureMatrix, scaled: &[f64], levels: &[f64]) {
        for (row, &prediction) in scaled.iter().enumerate() {
            let (series, at) = (rows.series[row], rows.at[row]);
            let step = usize::try_from(at - self.cutoff - 1).ok();
            let Some(path) = self.values.get_mut(series as usize) else { continue };
            if let Some(value) = step.and_then(|step| path.get_mut(step)) {
                *value = prediction * levels[series as usize];
                self.seen.insert((series, at));
            }
        }
    }

    fn finish(self) -> Vec<Path> {
        let Self { cutoff, values, observed, seen } = self;
        let path = |(series, values): (usize, Vec<f64>)| {
            let missing = (1..=values.len()).any(|step| !seen.contains(&(series as u32, cutoff + step as Ordinal)));
            match values {
                _ if !observed[series] => Err(Skip::NoHistory),
                _ if missing => Err(Skip::NoFeatures),
                values if values.iter().any(|value| !value.is_finite()) => Err(Skip::NotANumber),
                values => Ok(values),
            }
        };
        values.into_iter().enumerate().map(path).collect()
    }
}
