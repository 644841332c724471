//! Direct forecasting with one global model per step group, whatever the model: linear or trees.

use std::collections::HashSet;

use domain::explanation::Parts;
use domain::{Driver, FeatureMatrix, Ordinal};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::ModelError;
use crate::forecaster::{Artifact, Contributions, Fitted, Future, Path, Skip, TrainingSet};
use crate::scale::Scale;
use crate::shape::{Shape, Shapes};
use crate::step_group::{StepGroup, step_groups};

/// The youngest part of the training rows, on which a model chooses what it cannot learn from the others.
const VALIDATION_SHARE: f64 = 0.2;

/// A model of one step group that learns and predicts the target in a unit of its row.
pub(crate) trait DirectModel: Sized + Serialize + DeserializeOwned + Send + Sync {
    const NAME: &'static str;
    const FORMAT: u16;
    const UNIT: Unit;

    /// `units[row]` is what the row's target, and its columns in target units, are divided by; NaN where nothing is known.
    fn fit(rows: &FeatureMatrix, units: &[f64], training: &TrainingSet<'_>, group: StepGroup) -> Result<Self, ModelError>;

    /// Prediction of every row in its unit.
    fn predict(&self, rows: &FeatureMatrix, units: &[f64]) -> Result<Vec<f64>, ModelError>;

    /// How the target of every row is distributed around its prediction, if the model tells.
    fn shapes(&self, _rows: &FeatureMatrix, _units: &[f64]) -> Result<Option<Vec<Shape>>, ModelError> {
        Ok(None)
    }

    /// What each driver adds to the prediction of every row, in its unit.
    fn contributions(&self, rows: &FeatureMatrix, units: &[f64]) -> Result<Vec<Parts>, ModelError>;
}

/// What makes a stall and a supermarket alike to a global model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// The series' level over all its past: one unit a series.
    Level,
    /// Mostly the level of the last few seasons as the row knows it, so that a series which has grown is not a stranger to
    /// what was learnt from its past: the model tells how a day differs from its own month.
    Recent,
}

/// Share of [`Unit::Recent`] that is recent; the rest keeps a series that has paused from having no unit.
const RECENT_SHARE: f64 = 0.9;

impl Unit {
    /// The unit of every row.
    pub fn of_rows(self, rows: &FeatureMatrix, levels: &[f64]) -> Vec<f64> {
        let level = |row: usize| levels.get(rows.series[row] as usize).copied().unwrap_or(f64::NAN);
        let recent = match self {
            Self::Level => None,
            Self::Recent => recent_mean(rows),
        };
        let unit = |row: usize| match recent.map(|values| f64::from(values[row])) {
            Some(recent) if recent.is_finite() => RECENT_SHARE * recent.abs() + (1.0 - RECENT_SHARE) * level(row),
            _ => level(row),
        };
        (0..rows.rows).map(unit).collect()
    }
}

/// The third shortest rolling mean (28 of 7, 14, 28, 56 days), or the longest there is.
fn recent_mean(rows: &FeatureMatrix) -> Option<&[f32]> {
    let window = |name: &str| name.strip_prefix("rolling_mean_")?.parse::<u32>().ok();
    let mut means: Vec<(u32, usize)> =
        rows.columns.iter().enumerate().filter_map(|(index, column)| Some((window(&column.name)?, index))).collect();
    means.sort_unstable();
    means.get(2).or(means.last()).map(|&(_, index)| rows.column(index))
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
            let units = M::UNIT.of_rows(&rows, &levels);
            Ok(Group { steps, model: M::fit(&rows, &units, training, steps)? })
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
            let units = M::UNIT.of_rows(&rows, &levels);
            paths.fill(&rows, &group.model.predict(&rows, &units)?, &units);
        }
        Ok(paths.finish())
    }

    fn shapes(&self, future: &Future<'_>) -> Result<Option<Shapes>, ModelError> {
        if future.horizon > self.horizon() {
            return Ok(None);
        }
        let levels = levels(future.histories, future.season);
        let mut found = vec![vec![None; usize::from(future.horizon)]; future.histories.len()];
        for group in self.groups.iter().filter(|group| group.steps.first <= future.horizon) {
            let last = group.steps.last.min(future.horizon);
            let rows = future.rows(group.steps.layout(), group.steps.first..=last)?;
            let Some(shapes) = group.model.shapes(&rows, &M::UNIT.of_rows(&rows, &levels))? else { return Ok(None) };
            for (row, shape) in shapes.into_iter().enumerate() {
                let step = usize::try_from(rows.at[row] - future.cutoff - 1).ok();
                let steps = found.get_mut(rows.series[row] as usize);
                if let Some(place) = steps.zip(step).and_then(|(steps, step)| steps.get_mut(step)) {
                    *place = Some(shape);
                }
            }
        }
        Ok(Some(found.into_iter().map(|steps| steps.into_iter().collect()).collect()))
    }

    fn explain(&self, future: &Future<'_>) -> Result<Vec<Contributions>, ModelError> {
        let (levels, steps) = (levels(future.histories, future.season), usize::from(future.horizon));
        let mut explained: Vec<Vec<Parts>> = vec![Vec::with_capacity(steps); levels.len()];
        for group in self.groups.iter().filter(|group| group.steps.first <= future.horizon) {
            let last = group.steps.last.min(future.horizon);
            let rows = future.rows(group.steps.layout(), group.steps.first..=last)?;
            let units = M::UNIT.of_rows(&rows, &levels);
            for (row, parts) in group.model.contributions(&rows, &units)?.iter().enumerate() {
                let (series, unit) = (rows.series[row] as usize, units[row]);
                // Rows are ordered by series, then step, and groups by step.
                if let Some(steps) = explained.get_mut(series) {
                    steps.push(in_target_units(parts, unit, levels[series]));
                }
            }
        }
        let complete = |parts: Vec<Parts>| (parts.len() == steps && parts.iter().all(Parts::is_finite)).then_some(parts);
        Ok(explained.into_iter().map(complete).collect())
    }

    fn artifact(&self) -> Result<Artifact, ModelError> {
        Artifact::of(M::NAME, M::FORMAT, self)
    }
}

