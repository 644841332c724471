//! One cutoff: every forecaster fitted on what was known then, predicting the steps after it.
//!
//! **Folds are keyed by their cutoff and reused.** A fold's predictions depend on nothing but the data as of its own
//! cutoff, so an outer cutoff `C` may decide (select, calibrate) with any fold whose last target it has seen:
//! `c + horizon <= C`. `N` outer windows with `K` inner folds each lie on one grid of cutoffs and cost about `N + K` fits,
//! never `N * K`.
//!
//! The subtlety: predictions can be shared between outer cutoffs, *truth cannot*. A sale may be corrected after `C`, and a
//! decision at `C` must not know. So a fold stores no actuals; each outer cutoff takes them from its own histories.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::{FeatureError, FeatureSource, History, Ordinal};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::engine::{EngineConfig, Phase, Progress, ProgressFn};
use crate::error::ModelError;
use crate::forecaster::{Fitted, Future, Path, Skip, TrainingSet};
use crate::forecasters::Forecasters;
use crate::guard::{GuardHit, cap, guard};
use crate::shape::{Shape, Shapes};

/// Predictions of every forecaster as of one cutoff.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fold {
    pub cutoff: Ordinal,
    /// In the order of the registry.
    pub models: Vec<ModelPaths>,
    /// `closed[series][step - 1]`, as known at the cutoff.
    pub closed: Vec<Vec<bool>>,
    /// How forecasts are distributed, if a model tells.
    pub shapes: Option<Shapes>,
    /// What the guards did to the paths.
    pub hits: Vec<GuardHit>,
    /// Feature families that told nothing; no model was given them.
    pub idle_families: Vec<String>,
}

impl Fold {
    fn empty(cutoff: Ordinal) -> Self {
        Self { cutoff, models: Vec::new(), closed: Vec::new(), shapes: None, hits: Vec::new(), idle_families: Vec::new() }
    }

    /// The first model that tells how forecasts are distributed is heard.
    fn ask_for_shapes(&mut self, model: &dyn Fitted, future: &Future<'_>) -> Result<(), ModelError> {
        if self.shapes.is_none() {
            self.shapes = model.shapes(future)?;
        }
        Ok(())
    }

    fn add(&mut self, model: &str, mut paths: Vec<Path>, known: &Known) {
        self.hits.extend(guard(model, &mut paths, &known.caps, &known.closed));
        self.models.push(ModelPaths { model: model.to_owned(), paths });
    }

    /// The distribution of a series' step (from 1), if a model tells.
    pub(crate) fn shape(&self, series: usize, step: u16) -> Option<&Shape> {
        self.shapes.as_ref()?.get(series)?.as_ref()?.get(usize::from(step) - 1)
    }
}

/// Guarded mean paths of one model, one per series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelPaths {
    pub model: String,
    #[serde(with = "exact")]
    pub paths: Vec<Path>,
}

/// Paths as text that reads back to the same bits: JSON readers may round a decimal fraction.
mod exact {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::forecaster::{Path, Skip};

    type Bits = Result<Vec<u64>, Skip>;

    pub(super) fn serialize<S: Serializer>(paths: &[Path], into: S) -> Result<S::Ok, S::Error> {
        let bits = |path: &Path| -> Bits { path.clone().map(|values| values.into_iter().map(f64::to_bits).collect()) };
        paths.iter().map(bits).collect::<Vec<_>>().serialize(into)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Path>, D::Error> {
        let paths = |bits: Bits| bits.map(|values| values.into_iter().map(f64::from_bits).collect());
        Ok(Vec::<Bits>::deserialize(from)?.into_iter().map(paths).collect())
    }
}

/// A fold together with what made it, for the final fit.
pub(crate) struct FoldRun {
    pub fold: Fold,
    /// Fitted models by position in the registry; `None` where one could not be fitted.
    pub fitted: Vec<Option<Box<dyn Fitted>>>,
}

/// Keeps folds outside of the engine, so that a backtest that was stopped goes on from where it was. A fold is a matter of
/// the data, the configuration and the program: whoever keeps it sees to it that none of them has changed.
pub trait FoldKeeper: Sync {
    /// The fold of a cutoff, if it has been kept.
    fn load(&self, cutoff: Ordinal) -> Option<Fold>;

