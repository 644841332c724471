//! Models of one series at a time: the adapter that turns a [`LocalModel`] into a [`Forecaster`].
//!
//! A local model sees plain numbers: one value a period, oldest first, the last one at the cutoff, NaN where nothing usable
//! is known (missing, closed, sold out). It never sees another series, a date or a regressor.

pub(crate) mod damped_trend;
pub(crate) mod loess;
pub(crate) mod reliability;
pub(crate) mod sales;
pub(crate) mod smoothing;
pub(crate) mod stl;
pub(crate) mod yearly;

use std::collections::BTreeMap;
use std::marker::PhantomData;

use domain::{History, Ordinal};
use rayon::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::ModelError;
use crate::forecaster::{Artifact, Fitted, Forecaster, Future, Path, Skip, TrainingSet};
use crate::history::usable;

/// One series up to its cutoff.
pub(crate) struct LocalSeries<'a> {
    /// Oldest first, the last one at the cutoff; the first one is usable, later ones may be NaN.
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

    /// Learns the series' parameters.
    ///
    /// # Errors
    /// [`Skip::NotFitted`] where the series is too short or of the wrong kind for it.
    fn fit(series: &LocalSeries<'_>) -> Result<Self, Skip>;

    /// Means of steps `1..=horizon` after the last value. The series may be longer than the one fitted to.
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

    fn fit(&self, training: &TrainingSet<'_>) -> Result<Box<dyn Fitted>, ModelError> {
        let names = training.features.series();
        let fit = |(name, history): (&String, &History)| {
            let values = values(history, training.cutoff)?;
            let series = LocalSeries { values: &values, season: usize::from(training.season) };
            Some((name.clone(), M::fit(&series)))
        };
        Ok(Box::new(FittedLocal { models: names.par_iter().zip(training.histories).filter_map(fit).collect() }))
    }

    fn load(&self, artifact: &Artifact) -> Result<Box<dyn Fitted>, ModelError> {
        Ok(Box::new(artifact.read::<FittedLocal<M>>(M::NAME, M::FORMAT)?))
    }
}

/// Fitted models by `unique_id`.
#[derive(Serialize, Deserialize)]
#[serde(bound = "M: Serialize + DeserializeOwned")]
struct FittedLocal<M> {
    models: BTreeMap<String, Result<M, Skip>>,
}

impl<M: LocalModel> Fitted for FittedLocal<M> {
    fn predict(&self, future: &Future<'_>) -> Result<Vec<Path>, ModelError> {
        let predict = |(name, history): (&String, &History)| -> Path {
            let values = values(history, future.cutoff).ok_or(Skip::NoHistory)?;
            let stranger = || Skip::NotFitted { because: "the series was not there when it was fitted".to_owned() };
            let model = self.models.get(name).ok_or_else(stranger)?.as_ref().map_err(Clone::clone)?;
            let series = LocalSeries { values: &values, season: usize::from(future.season) };
            let path = model.predict(&series, usize::from(future.horizon));
            if path.iter().all(|value| value.is_finite()) { Ok(path) } else { Err(Skip::NotANumber) }
        };
        Ok(future.features.series().par_iter().zip(future.histories).map(predict).collect())
    }

    fn artifact(&self) -> Result<Artifact, ModelError> {
        Artifact::of(M::NAME, M::FORMAT, self)
    }
}

/// From the first usable value to the cutoff; `None` without a usable value.
fn values(history: &History, cutoff: Ordinal) -> Option<Vec<f64>> {
    let first = (history.first..history.end()).find(|&at| usable(history, at).is_some())?;
    Some((first..=cutoff).map(|at| usable(history, at).unwrap_or(f64::NAN)).collect())
}
