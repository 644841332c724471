//! The rungs of the 04:30 promise, top down: models fitted tonight, the last good ones on tonight's data, what was published last
//! ([`super::earlier`]), last week's sales.

use domain::{History, Ordinal, Panel, Rung, SeriesForecast};
use models::{BASELINE, EngineArtifact, EngineConfig, EngineOutput, GuardHit, ModelError};
use pipeline::PanelFeatures;
use serde::Serialize;

use super::error::NightError;
use super::facts::StoreFacts;
use super::gates::{self, BacktestSummary, Gate, GateBounds};
use super::kept::LastModel;
use super::{Pace, wholes};
use crate::events;

/// What every rung stands on.
pub(super) struct Ground<'a> {
    pub store: &'a str,
    pub facts: &'a StoreFacts,
    pub panel: &'a Panel,
    pub source: &'a PanelFeatures,
    /// As of the cutoff.
    pub histories: &'a [History],
    pub config: &'a EngineConfig,
    pub cutoff: Ordinal,
    pub bounds: GateBounds,
    pub last_model: Option<&'a LastModel>,
    pub pace: Pace,
    /// Whether what was published last has a forecast for the night's own day. It is no arithmetic: whoever called publishes it.
    pub has_earlier: bool,
}

/// The forecasts of one rung, judged.
pub(super) struct Forecasts {
    pub rung: Rung,
    /// To be published.
    pub steps: Vec<SeriesForecast>,
    /// Before reconciliation, which moves what the models said by a share: their reasons stay.
    pub made: Vec<SeriesForecast>,
    /// The models that made them.
    pub models: Result<EngineArtifact, ModelError>,
    pub guard_hits: Vec<GuardHit>,
    pub gates: Vec<Gate>,
}

/// Where a night has come to rest.
pub(super) struct Climb {
    pub forecasts: Forecasts,
    /// What was fitted tonight, used or not.
    pub fresh: Option<EngineOutput>,
    pub refused: Vec<Refusal>,
    /// What could not be done and is not needed for a plan, with the reason.
    pub left_out: Vec<String>,
}

/// Why a rung above was not published.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Refusal {
    pub rung: Rung,
    #[serde(flatten)]
    pub gate: Gate,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: `{}` says {}", self.rung, self.gate.name, self.gate.detail)
    }
}

/// Climbs down until forecasts pass their gates.
///
/// # Errors
/// [`NightError::Refused`] where the next rung is what was published last, else of the lowest rung, below which there is nothing
/// to publish.
pub(super) fn climb_down(ground: &Ground<'_>, progress: &(dyn Fn(models::Progress) + Sync)) -> Result<Climb, NightError> {
    let (mut fresh, mut left_out) = (None, Vec::new());
    let first = match ground.pace {
        Pace::Calm => models::forecast(ground.source, ground.config, ground.cutoff, progress)
            .map_err(|source| ground.failed(source))
            .map(|output| ground.fresh(fresh.insert(output), &mut left_out)),
        Pace::Hurried => Err(NightError::Late { store: ground.store.to_owned() }),
    };
    let mut refused = match settle(first, Rung::Fresh) {
        Ok(forecasts) => return Ok(Climb { forecasts, fresh, refused: Vec::new(), left_out }),
        Err(refused) => refused,
    };
    match settle(ground.last_model(), Rung::LastModel) {
        Ok(forecasts) => return Ok(Climb { forecasts, fresh, refused, left_out }),
        Err(more) => refused.extend(more),
    }
    if ground.has_earlier {
        return Err(NightError::Refused { store: ground.store.to_owned(), refused });
    }
    let forecasts = ground.seasonal_naive(fresh.as_ref())?;
    match forecasts.gates.iter().find(|gate| !gate.passed) {
        Some(gate) => Err(NightError::Gates { store: ground.store.to_owned(), gate: gate.name.clone(), detail: gate.detail.clone() }),
        None => Ok(Climb { forecasts, fresh, refused, left_out }),
    }
}

