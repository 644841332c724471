//! The seam that every model stands behind: a [`Forecaster`] is fitted to a [`TrainingSet`], the [`Fitted`] result
//! predicts a [`Future`] and can be kept as an [`Artifact`].

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use domain::explanation::Parts;
use domain::{Driver, FeatureMatrix, FeatureSource, History, Layout, Ordinal};
use serde::{Deserialize, Serialize};

use crate::direct::{Unit, levels};
use crate::effects::Effects;
use crate::engine::Effort;
use crate::error::ModelError;
use crate::families::idle_families;
use crate::shape::Shapes;

/// A model that can be fitted. Pure: the same training set and seed give the same bytes.
pub trait Forecaster: Send + Sync {
    /// Snake-case name: the file's, and what tables show.
    fn name(&self) -> &'static str;

    /// The effort from which it enters unless it was asked for by name: what it costs against what it adds.
    fn effort(&self) -> Effort {
        Effort::Normal
    }

    /// Whether one model serves all series: it needs many observations before it is worth more than local ones.
    fn learns_across_series(&self) -> bool {
        false
    }

    /// Learns from everything known at the training set's cutoff.
    ///
    /// # Errors
    /// [`ModelError::TooFewRows`] where there is too little to learn from, [`ModelError::Features`] if the source fails,
    /// [`ModelError::Fit`] if the optimiser does.
    fn fit(&self, training: &TrainingSet<'_>) -> Result<Box<dyn Fitted>, ModelError>;

    /// Restores what [`Fitted::artifact`] kept; predicts identically.
    ///
    /// # Errors
    /// [`ModelError::Artifact`] if the artifact is of another model or cannot be read.
    fn load(&self, artifact: &Artifact) -> Result<Box<dyn Fitted>, ModelError>;
}

/// A fitted model. It may predict as of a later cutoff than it was fitted at: last model, new data.
pub trait Fitted: Send + Sync {
    /// Mean forecast of steps `1..=horizon` of every series, in the panel's order.
    ///
    /// # Errors
    /// [`ModelError::Features`] if the source fails, [`ModelError::MissingColumn`] if its columns have changed.
    fn predict(&self, future: &Future<'_>) -> Result<Vec<Path>, ModelError>;

    /// How each forecast is distributed, if the model tells.
    ///
    /// # Errors
    /// As [`Fitted::predict`].
    fn shapes(&self, _future: &Future<'_>) -> Result<Option<Shapes>, ModelError> {
        Ok(None)
    }

    /// What each driver adds to the steps that [`Fitted::predict`] gives, in the panel's order; `None` for a series that it
    /// has no path for. A model that knows nothing but a series' own past tells its level and the rest; how that rest splits
    /// into recent level and weekday is told from the whole path, by the engine.
    ///
    /// # Errors
    /// As [`Fitted::predict`].
    fn explain(&self, future: &Future<'_>) -> Result<Vec<Contributions>, ModelError> {
        let levels = levels(future.histories, future.season);
        let explained = |(path, level): (Path, f64)| Some(path.ok()?.into_iter().map(|value| own_past(level, value)).collect());
        Ok(self.predict(future)?.into_iter().zip(levels).map(explained).collect())
    }

    /// What is needed to predict again.
    ///
    /// # Errors
    /// [`ModelError::Artifact`] if it cannot be written down.
    fn artifact(&self) -> Result<Artifact, ModelError>;
}

/// Mean forecast of one series, or why this model has none.
pub type Path = Result<Vec<f64>, Skip>;

/// Contributions to the steps of one series; `None` where its model has no path for it.
pub type Contributions = Option<Vec<Parts>>;

/// A value that rests on the series' own past alone.
pub(crate) fn own_past(level: f64, value: f64) -> Parts {
    let mut parts = Parts::default();
    parts[Driver::Base] = level;
    parts[Driver::RecentLevel] = value - level;
    parts
}

/// Why a model has no forecast for a series. Not an error: another model answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "reason")]
pub enum Skip {
    #[error("no observation by the cutoff")]
    NoHistory,
    #[error("the feature source has no row for it")]
    NoFeatures,
    #[error("the model could not be fitted: {because}")]
    NotFitted { because: String },
    #[error("the model predicted a value that is not a number")]
    NotANumber,
}

/// A fitted model as data, for the object store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Artifact {
    /// [`Forecaster::name`].
    pub model: String,
    /// Version of `body`'s layout.
    pub format: u16,
    pub body: serde_json::Value,
}

impl Artifact {
    pub(crate) fn of<T: Serialize>(model: &'static str, format: u16, body: &T) -> Result<Self, ModelError> {
        let body = serde_json::to_value(body).map_err(|source| Self::failed(model, "written", source))?;
        Ok(Self { model: model.to_owned(), format, body })
    }

