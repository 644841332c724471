//! What models saw on the eve of each day, kept as tables for whoever studies them. No screen shows them: they have no shadow.

use std::time::Duration;

use async_trait::async_trait;
use domain::ids::JobId;
use ingest::feed::Days;
use platform::db::feature_matrices::typical_matrix;

use super::forecasts::{find_scope, store_scopes};
use super::plan::ScreenChange;
use super::{Asset, BackfillError, Made, MakeError, Scope};
use crate::nightly::{FEATURES, Nightly, matrices};

pub(super) struct Features(pub Nightly);

#[async_trait]
impl Asset for Features {
    fn name(&self) -> &'static str {
        FEATURES
    }

    fn has_shadow(&self) -> bool {
        false
    }

    async fn scopes(&self, named: &[String]) -> Result<Vec<Scope>, BackfillError> {
        store_scopes(&self.0, named).await
    }

    async fn make(&self, scope: &str, days: Days, _: JobId) -> Result<Made, MakeError> {
        let store = find_scope(&self.0, scope).await?;
        let kept = matrices::keep_matrix(&self.0, &store, days.first).await?;
        Ok(Made { run: None, rows: kept.rows, read_in: Some(kept.read_in) })
    }

    async fn typical(&self) -> Result<(Option<Duration>, Option<f64>), BackfillError> {
        let typical = typical_matrix(&self.0.work).await?;
        Ok(typical.map(|(milliseconds, rows)| (Duration::from_secs_f64(milliseconds / 1000.0), rows)).unzip())
    }

    /// Screens show forecasts.
    async fn screen_changes(&self, _: &[Scope]) -> Result<Vec<ScreenChange>, BackfillError> {
        Ok(Vec::new())
    }
}