/// A rung's forecasts if they passed, or what speaks against them.
fn settle(forecasts: Result<Forecasts, NightError>, rung: Rung) -> Result<Forecasts, Vec<Refusal>> {
    let refuse = |gate: Gate| Refusal { rung, gate };
    match forecasts {
        Ok(forecasts) if gates::all_passed(&forecasts.gates) => Ok(forecasts),
        Ok(forecasts) => Err(forecasts.gates.into_iter().filter(|gate| !gate.passed).map(refuse).collect()),
        Err(error) => Err(vec![refuse(Gate { name: "made".to_owned(), passed: false, detail: domain::chain(&error) })]),
    }
}

impl Ground<'_> {
    fn fresh(&self, output: &EngineOutput, left_out: &mut Vec<String>) -> Forecasts {
        let reconciled = wholes::reconciled(self.store, self.facts, self.panel, output, self.config, self.cutoff);
        let steps = reconciled.unwrap_or_else(|error| {
            left_out.push(events::left_out(self.store, "reconciliation", &error));
            output.forecasts.clone()
        });
        Forecasts {
            rung: Rung::Fresh,
            gates: self.judge(&steps, BacktestSummary::of(output)),
            steps,
            made: output.forecasts.clone(),
            models: output.artifact(),
            guard_hits: output.guard_hits.clone(),
        }
    }

    fn last_model(&self) -> Result<Forecasts, NightError> {
        let none = |reason: String| NightError::NoLastModel { store: self.store.to_owned(), reason };
        let last = self.last_model.ok_or_else(|| none("none is kept that knew no more than this night".to_owned()))?;
        let models = last.read().map_err(|error| none(domain::chain(&error)))?;
        let horizon = self.config.horizon;
        if models.horizon < horizon || models.season != self.config.season {
            return Err(none(format!(
                "the one up to {} was fitted for {} steps, {horizon} are asked for",
                last.trained_until, models.horizon
            )));
        }
        let (mut made, mut guard_hits) = models.guarded_forecast(self.source, self.cutoff).map_err(|source| self.failed(source))?;
        made.iter_mut().for_each(|forecast| forecast.steps.truncate(usize::from(horizon)));
        guard_hits.retain(|hit| hit.step <= horizon);
        Ok(Forecasts {
            rung: Rung::LastModel,
            gates: self.judge(&made, last.backtest),
            steps: made.clone(),
            made,
            models: Ok(models),
            guard_hits,
        })
    }

    /// Of tonight's models if there are any. These repeat what was sold: only that they are complete and sound is asked.
    fn seasonal_naive(&self, fresh: Option<&EngineOutput>) -> Result<Forecasts, NightError> {
        let alone = || {
            let config = self.config.clone().with_models(vec![BASELINE.to_owned()]);
            models::forecast(self.source, &config, self.cutoff, &|_| ()).map_err(|source| self.failed(source))
        };
        let output = fresh.map_or_else(alone, |output| Ok(output.clone()))?;
        let made = output.of_model(BASELINE);
        Ok(Forecasts {
            rung: Rung::SeasonalNaive,
            gates: gates::judge_last_rung(&made, &self.expected(), self.config.horizon),
            steps: made.clone(),
            made,
            models: output.artifact(),
            guard_hits: output.hits_of_model(BASELINE),
        })
    }

    fn judge(&self, forecasts: &[SeriesForecast], backtest: BacktestSummary) -> Vec<Gate> {
        gates::judge(forecasts, &self.expected(), self.config.horizon, self.histories, backtest, self.bounds)
    }

    /// Series that have a past.
    fn expected(&self) -> Vec<u32> {
        (0..).zip(self.histories).filter(|(_, history)| !history.values.is_empty()).map(|(series, _)| series).collect()
    }

    fn failed(&self, source: ModelError) -> NightError {
        NightError::Models { store: self.store.to_owned(), source }
    }
}