    pub(crate) fn read<T: serde::de::DeserializeOwned>(&self, model: &'static str, format: u16) -> Result<T, ModelError> {
        if self.model != model || self.format != format {
            let found = format!("it holds `{}` in format {}, not `{model}` in format {format}", self.model, self.format);
            return Err(Self::failed(model, "read", found));
        }
        T::deserialize(&self.body).map_err(|source| Self::failed(model, "read", source))
    }

    pub(crate) fn failed(model: &str, action: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ModelError {
        ModelError::Artifact { model: model.to_owned(), action, source: source.into() }
    }
}

/// Everything a forecaster may learn from, as of one cutoff.
pub struct TrainingSet<'a> {
    pub cutoff: Ordinal,
    /// Steps that will be asked for.
    pub horizon: u16,
    /// Seasonal period in steps; 1 for none.
    pub season: u16,
    /// Every series as of the cutoff, in the panel's order.
    pub histories: &'a [History],
    pub features: &'a dyn FeatureSource,
    /// Of every random choice.
    pub seed: u64,
    /// Feature rows per direct layout, at most; the youngest.
    pub max_rows: usize,
    /// Rows that a model across series is fitted to, at most; spread evenly over `max_rows`.
    pub taught_rows: usize,
    rows: Shared<Layout>,
    idle: OnceLock<Vec<&'static str>>,
    effects: OnceLock<Arc<Effects>>,
}

impl<'a> TrainingSet<'a> {
    pub fn new(features: &'a dyn FeatureSource, histories: &'a [History], cutoff: Ordinal, horizon: u16, season: u16) -> Self {
        Self {
            cutoff,
            horizon,
            season,
            histories,
            features,
            seed: 0,
            max_rows: usize::MAX,
            taught_rows: usize::MAX,
            rows: Shared::default(),
            idle: OnceLock::new(),
            effects: OnceLock::new(),
        }
    }

    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    #[must_use]
    pub fn with_max_rows(self, max_rows: usize) -> Self {
        Self { max_rows, ..self }
    }

    #[must_use]
    pub fn with_taught_rows(self, taught_rows: usize) -> Self {
        Self { taught_rows, ..self }
    }

    /// Feature rows of a layout without idle families, made once and shared by all forecasters of this training set.
    ///
    /// # Errors
    /// [`ModelError::Features`] if the source fails.
    pub fn rows(&self, layout: Layout) -> Result<Arc<FeatureMatrix>, ModelError> {
        self.rows.get_or_make(layout, self.cutoff, || {
            let rows = self.features.training(self.cutoff, layout, self.max_rows)?;
            let idle = self.idle.get_or_init(|| self.idle_of(&rows));
            Ok(rows.without_families(idle))
        })
    }

    /// Feature families that tell nothing of this panel, as the first layout asked for says; none before that.
    #[must_use]
    pub fn idle_families(&self) -> &[&'static str] {
        self.idle.get().map_or(&[], Vec::as_slice)
    }