    /// Keeps a fold. Called from worker threads, as soon as each is made.
    fn keep(&self, fold: &Fold);
}

/// Keeps nothing.
pub struct Forgetful;

impl FoldKeeper for Forgetful {
    fn load(&self, _cutoff: Ordinal) -> Option<Fold> {
        None
    }

    fn keep(&self, _fold: &Fold) {}
}

/// Whether a missing future regressor is the caller's mistake or merely history without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// The forecast that was asked for: every error is reported.
    Final,
    /// A fold in the past: issued weather may not have been kept yet; models that need it sit this fold out.
    Inner,
}

/// A cutoff to forecast from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub cutoff: Ordinal,
    /// Rows that models across series are fitted to, where they are fitted here.
    pub taught_rows: usize,
    pub strictness: Strictness,
}

/// What is known of the panel as of a cutoff.
struct Known {
    histories: Vec<History>,
    closed: Vec<Vec<bool>>,
    caps: Vec<f64>,
}

impl Known {
    fn at(source: &dyn FeatureSource, cutoff: Ordinal, horizon: u16) -> Result<Self, ModelError> {
        let features = |source| ModelError::Features { cutoff, source };
        let histories = source.histories(cutoff).map_err(features)?;
        let caps = histories.iter().map(cap).collect();
        Ok(Self { histories, closed: source.closed(cutoff, horizon).map_err(features)?, caps })
    }
}

/// Fits and predicts as of one cutoff.
pub(crate) fn run(
    source: &dyn FeatureSource,
    forecasters: &Forecasters,
    config: &EngineConfig,
    wanted: Wanted,
) -> Result<FoldRun, ModelError> {
    let Wanted { cutoff, taught_rows, strictness } = wanted;
    let known = Known::at(source, cutoff, config.horizon)?;
    let training = TrainingSet::new(source, &known.histories, cutoff, config.horizon, config.season)
        .with_seed(config.seed)
        .with_max_rows(config.effort.budget().rows)
        .with_taught_rows(taught_rows);
    let future = Future::new(source, &known.histories, cutoff, config.horizon, config.season).with_effects_of(&training)?;

    let (mut fold, mut fitted) = (Fold::empty(cutoff), Vec::new());
    for forecaster in forecasters.iter() {
        let attempt = forecaster.fit(&training).and_then(|fitted| Ok((fitted.predict(&future)?, fitted)));
        let (paths, kept) = match attempt {
            Ok((paths, model)) => {
                fold.ask_for_shapes(model.as_ref(), &future)?;
                (paths, Some(model))
            }
            Err(error) if may_sit_out(&error, strictness) => (not_fitted(&error, known.histories.len()), None),
            Err(error) => return Err(error),
        };
        fold.add(forecaster.name(), paths, &known);
        fitted.push(kept);
    }
    fold.idle_families = training.idle_families().iter().map(|&family| family.to_owned()).collect();
    Ok(FoldRun { fold: Fold { closed: known.closed, ..fold }, fitted })
}

impl FoldRun {
    /// The fold of a later cutoff by the same models: they see newer data and are not fitted to them.
    fn again(&self, source: &dyn FeatureSource, config: &EngineConfig, wanted: Wanted) -> Result<Fold, ModelError> {
        let known = Known::at(source, wanted.cutoff, config.horizon)?;
        let future = Future::new(source, &known.histories, wanted.cutoff, config.horizon, config.season);
        let mut fold = Fold { idle_families: self.fold.idle_families.clone(), ..Fold::empty(wanted.cutoff) };
        for (ModelPaths { model, .. }, fitted) in self.fold.models.iter().zip(&self.fitted) {
            let unfitted = || vec![Err(Skip::NotFitted { because: "it could not be fitted then".to_owned() }); known.histories.len()];
            let paths = match fitted.as_ref().map(|fitted| fitted.predict(&future)) {
                None => unfitted(),
                Some(Ok(paths)) => paths,
                Some(Err(error)) if may_sit_out(&error, wanted.strictness) => not_fitted(&error, known.histories.len()),
                Some(Err(error)) => return Err(error),
            };
            if let Some(fitted) = fitted.as_ref().filter(|_| paths.iter().any(Result::is_ok)) {
                fold.ask_for_shapes(fitted.as_ref(), &future)?;
            }
            fold.add(model, paths, &known);
        }
        Ok(Fold { closed: known.closed, ..fold })
    }
}

