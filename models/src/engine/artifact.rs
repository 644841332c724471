//! The last good models, kept: rung two of the ladder.

use std::collections::HashMap;

use domain::{Explanation, FeatureSource, History, Ordinal, SeriesForecast};
use serde::{Deserialize, Serialize};

use super::Decision;
use super::forecast::Made;
use crate::candidate::Candidate;
use crate::error::ModelError;
use crate::fold::{Fold, ModelPaths};
use crate::forecaster::{Artifact, Contributions, Future, Path, Skip};
use crate::forecasters;
use crate::guard::{GuardHit, cap, guard};
use crate::scale::scales;
use crate::shape::Shapes;

/// Fitted models, choices and ranges of one forecast as data: forecasts again, from newer data, without fitting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EngineArtifact {
    /// The cutoff it was fitted at.
    pub cutoff: Ordinal,
    pub horizon: u16,
    pub season: u16,
    /// `unique_id` of each series it knows.
    pub(super) series: Vec<String>,
    models: Vec<Kept>,
    pub(super) decision: Decision,
}

/// One forecaster of the registry; without an artifact if it could not be fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Kept {
    model: String,
    artifact: Option<Artifact>,
}

impl EngineArtifact {
    pub(super) fn keep(made: &Made) -> Result<Self, ModelError> {
        let run = &made.run;
        let keep = |(paths, fitted): (&ModelPaths, &Option<Box<dyn crate::Fitted>>)| {
            Ok(Kept { model: paths.model.clone(), artifact: fitted.as_ref().map(|fitted| fitted.artifact()).transpose()? })
        };
        let models = run.fold.models.iter().zip(&run.fitted).map(keep).collect::<Result<_, ModelError>>()?;
        Ok(Self {
            cutoff: run.fold.cutoff,
            horizon: made.horizon,
            season: made.season,
            series: made.series.clone(),
            models,
            decision: made.decision.clone(),
        })
    }

    /// Forecasts the steps after `cutoff` with the kept models. Series are matched by `unique_id`; one that was not there
    /// when the models were fitted is forecast by the baseline.
    ///
    /// # Errors
    /// [`ModelError::Features`] if the source fails, [`ModelError::MissingColumn`] if its columns have changed,
    /// [`ModelError::Artifact`] if a kept model cannot be read.
    pub fn forecast(&self, source: &dyn FeatureSource, cutoff: Ordinal) -> Result<Vec<SeriesForecast>, ModelError> {
        Ok(self.guarded_forecast(source, cutoff)?.0)
    }

    /// As [`EngineArtifact::forecast`], with what the guards did to the paths that answer.
    ///
    /// # Errors
    /// As [`EngineArtifact::forecast`].
    pub fn guarded_forecast(
        &self,
        source: &dyn FeatureSource,
        cutoff: Ordinal,
    ) -> Result<(Vec<SeriesForecast>, Vec<GuardHit>), ModelError> {
        let features = |source| ModelError::Features { cutoff, source };
        let histories = source.histories(cutoff).map_err(features)?;
        let closed = source.closed(cutoff, self.horizon).map_err(features)?;
        self.forecast_of(&Future::new(source, &histories, cutoff, self.horizon, self.season), closed)
    }

    /// Forecasts as [`EngineArtifact::forecast`] and explains as [`EngineArtifact::explain`], reading features once: what if it
    /// rains, what if there is a promotion, is answered by this from a source that supposes so.
    ///
    /// # Errors
    /// As [`EngineArtifact::forecast`].
    pub fn forecast_explained(
        &self,
        source: &dyn FeatureSource,
        cutoff: Ordinal,
    ) -> Result<Vec<(SeriesForecast, Vec<Explanation>)>, ModelError> {
        let features = |source| ModelError::Features { cutoff, source };
        let histories = source.histories(cutoff).map_err(features)?;
        let closed = source.closed(cutoff, self.horizon).map_err(features)?;
        let future = Future::new(source, &histories, cutoff, self.horizon, self.season);
        let (forecasts, _) = self.forecast_of(&future, closed.clone())?;
        let explained = self.explain_of(&future, &closed, &forecasts)?;
        Ok(forecasts.into_iter().zip(explained).collect())
    }

    fn forecast_of(&self, future: &Future<'_>, closed: Vec<Vec<bool>>) -> Result<(Vec<SeriesForecast>, Vec<GuardHit>), ModelError> {
        let histories = future.histories;
        let scales = scales(histories, self.season);
        let caps: Vec<f64> = histories.iter().map(cap).collect();
        let (mut models, mut hits, mut shapes) = (Vec::with_capacity(self.models.len()), Vec::new(), None);
        for (member, kept) in self.models.iter().enumerate() {
            let (mut paths, told) = if self.has_a_say(member) { predict(kept, future)? } else { (unasked(histories), None) };
            shapes = shapes.or(told);
            hits.extend(guard(&kept.model, &mut paths, &caps, &closed));
            models.push(ModelPaths { model: kept.model.clone(), paths });
        }
        let fold = Fold { cutoff: future.cutoff, models, closed, shapes, hits, idle_families: Vec::new() };
        let decision = self.decision_for(future.features.series(), &fold);
        let hits = decision.hits_in_answers(&fold);
        Ok((decision.publish(&fold, &scales), hits))
    }

    /// Whether any series is forecast by it.
    fn has_a_say(&self, member: usize) -> bool {
        let is_in = |candidate: &Candidate| candidate.members.iter().any(|&(of, _)| of == member);
        is_in(&self.decision.candidates[self.decision.baseline()]) || self.decision.mixes.iter().flatten().any(is_in)
    }

    /// What a forecaster's own contributions are; none where it could not be fitted.
    pub(super) fn contributions(&self, member: usize, future: &Future<'_>) -> Result<Vec<Contributions>, ModelError> {
        match self.models.get(member).and_then(|kept| kept.artifact.as_ref()) {
            Some(artifact) => forecasters::all().load(artifact)?.explain(future),
            None => Ok(vec![None; future.histories.len()]),
        }
    }

    /// The kept decision in the order of today's series; the baseline where there is none or its candidate has no path.
    fn decision_for(&self, series: &[String], fold: &Fold) -> Decision {
        let known: HashMap<&str, usize> = self.series.iter().enumerate().map(|(index, name)| (name.as_str(), index)).collect();
        let old: Vec<Option<usize>> = series.iter().map(|name| known.get(name.as_str()).copied()).collect();
        let mut decision = self.decision.rearranged(&old);
        let baseline = decision.candidates[decision.baseline()].clone();
        for (series, mix) in decision.mixes.iter_mut().enumerate() {
            let answers = |candidate: &Candidate| candidate.path(&fold.models, series).is_some();
            *mix = mix.take().filter(answers).or_else(|| Some(baseline.clone()).filter(answers));
        }
        decision
    }
}

fn predict(kept: &Kept, future: &Future<'_>) -> Result<(Vec<Path>, Option<Shapes>), ModelError> {
    let Some(artifact) = &kept.artifact else {
        let because = "it could not be fitted then".to_owned();
        return Ok((vec![Err(Skip::NotFitted { because }); future.histories.len()], None));
    };
    let fitted = forecasters::all().load(artifact)?;
    Ok((fitted.predict(future)?, fitted.shapes(future)?))
}

/// In place of the paths of a forecaster that has no weight for any series: they would cost time and change nothing.
fn unasked(histories: &[History]) -> Vec<Path> {
    vec![Err(Skip::NotFitted { because: "no series is forecast by it".to_owned() }); histories.len()]
}