    fn idle_of(&self, rows: &FeatureMatrix) -> Vec<&'static str> {
        let units = Unit::Recent.of_rows(rows, &levels(self.histories, self.season));
        // Rows that no trees can be grown on say nothing against a family.
        idle_families(rows, &units, self.horizon, self.seed).unwrap_or_default()
    }

    /// What events do to each series, learnt once and shared by all forecasters of this training set.
    ///
    /// # Errors
    /// [`ModelError::Features`] if the source fails.
    pub fn effects(&self) -> Result<Arc<Effects>, ModelError> {
        learnt(&self.effects, self.features, self.histories, self.cutoff, self.horizon, self.season)
    }
}

/// What a fitted model may know when it predicts.
pub struct Future<'a> {
    pub cutoff: Ordinal,
    /// Steps to predict.
    pub horizon: u16,
    /// Seasonal period in steps; 1 for none.
    pub season: u16,
    /// Every series as of the cutoff, in the panel's order.
    pub histories: &'a [History],
    pub features: &'a dyn FeatureSource,
    rows: Shared<(Layout, RangeInclusive<u16>)>,
    effects: OnceLock<Arc<Effects>>,
}

impl<'a> Future<'a> {
    pub fn new(features: &'a dyn FeatureSource, histories: &'a [History], cutoff: Ordinal, horizon: u16, season: u16) -> Self {
        Self { cutoff, horizon, season, histories, features, rows: Shared::default(), effects: OnceLock::new() }
    }

    /// Takes over what a training set of the same cutoff and horizon has learnt of events.
    ///
    /// # Errors
    /// [`ModelError::Features`] if the source fails.
    pub fn with_effects_of(self, training: &TrainingSet<'_>) -> Result<Self, ModelError> {
        Ok(Self { effects: OnceLock::from(training.effects()?), ..self })
    }

    /// What events do to each series, as [`TrainingSet::effects`].
    ///
    /// # Errors
    /// [`ModelError::Features`] if the source fails.
    pub fn effects(&self) -> Result<Arc<Effects>, ModelError> {
        learnt(&self.effects, self.features, self.histories, self.cutoff, self.horizon, self.season)
    }

    /// Feature rows of some steps, made once and shared by all forecasters.
    ///
    /// # Errors
    /// [`ModelError::Features`] if the source fails.
    pub fn rows(&self, layout: Layout, steps: RangeInclusive<u16>) -> Result<Arc<FeatureMatrix>, ModelError> {
        self.rows.get_or_make((layout, steps.clone()), self.cutoff, || self.features.future(self.cutoff, layout, steps))
    }
}

fn learnt(
    kept: &OnceLock<Arc<Effects>>,
    features: &dyn FeatureSource,
    histories: &[History],
    cutoff: Ordinal,
    horizon: u16,
    season: u16,
) -> Result<Arc<Effects>, ModelError> {
    if let Some(effects) = kept.get() {
        return Ok(Arc::clone(effects));
    }
    let effects = Effects::learn(features, histories, cutoff, horizon, season).map_err(|source| ModelError::Features { cutoff, source })?;
    Ok(Arc::clone(kept.get_or_init(|| Arc::new(effects))))
}

/// Matrices that several forecasters read, made once. The lock is never held while one is made: the maker may run other
/// work of the thread pool meanwhile.
struct Shared<K>(Mutex<HashMap<K, Arc<FeatureMatrix>>>);

impl<K> Default for Shared<K> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<K: std::hash::Hash + Eq> Shared<K> {
    fn get_or_make(
        &self,
        key: K,
        cutoff: Ordinal,
        make: impl FnOnce() -> Result<FeatureMatrix, domain::FeatureError>,
    ) -> Result<Arc<FeatureMatrix>, ModelError> {
        if let Some(found) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(found));
        }
        let made = Arc::new(make().map_err(|source| ModelError::Features { cutoff, source })?);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&made));
        Ok(made)
    }
}
