//! A panel, readable as of any cutoff.

use std::ops::RangeInclusive;
use std::sync::Arc;

use domain::features::EventTrack;
use domain::{FeatureError, FeatureMatrix, FeatureSource, Frequency, History, Layout, Ordinal, Panel};

use crate::config::{FeatureConfig, Shape};
use crate::error::PipelineError;
use crate::features::{self, Families};
use crate::matrix::Request;
use crate::observations::{AsOf, SortedObservations, Stretch};
use crate::pool::{Ingredients, Pool};
use crate::pools::Pools;
use crate::regressors::RegressorStore;
use crate::rows::{Block, keep_youngest};
use crate::view::Purpose;

/// A [`Panel`] sorted for reading: the [`FeatureSource`] of the product.
///
/// Making one costs a sort of its cells; every question then costs what its rows need, however long the history is.
pub struct PanelFeatures {
    pub(crate) series: Vec<String>,
    pub(crate) observations: SortedObservations,
    pub(crate) regressors: Vec<RegressorStore>,
    pub(crate) families: Families,
    pub(crate) frequency: Frequency,
    pub(crate) closed: Option<RegressorStore>,
    config: FeatureConfig,
    pub(crate) pools: Pools,
}

impl PanelFeatures {
    /// Sorts and checks a panel.
    ///
    /// # Errors
    /// [`PipelineError`] if columns differ in length, a cell belongs to no series, the periods cannot be laid on a grid, or
    /// `config` names an unknown family.
    pub fn new(panel: Panel, config: FeatureConfig) -> Result<Self, PipelineError> {
        let count = panel.series.len();
        let store = |regressor| RegressorStore::new(regressor, count);
        Ok(Self {
            observations: SortedObservations::new(&panel.observations, count, panel.gaps)?,
            regressors: panel.regressors.iter().map(store).collect::<Result<_, _>>()?,
            closed: panel.closed.as_ref().map(store).transpose()?,
            families: features::all().without(&config.exclude)?,
            frequency: panel.frequency,
            series: panel.series,
            config,
            pools: Pools::default(),
        })
    }

    /// The seasonal period that lags and means count in, in steps.
    #[must_use]
    pub fn season(&self) -> u16 {
        self.shape(1).season as u16
    }

    /// Whether a series is known to be closed on a period.
    pub(crate) fn is_closed(&self, series: u32, at: Ordinal, known_by: Ordinal) -> bool {
        self.closed.as_ref().is_some_and(|closed| closed.value(closed.slot(series), at, known_by).is_some_and(|value| value > 0.5))
    }

    /// What features may use: values as of the cutoff, with predictions for the periods after it, NaN where closed.
    pub(crate) fn usable(&self, series: u32, cutoff: Ordinal, periods: RangeInclusive<Ordinal>, predicted: &[f64]) -> Stretch {
        let mut stretch = self.observations.stretch(series as usize, AsOf::cutoff(cutoff), periods.clone());
        for (value, at) in stretch.values.iter_mut().zip(periods) {
            if at > cutoff {
                *value = predicted.get((at - cutoff - 1) as usize).copied().unwrap_or(f64::NAN);
            }
            if self.is_closed(series, at, cutoff) {
                *value = f64::NAN;
            }
        }
        for (censored, value) in stretch.censored.iter_mut().zip(&stretch.values) {
            *censored &= !value.is_nan();
        }
        stretch
    }

    /// What all series tell together, as of a cutoff and predictions for the periods after it.
    pub(crate) fn pool(&self, cutoff: Ordinal, predicted: &[Vec<f64>]) -> Arc<Pool> {
        let ahead = predicted.iter().map(Vec::len).max().unwrap_or(0);
        let make = || {
            let last = cutoff + ahead as Ordinal;
            let periods = (self.spans(cutoff).map(|(_, first, _)| first).min().unwrap_or(last), last);
            let of = Ingredients { shape: self.shape(1), cutoff, periods, regressors: &self.regressors, series: self.series.len() };
            Pool::new(&of, |series| {
                let (first, _) = self.observations.span(series, AsOf::cutoff(cutoff))?;
                let predicted = predicted.get(series).map_or(&[][..], Vec::as_slice);
                Some((first, self.usable(series as u32, cutoff, first..=last, predicted).values))
            })
        };
        if ahead == 0 { self.pools.get_or_make(cutoff, make) } else { Arc::new(make()) }
    }

    fn shape(&self, lead: u16) -> Shape {
        Shape::new(self.frequency, &self.config, lead)
    }

