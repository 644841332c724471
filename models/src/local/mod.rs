//! Models of one series at a time: the adapter that turns a [`LocalModel`] into a [`Forecaster`].
//!
//! A local model sees plain numbers: one value a period, oldest first, the last one at the cutoff, NaN where nothing usable
//! is known (missing, closed, sold out). It never sees another series, a date or a regressor. Events are taken out of what it
//! learns from and put back into what it predicts, see [`crate::effects`].

pub(crate) mod decompose;
#[cfg(test)]
pub(crate) mod peers;
#[cfg(test)]
pub(crate) mod promises;
pub(crate) mod season;

pub(crate) mod damped_trend;
pub(crate) mod loess;
pub(crate) mod reliability;
pub(crate) mod sales;
pub(crate) mod smoothing;
pub(crate) mod stl;
pub(crate) mod weights;
pub(crate) mod yearly;

use std::collections::BTreeMap;
use std::marker::PhantomData;

use domain::explanation::Parts;
use domain::{History, Ordinal};
use rayon::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::direct::levels;
use crate::effects::Effects;
use crate::engine::Effort;
use crate::error::ModelError;
use crate::forecaster::{Artifact, Contributions, Fitted, Forecaster, Future, Path, Skip, TrainingSet, own_past};
use crate::history::usable;

/// Youngest values that a smoothing model reads: more would cost time and say little about tomorrow.
pub(crate) const MOST_VALUES: usize = 2_000;

/// One series up to its cutoff.
pub(crate) struct LocalSeries<'a> {
    /// Oldest first, the last one at the cutoff; where a model is fitted the first one is usable, later ones may be NaN.
    pub values: &'a [f64],
    /// Seasonal period in steps; 1 for none.
    pub season: usize,
}

impl LocalSeries<'_> {
    /// Usable values, oldest first.
    pub fn known(&self) -> impl DoubleEndedIterator<Item = f64> {
        self.values.iter().copied().filter(|value| value.is_finite())
    }
}

