//! What if: plans and weather other than those that are known.

use std::ops::RangeInclusive;

use domain::Ordinal;
use domain::panel::{Beyond, Cells, Regressor, RegressorKind, Scope};

use crate::error::PipelineError;
use crate::regressors::RegressorStore;
use crate::source::PanelFeatures;

impl PanelFeatures {
    /// From a cutoff on, a regressor that is known ahead has this value on some periods: rain or none, a promotion or none.
    /// Costs the cells that change, and a forecast made of kept models then costs no fit.
    ///
    /// `series` names the series it is to hold for; `None` for all. A regressor of the whole panel changes for all of them.
    ///
    /// # Errors
    /// [`PipelineError::UnknownRegressor`] if none that is known ahead has this name, [`PipelineError::OutOfRange`] and
    /// [`PipelineError::TooSparse`] for periods that cannot be laid on the grid.
    pub fn suppose(
        &mut self,
        regressor: &str,
        series: Option<u32>,
        periods: RangeInclusive<Ordinal>,
        value: f64,
        cutoff: Ordinal,
    ) -> Result<(), PipelineError> {
        let count = self.series.len();
        let is_meant = |store: &&mut RegressorStore| store.is_ahead() && store.name == regressor;
        if let Some(store) = self.regressors.iter_mut().find(is_meant) {
            let changed = changed(store, series, count, periods, value, cutoff);
            return store.extend(&changed, count);
        }
        let ahead = self.regressors.iter().filter(|store| store.is_ahead());
        let known = ahead.map(|store| store.name.as_str()).collect::<Vec<_>>().join(", ");
        Err(PipelineError::UnknownRegressor { name: regressor.to_owned(), known })
    }

    /// As [`PanelFeatures::suppose`], of the shop being closed or open.
    ///
    /// # Errors
    /// As [`PanelFeatures::suppose`], for periods.
    pub fn suppose_closed(
        &mut self,
        series: Option<u32>,
        periods: RangeInclusive<Ordinal>,
        is_closed: bool,
        cutoff: Ordinal,
    ) -> Result<(), PipelineError> {
        let count = self.series.len();
        if self.closed.is_none() {
            let (kind, scope, beyond) = (RegressorKind::KnownFuture, Scope::Series, Beyond::Zero);
            let never = Regressor { name: "closed".to_owned(), kind, scope, beyond, cells: Cells::default() };
            self.closed = Some(RegressorStore::new(&never, count)?);
        }
        let Some(store) = &mut self.closed else { return Ok(()) };
        let changed = changed(store, series, count, periods, f64::from(u8::from(is_closed)), cutoff);
        store.extend(&changed, count)
    }
}

/// The cells of a supposition.
fn changed(
    store: &RegressorStore,
    series: Option<u32>,
    count: usize,
    periods: RangeInclusive<Ordinal>,
    value: f64,
    cutoff: Ordinal,
) -> Regressor {
    let meant = series.map_or(0..count as u32, |series| series..series + 1);
    let mut keys: Vec<u32> = meant.map(|series| store.scope.key(series)).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut cells = Cells::default();
    for at in periods {
        keys.iter().for_each(|&key| cells.push(key, at, value, cutoff));
    }
    Regressor { name: store.name.clone(), kind: store.kind, scope: store.scope.clone(), beyond: store.beyond, cells }
}
