//! Forecasts as of past cutoffs: the night of each day, run in the shadow.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::Days;
use domain::ids::JobId;
use ingest::feed::Days as OfDays;
use platform::db::backfills::typical_run;
use platform::db::partition_ranges::Span;
use platform::db::published_runs::published_run;
use platform::db::sales_daily::sales_spans;
use platform::db::stores::{StoreRow, find_store, list_stores};
use uuid::Uuid;

use super::plan::{ScreenChange, compare};
use super::{Asset, BackfillError, Made, MakeError, Scope};
use crate::nightly::{self, DORMANT_AFTER, FORECASTS, NightError, Nightly, calendar};

/// Days of sales before the first night that is worth forecasting.
const WARM_UP: u64 = 28;

pub(super) struct Forecasts(pub Nightly);

#[async_trait]
impl Asset for Forecasts {
    fn name(&self) -> &'static str {
        FORECASTS
    }

    async fn scopes(&self, named: &[String]) -> Result<Vec<Scope>, BackfillError> {
        store_scopes(&self.0, named).await
    }

    async fn make(&self, scope: &str, days: OfDays, job: JobId) -> Result<Made, MakeError> {
        let store = find_scope(&self.0, scope).await?;
        let report = nightly::run_in_shadow(&self.0, &store, days.first, job).await?;
        Ok(Made { run: Some((store.id, report.run_id.0)), rows: report.rows, read_in: Some(report.read_in) })
    }

    async fn typical(&self) -> Result<(Option<Duration>, Option<f64>), BackfillError> {
        let typical = typical_run(&self.0.work, "nightly").await?;
        Ok((typical.milliseconds.map(|milliseconds| Duration::from_secs_f64(milliseconds / 1000.0)), typical.rows))
    }

    async fn screen_changes(&self, scopes: &[Scope]) -> Result<Vec<ScreenChange>, BackfillError> {
        let mut changes = Vec::new();
        for scope in scopes {
            let store = find_scope(&self.0, &scope.span.scope).await?;
            let Some(shown) = published_run(&self.0.work, store.id).await? else { continue };
            let rehearsed = nightly::rehearse(&self.0, &store, shown.business_date, shown.run_id).await?;
            changes.push(compare(&scope.label, shown.business_date, rehearsed, Arc::clone(&shown_cells(&self.0, shown.run_id).await?)));
        }
        Ok(changes)
    }
}

/// Stores with sales, all or these; from when there is something to learn from up to the day before today, whose night is the scheduler's, and no
/// longer than sales tell anything.
pub(super) async fn store_scopes(nightly: &Nightly, named: &[String]) -> Result<Vec<Scope>, BackfillError> {
    let mut stores = Vec::new();
    for name in named {
        let store = find_store(&nightly.work, name).await?;
        stores.push(store.ok_or_else(|| BackfillError::UnknownScope { name: name.clone() })?);
    }
    if named.is_empty() {
        stores = list_stores(&nightly.work, false).await?;
    }
    let ids: Vec<Uuid> = stores.iter().map(|store| store.id).collect();
    let spans = sales_spans(&nightly.work, &ids).await?;
    let mut scopes = Vec::new();
    for store in stores {
        let Some(sales) = spans.get(&store.id) else { continue };
        let first_day = sales.first.checked_add_days(Days::new(WARM_UP)).unwrap_or(sales.first);
        let today = calendar(&store)?.business_day(nightly.clock.now());
        let end_day = today.min(sales.last.checked_add_days(Days::new(DORMANT_AFTER)).unwrap_or(today));
        if first_day < end_day {
            scopes.push(Scope { span: Span { scope: store.id.to_string(), first_day, end_day }, label: store.slug });
        }
    }
    Ok(scopes)
}

/// The store that a scope names.
pub(super) async fn find_scope(nightly: &Nightly, scope: &str) -> Result<StoreRow, NightError> {
    find_store(&nightly.work, scope).await?.ok_or_else(|| NightError::NoStore { id: scope.to_owned() })
}

type Cells = Arc<Vec<platform::db::forecasts::ForecastRow>>;

async fn shown_cells(nightly: &Nightly, run_id: Uuid) -> Result<Cells, BackfillError> {
    Ok(Arc::new(platform::db::forecasts::forecasts_of_run(&nightly.work, run_id).await?))
}