/// Parameters of one series' model. Deterministic; at least one value is usable whenever it is asked.
pub(crate) trait LocalModel: Sized + Serialize + DeserializeOwned + Send + Sync + 'static {
    const NAME: &'static str;
    const FORMAT: u16;
    /// See [`Forecaster::effort`].
    const EFFORT: Effort = Effort::Fast;

    /// Learns the series' parameters.
    ///
    /// # Errors
    /// [`Skip::NotFitted`] where the series is too short or of the wrong kind for it.
    fn fit(series: &LocalSeries<'_>) -> Result<Self, Skip>;

    /// Means of steps `1..=horizon` after the last value. The series starts at the same period as the one fitted to and may
    /// be longer; where older values have been dropped since, it starts with NaN.
    fn predict(&self, series: &LocalSeries<'_>, horizon: usize) -> Vec<f64>;
}

/// A [`Forecaster`] that fits one `M` a series.
pub(crate) struct Local<M>(PhantomData<fn() -> M>);

impl<M> Local<M> {
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<M: LocalModel> Forecaster for Local<M> {
    fn name(&self) -> &'static str {
        M::NAME
    }

    fn effort(&self) -> Effort {
        M::EFFORT
    }

    fn fit(&self, training: &TrainingSet<'_>) -> Result<Box<dyn Fitted>, ModelError> {
        let effects = training.effects()?;
        let fit = |(number, name): (usize, &String)| {
            let cleaned = Cleaned { history: &training.histories[number], series: number, effects: &effects };
            let first = cleaned.first()?;
            let values = cleaned.values(first, training.cutoff);
            let series = LocalSeries { values: &values, season: usize::from(training.season) };
            Some((name.clone(), M::fit(&series).map(|model| Remembered { first, model })))
        };
        Ok(Box::new(FittedLocal { models: training.features.series().par_iter().enumerate().filter_map(fit).collect() }))
    }

    fn load(&self, artifact: &Artifact) -> Result<Box<dyn Fitted>, ModelError> {
        Ok(Box::new(artifact.read::<FittedLocal<M>>(M::NAME, M::FORMAT)?))
    }
}

/// Fitted models by `unique_id`.
#[derive(Serialize, Deserialize)]
#[serde(bound = "M: Serialize + DeserializeOwned")]
struct FittedLocal<M> {
    models: BTreeMap<String, Result<Remembered<M>, Skip>>,
}

/// A model and the period that its first value was of: it sees the same periods at the same places for ever.
#[derive(Serialize, Deserialize)]
struct Remembered<M> {
    first: Ordinal,
    model: M,
}

impl<M: LocalModel> FittedLocal<M> {
    /// The path of a series whose events have been taken out.
    fn without_events(&self, number: usize, name: &str, future: &Future<'_>, effects: &Effects) -> Path {
        let cleaned = Cleaned { history: &future.histories[number], series: number, effects };
        cleaned.first().ok_or(Skip::NoHistory)?;
        let stranger = || Skip::NotFitted { because: "the series was not there when it was fitted".to_owned() };
        let Remembered { first, model } = self.models.get(name).ok_or_else(stranger)?.as_ref().map_err(Clone::clone)?;
        let values = cleaned.values(*first, future.cutoff);
        if !values.iter().any(|value| value.is_finite()) {
            return Err(Skip::NoHistory);
        }
        let series = LocalSeries { values: &values, season: usize::from(future.season) };
        Ok(model.predict(&series, usize::from(future.horizon)))
    }
}

impl<M: LocalModel> Fitted for FittedLocal<M> {
    fn predict(&self, future: &Future<'_>) -> Result<Vec<Path>, ModelError> {
        let effects = future.effects()?;
        let predict = |(number, name): (usize, &String)| -> Path {
            let mut path = self.without_events(number, name, future, &effects)?;
            (1..).zip(&mut path).for_each(|(step, value)| *value *= effects.factor(number, future.cutoff + step));
            if path.iter().all(|value| value.is_finite()) { Ok(path) } else { Err(Skip::NotANumber) }
        };
        Ok(future.features.series().par_iter().enumerate().map(predict).collect())
    }

    fn explain(&self, future: &Future<'_>) -> Result<Vec<Contributions>, ModelError> {
        let effects = future.effects()?;
        let levels = levels(future.histories, future.season);
        let explain = |(number, name): (usize, &String)| -> Contributions {
            let path = self.without_events(number, name, future, &effects).ok()?;
            let step = |(step, &value): (Ordinal, &f64)| with_events(levels[number], value, number, future.cutoff + step, &effects);
            let parts: Vec<Parts> = (1..).zip(&path).map(step).collect();
            parts.iter().all(Parts::is_finite).then_some(parts)
        };
        Ok(future.features.series().par_iter().enumerate().map(explain).collect())
    }

    fn artifact(&self) -> Result<Artifact, ModelError> {
        Artifact::of(M::NAME, M::FORMAT, self)
    }
}

/// Contributions to a step that an ordinary day would have `value` on: the events' share in it is divided by the logarithms
/// of their factors.
fn with_events(level: f64, value: f64, series: usize, at: Ordinal, effects: &Effects) -> Parts {
    let mut parts = own_past(level, value);
    let moved = value * (effects.factor(series, at) - 1.0);
    // A day on which nothing is sold has no logarithm; a thousandth is nothing too.
    let logarithm = |factor: f64| factor.max(1e-3).ln();
    let all: f64 = effects.ahead(series, at).map(|(_, factor)| logarithm(factor)).sum();
    for (driver, factor) in effects.ahead(series, at) {
        // Events that cancel each other out move nothing together, and are told so.
        let share = if all.abs() > 1e-6 { logarithm(factor) / all } else { 0.0 };
        parts[driver] += moved * share;
    }
    parts
}

/// A history without what events did to it.
struct Cleaned<'a> {
    history: &'a History,
    series: usize,
    effects: &'a Effects,
}

impl Cleaned<'_> {
    fn value(&self, at: Ordinal) -> f64 {
        usable(self.history, at).map_or(f64::NAN, |value| self.effects.without(self.series, at, value))
    }

    fn first(&self) -> Option<Ordinal> {
        (self.history.first..self.history.end()).find(|&at| self.value(at).is_finite())
    }

    /// From a period to the cutoff.
    fn values(&self, first: Ordinal, cutoff: Ordinal) -> Vec<f64> {
        (first..=cutoff).map(|at| self.value(at)).collect()
    }
}