fn not_fitted(error: &ModelError, series: usize) -> Vec<Path> {
    vec![Err(Skip::NotFitted { because: error.to_string() }); series]
}

fn may_sit_out(error: &ModelError, strictness: Strictness) -> bool {
    let no_vintage = matches!(error, ModelError::Features { source: FeatureError::MissingFuture { .. }, .. });
    error.leaves_out_the_model() || (no_vintage && strictness == Strictness::Inner)
}

/// Folds made so far, by cutoff.
#[derive(Debug, Clone, Default)]
pub struct FoldStore {
    folds: BTreeMap<Ordinal, Arc<Fold>>,
}

impl FoldStore {
    pub fn insert(&mut self, fold: Fold) {
        self.folds.insert(fold.cutoff, Arc::new(fold));
    }

    #[must_use]
    pub fn get(&self, cutoff: Ordinal) -> Option<&Arc<Fold>> {
        self.folds.get(&cutoff)
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.folds.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.folds.is_empty()
    }

    /// The stored folds among `cutoffs` whose every target was observed by `cutoff`, oldest first.
    #[must_use]
    pub fn seen_by(&self, cutoff: Ordinal, horizon: u16, cutoffs: &[Ordinal]) -> Vec<Arc<Fold>> {
        let last = cutoff - Ordinal::from(horizon);
        self.folds.range(..=last).filter(|(at, _)| cutoffs.contains(at)).map(|(_, fold)| Arc::clone(fold)).collect()
    }

    /// Forgets all folds but those of `cutoffs`.
    pub(crate) fn retain(&mut self, cutoffs: &[Ordinal]) {
        self.folds.retain(|cutoff, _| cutoffs.contains(cutoff));
    }

    /// Makes, or takes from the keeper, the folds that are not there yet, at most `config.parallel_folds` groups at a time,
    /// which bounds the memory. The first cutoff of a group is fitted; its models forecast from the others, too.
    ///
    /// # Errors
    /// The first error of any fold.
    pub(crate) fn ensure(
        &mut self,
        source: &dyn FeatureSource,
        forecasters: &Forecasters,
        config: &EngineConfig,
        wanted: &[Vec<Wanted>],
        keeper: &dyn FoldKeeper,
        progress: &ProgressFn<'_>,
    ) -> Result<(), ModelError> {
        let is_missing = |group: &&Vec<Wanted>| group.iter().any(|one| !self.folds.contains_key(&one.cutoff));
        let missing: Vec<&Vec<Wanted>> = wanted.iter().filter(is_missing).collect();
        let (mut done, total) = (0, missing.iter().map(|group| group.len()).sum());
        for together in missing.chunks(config.parallel_folds.max(1)) {
            let make = |group: &&Vec<Wanted>| make(source, forecasters, config, group, keeper);
            let made: Vec<Result<Vec<Fold>, ModelError>> = together.par_iter().map(make).collect();
            for folds in made {
                for fold in folds? {
                    done += 1;
                    progress(Progress { phase: Phase::Folds, done, total, cutoff: fold.cutoff });
                    self.insert(fold);
                }
            }
        }
        Ok(())
    }
}

/// The folds of a group; those of the keeper if it has them all.
fn make(
    source: &dyn FeatureSource,
    forecasters: &Forecasters,
    config: &EngineConfig,
    group: &[Wanted],
    keeper: &dyn FoldKeeper,
) -> Result<Vec<Fold>, ModelError> {
    if let Some(kept) = group.iter().map(|one| keeper.load(one.cutoff)).collect() {
        return Ok(kept);
    }
    let Some((&first, others)) = group.split_first() else { return Ok(Vec::new()) };
    let lead = run(source, forecasters, config, first)?;
    keeper.keep(&lead.fold);
    let mut folds = Vec::with_capacity(group.len());
    for &other in others {
        let fold = lead.again(source, config, other)?;
        keeper.keep(&fold);
        folds.push(fold);
    }
    folds.insert(0, lead.fold);
    Ok(folds)
}