    /// Every series' first and last period with a value, as of a cutoff; series without one are left out.
    fn spans(&self, cutoff: Ordinal) -> impl Iterator<Item = (u32, Ordinal, Ordinal)> {
        (0..self.series.len()).filter_map(move |series| {
            let (first, last) = self.observations.span(series, AsOf::cutoff(cutoff))?;
            Some((series as u32, first, last))
        })
    }

    /// The same periods after the cutoff for every series that has a history.
    fn ahead(&self, cutoff: Ordinal, steps: RangeInclusive<u16>) -> Vec<Block> {
        let (from, to) = (cutoff + Ordinal::from(*steps.start()), cutoff + Ordinal::from(*steps.end()));
        let block = |(series, first, _)| Block { series, first, from, to };
        if from > to { Vec::new() } else { self.spans(cutoff).map(block).collect() }
    }

    fn history(&self, series: usize, cutoff: Ordinal) -> History {
        let Some((first, last)) = self.observations.span(series, AsOf::cutoff(cutoff)) else { return History::default() };
        let Stretch { values, trust, .. } = self.observations.stretch(series, AsOf::cutoff(cutoff), first..=last);
        let censored = trust.iter().map(|&trust| trust == 0.0).collect();
        let closed = (first..=last).map(|at| self.is_closed(series as u32, at, cutoff)).collect();
        History { first, values, censored, closed }
    }
}

impl FeatureSource for PanelFeatures {
    fn frequency(&self) -> Frequency {
        self.frequency
    }

    fn series(&self) -> &[String] {
        &self.series
    }

    fn last_period(&self) -> Option<Ordinal> {
        (0..self.series.len()).filter_map(|series| Some(self.observations.span(series, AsOf::today())?.1)).max()
    }

    fn histories(&self, cutoff: Ordinal) -> Result<Vec<History>, FeatureError> {
        Ok((0..self.series.len()).map(|series| self.history(series, cutoff)).collect())
    }

    fn training(&self, cutoff: Ordinal, layout: Layout, max_rows: usize) -> Result<FeatureMatrix, FeatureError> {
        let shape = self.shape(layout.lead());
        // A row needs one value that is at least `lead` steps old.
        let from = |first: Ordinal| first + shape.lead as Ordinal;
        let mut blocks: Vec<Block> = self
            .spans(cutoff)
            .map(|(series, first, last)| Block { series, first, from: from(first), to: last })
            .filter(|block| block.rows() > 0)
            .collect();
        keep_youngest(&mut blocks, max_rows);
        Request { shape, cutoff, purpose: Purpose::Training, blocks, predicted: &[] }.matrix(self)
    }

    fn future(&self, cutoff: Ordinal, layout: Layout, steps: RangeInclusive<u16>) -> Result<FeatureMatrix, FeatureError> {
        let steps = (*steps.start()).max(1)..=*steps.end();
        let blocks = self.ahead(cutoff, steps);
        Request { shape: self.shape(layout.lead()), cutoff, purpose: Purpose::Future, blocks, predicted: &[] }.matrix(self)
    }

    fn step(&self, cutoff: Ordinal, predicted: &[Vec<f64>]) -> Result<FeatureMatrix, FeatureError> {
        let done = predicted.iter().map(Vec::len).max().unwrap_or(0);
        let next = u16::try_from(done + 1).unwrap_or(u16::MAX);
        let blocks = self.ahead(cutoff, next..=next);
        Request { shape: self.shape(1), cutoff, purpose: Purpose::Future, blocks, predicted }.matrix(self)
    }

    fn events(&self, cutoff: Ordinal, horizon: u16) -> Result<Vec<EventTrack>, FeatureError> {
        let last = cutoff + Ordinal::from(horizon);
        let flags = self.regressors.iter().filter(|regressor| regressor.is_event(cutoff));
        Ok(flags.map(|regressor| regressor.track(self.series.len(), last, cutoff)).collect())
    }

    fn closed(&self, cutoff: Ordinal, horizon: u16) -> Result<Vec<Vec<bool>>, FeatureError> {
        let steps = |series| (1..=Ordinal::from(horizon)).map(|step| self.is_closed(series, cutoff + step, cutoff)).collect();
        Ok((0..self.series.len() as u32).map(steps).collect())
    }

    fn actuals(&self, cutoff: Ordinal, horizon: u16) -> Result<Vec<Vec<f64>>, FeatureError> {
        let periods = cutoff + 1..=cutoff + Ordinal::from(horizon);
        let of_series = |series| self.observations.stretch(series, AsOf::today(), periods.clone()).values;
        Ok((0..self.series.len()).map(of_series).collect())
    }
}
