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

use domain::{FeatureError, FeatureSource, Ordinal};
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
}

impl Fold {
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
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// The forecast that was asked for: every error is reported.
    Final,
    /// A fold in the past: issued weather may not have been kept yet; models that need it sit this fold out.
    Inner,
}

/// Fits and predicts as of one cutoff.
pub(crate) fn run(
    source: &dyn FeatureSource,
    forecasters: &Forecasters,
    config: &EngineConfig,
    cutoff: Ordinal,
    taught_rows: usize,
    strictness: Strictness,
) -> Result<FoldRun, ModelError> {
    let features = |source| ModelError::Features { cutoff, source };
    let histories = source.histories(cutoff).map_err(features)?;
    let closed = source.closed(cutoff, config.horizon).map_err(features)?;
    let caps: Vec<f64> = histories.iter().map(cap).collect();
    let training = TrainingSet::new(source, &histories, cutoff, config.horizon, config.season)
        .with_seed(config.seed)
        .with_max_rows(config.effort.budget().rows)
        .with_taught_rows(taught_rows);
    let future = Future::new(source, &histories, cutoff, config.horizon, config.season).with_effects_of(&training)?;

    let mut hits = Vec::new();
    let (mut models, mut fitted, mut shapes) = (Vec::new(), Vec::new(), None);
    for forecaster in forecasters.iter() {
        let attempt = forecaster.fit(&training).and_then(|fitted| Ok((fitted.predict(&future)?, fitted)));
        let (mut paths, kept) = match attempt {
            Ok((paths, model)) => {
                if shapes.is_none() {
                    shapes = model.shapes(&future)?;
                }
                (paths, Some(model))
            }
            Err(error) if may_sit_out(&error, strictness) => {
                (vec![Err(Skip::NotFitted { because: error.to_string() }); histories.len()], None)
            }
            Err(error) => return Err(error),
        };
        hits.extend(guard(forecaster.name(), &mut paths, &caps, &closed));
        models.push(ModelPaths { model: forecaster.name().to_owned(), paths });
        fitted.push(kept);
    }
    Ok(FoldRun { fold: Fold { cutoff, models, closed, shapes, hits }, fitted })
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

    /// Makes, or takes from the keeper, the folds that are not there yet, at most `config.parallel_folds` at a time, which
    /// bounds the memory.
    ///
    /// # Errors
    /// The first error of any fold.
    pub(crate) fn ensure(
        &mut self,
        source: &dyn FeatureSource,
        forecasters: &Forecasters,
        config: &EngineConfig,
        wanted: &[(Ordinal, usize, Strictness)],
        keeper: &dyn FoldKeeper,
        progress: &ProgressFn<'_>,
    ) -> Result<(), ModelError> {
        let missing: Vec<_> = wanted.iter().copied().filter(|(cutoff, ..)| !self.folds.contains_key(cutoff)).collect();
        let mut done = 0;
        for together in missing.chunks(config.parallel_folds.max(1)) {
            let make = |&(cutoff, rows, strictness): &(Ordinal, usize, Strictness)| {
                if let Some(kept) = keeper.load(cutoff) {
                    return Ok(kept);
                }
                let fold = run(source, forecasters, config, cutoff, rows, strictness)?.fold;
                keeper.keep(&fold);
                Ok(fold)
            };
            let made: Vec<Result<Fold, ModelError>> = together.par_iter().map(make).collect();
            for fold in made {
                let fold = fold?;
                done += 1;
                progress(Progress { phase: Phase::Folds, done, total: missing.len(), cutoff: fold.cutoff });
                self.insert(fold);
            }
        }
        Ok(())
    }
}
