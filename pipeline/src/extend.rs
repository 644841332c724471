//! Adding a day costs a day.

use domain::Panel;

use crate::error::PipelineError;
use crate::regressors::RegressorStore;
use crate::source::PanelFeatures;

impl PanelFeatures {
    /// Adds cells that became known since: new periods, corrections, later vintages, further series. Afterwards every answer
    /// is the same, to the last bit, as from features made of the whole panel.
    ///
    /// `newer` describes the same panel and holds the new cells only: its series are the ones of before and then any new
    /// ones, its regressors the same in the same order (some perhaps without cells), and so are their levels.
    ///
    /// Costs the new cells, however long the history is; a correction moves what is younger within its own series.
    ///
    /// # Errors
    /// [`PipelineError::NotThePanel`] if it describes another panel, else as [`PanelFeatures::new`]. After any other error
    /// than the first, some cells may have been added: then make the features anew.
    pub fn extend(&mut self, newer: &Panel) -> Result<(), PipelineError> {
        self.check_same(newer)?;
        let count = newer.series.len();
        self.observations.extend(&newer.observations, count)?;
        for (store, regressor) in self.regressors.iter_mut().zip(&newer.regressors) {
            store.extend(regressor, count)?;
        }
        match (&mut self.closed, &newer.closed) {
            (Some(store), Some(closed)) => store.extend(closed, count)?,
            (none @ None, Some(closed)) => *none = Some(RegressorStore::new(closed, count)?),
            (_, None) => {}
        }
        self.series.extend_from_slice(&newer.series[self.series.len()..]);
        self.pools.forget();
        Ok(())
    }

    fn check_same(&self, newer: &Panel) -> Result<(), PipelineError> {
        let differs = |what: String| Err(PipelineError::NotThePanel { what });
        if newer.frequency != self.frequency {
            return differs(format!("its step is {}, not {}", newer.frequency, self.frequency));
        }
        if newer.gaps != self.observations.gaps() {
            return differs("its gaps mean something else".to_owned());
        }
        if !newer.series.starts_with(&self.series) {
            return differs("its series are not the old ones and then the new ones".to_owned());
        }
        if self.closed.is_some() && newer.closed.is_none() {
            return differs("it does not say which periods are closed".to_owned());
        }
        let same = |(store, regressor): (&RegressorStore, &domain::panel::Regressor)| {
            store.name == regressor.name
                && store.kind == regressor.kind
                && store.beyond == regressor.beyond
                && store.levels as usize <= regressor.cells.levels.len()
        };
        if newer.regressors.len() != self.regressors.len() || !self.regressors.iter().zip(&newer.regressors).all(same) {
            let names: Vec<&str> = self.regressors.iter().map(|store| store.name.as_str()).collect();
            return differs(format!("its regressors are not {} of the same kinds and levels", names.join(", ")));
        }
        Ok(())
    }
}
