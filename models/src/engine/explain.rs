//! Why each forecast is what it is: the members' contributions, by weight.

use std::collections::HashMap;

use domain::explanation::{Explanation, Parts};
use domain::{FeatureSource, History, Ordinal, SeriesForecast};

use super::artifact::EngineArtifact;
use super::split::split_own_past;
use crate::candidate::Candidate;
use crate::error::ModelError;
use crate::forecaster::{Contributions, Future};

impl EngineArtifact {
    /// Explains forecasts that these models made as of a cutoff ([`EngineArtifact::forecast`], or those of the run that the
    /// artifact was kept of): one explanation a step, in the forecasts' order, each adding up to its `yhat`. Nothing is fitted.
    ///
    /// # Errors
    /// As [`EngineArtifact::forecast`].
    pub fn explain(
        &self,
        source: &dyn FeatureSource,
        cutoff: Ordinal,
        forecasts: &[SeriesForecast],
    ) -> Result<Vec<Vec<Explanation>>, ModelError> {
        let features = |source| ModelError::Features { cutoff, source };
        let histories = source.histories(cutoff).map_err(features)?;
        let closed = source.closed(cutoff, self.horizon).map_err(features)?;
        self.explain_of(&Future::new(source, &histories, cutoff, self.horizon, self.season), &closed, forecasts)
    }

    pub(super) fn explain_of(
        &self,
        future: &Future<'_>,
        closed: &[Vec<bool>],
        forecasts: &[SeriesForecast],
    ) -> Result<Vec<Vec<Explanation>>, ModelError> {
        let mixes = self.mixes_behind(future.features.series(), forecasts);
        let mut members: HashMap<usize, Vec<Contributions>> = HashMap::new();
        for &(member, _) in mixes.iter().flat_map(|mix| &mix.members) {
            if !members.contains_key(&member) {
                members.insert(member, self.contributions(member, future)?);
            }
        }
        let explain = |(forecast, mix): (&SeriesForecast, &&Candidate)| {
            let series = forecast.series as usize;
            let shut = closed.get(series).map_or(&[][..], Vec::as_slice);
            let mut parts = mean(mix, &members, series, forecast.steps.len());
            if let Some(history) = future.histories.get(series) {
                split_own_past(&mut parts, shut, usize::from(self.season), recent_mean(history, self.season));
            }
            let is_shut = |step: usize| shut.get(step).copied().unwrap_or(false);
            let steps = forecast.steps.iter().zip(&parts).enumerate();
            steps.map(|(step, (forecast, parts))| Explanation::of(parts, forecast.yhat, is_shut(step))).collect()
        };
        Ok(forecasts.iter().zip(&mixes).map(explain).collect())
    }

    /// Who made each forecast: the series' own mix, or the candidate that it names.
    fn mixes_behind(&self, names: &[String], forecasts: &[SeriesForecast]) -> Vec<&Candidate> {
        let known: HashMap<&str, usize> = self.series.iter().enumerate().map(|(index, name)| (name.as_str(), index)).collect();
        let decision = &self.decision;
        let behind = |forecast: &SeriesForecast| {
            let own = names.get(forecast.series as usize).and_then(|name| known.get(name.as_str()));
            let mix = own.and_then(|&index| decision.mixes.get(index)?.as_ref()).filter(|mix| mix.name == forecast.chosen);
            let named = || decision.candidates.iter().find(|candidate| candidate.name == forecast.chosen);
            mix.or_else(named).unwrap_or(&decision.candidates[decision.baseline()])
        };
        forecasts.iter().map(behind).collect()
    }
}

/// Mean of the members' contributions to a series, of those that have a path for it: as [`Candidate::path`].
fn mean(mix: &Candidate, members: &HashMap<usize, Vec<Contributions>>, series: usize, steps: usize) -> Vec<Parts> {
    let of = |&(member, weight): &(usize, f64)| Some((members.get(&member)?.get(series)?.as_ref()?, weight));
    let answers: Vec<(&Vec<Parts>, f64)> = mix.members.iter().filter_map(of).collect();
    let total: f64 = answers.iter().map(|(_, weight)| weight).sum();
    let mut mean = vec![Parts::default(); steps];
    for (parts, weight) in answers {
        mean.iter_mut().zip(parts).for_each(|(sum, parts)| sum.add_scaled(parts, weight / total));
    }
    mean
}

/// Mean of the last season's usable values.
fn recent_mean(history: &History, season: u16) -> Option<f64> {
    let recent: Vec<f64> = crate::history::usable_values(history).rev().take(usize::from(season)).map(|(_, value)| value).collect();
    (!recent.is_empty()).then(|| recent.iter().sum::<f64>() / recent.len() as f64)
}