/// Contributions in units of a row as contributions to the target: that its unit is not the series' level is a matter of the
/// recent level.
pub(crate) fn in_target_units(parts: &Parts, unit: f64, level: f64) -> Parts {
    let mut scaled = Parts::default();
    scaled.add_scaled(parts, unit);
    let recent = parts[Driver::Base] * (unit - level);
    scaled[Driver::Base] -= recent;
    scaled[Driver::RecentLevel] += recent;
    scaled
}

/// What each series is divided by; NaN where nothing was observed.
pub(crate) fn levels(histories: &[domain::History], season: u16) -> Vec<f64> {
    histories.iter().map(|history| Scale::of(history, season).map_or(f64::NAN, |scale| scale.level)).collect()
}

/// Rows that teach: a known target, a weight above zero, a unit. Where there are more than the training set pays for, every
/// so-manieth of them: all series and all seasons of the year stay in.
pub(crate) fn teaching_rows(rows: &FeatureMatrix, units: &[f64], training: &TrainingSet<'_>) -> Vec<usize> {
    let teaches = |&row: &usize| rows.weight[row] > 0.0 && rows.target[row].is_finite() && units[row].is_finite();
    let teaching: Vec<usize> = (0..rows.rows).filter(teaches).collect();
    let (all, most) = (teaching.len(), training.taught_rows.max(1));
    if all <= most { teaching } else { (0..most).map(|k| teaching[k * all / most]).collect() }
}

/// First period of the youngest [`VALIDATION_SHARE`] of the rows, of which there is at least one.
pub(crate) fn youngest_start(rows: &FeatureMatrix, teaching: &[usize]) -> Ordinal {
    let mut periods: Vec<Ordinal> = teaching.iter().map(|&row| rows.at[row]).collect();
    let index = ((periods.len() as f64 * (1.0 - VALIDATION_SHARE)) as usize).min(periods.len() - 1);
    *periods.select_nth_unstable(index).1
}

/// A row's target in its unit.
pub(crate) fn scaled_target(rows: &FeatureMatrix, row: usize, units: &[f64]) -> f64 {
    f64::from(rows.target[row]) / units[row]
}

/// Weighted mean of the scaled targets.
pub(crate) fn mean_target(rows: &FeatureMatrix, teaching: &[usize], units: &[f64]) -> f64 {
    let (mut sum, mut total) = (0.0, 0.0);
    for &row in teaching {
        let weight = f64::from(rows.weight[row]);
        sum += weight * scaled_target(rows, row, units);
        total += weight;
    }
    sum / total
}

/// A cell as a global model sees it: in the row's unit where the column is in target units.
pub(crate) fn scaled(rows: &FeatureMatrix, column: usize, row: usize, units: &[f64]) -> f64 {
    let value = f64::from(rows.data[column * rows.rows + row]);
    if rows.columns[column].in_target_units { value / units[row] } else { value }
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

    fn fill(&mut self, rows: &FeatureMatrix, scaled: &[f64], units: &[f64]) {
        for (row, &prediction) in scaled.iter().enumerate() {
            let (series, at) = (rows.series[row], rows.at[row]);
            let step = usize::try_from(at - self.cutoff - 1).ok();
            let Some(path) = self.values.get_mut(series as usize) else { continue };
            if let Some(value) = step.and_then(|step| path.get_mut(step)) {
                *value = prediction * units[row];
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
