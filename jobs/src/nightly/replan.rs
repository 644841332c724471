//! The plan of what is published, made again from its own forecasts: a person has put a number in the place of one.
//!
//! Nothing is forecast and the pointer stays where it is. The stock that is planned with is the one that the run knew; recipes, prices
//! and overrides are those of now.

use chrono::{DateTime, Utc};
use domain::Rung;
use domain::event::{Event, PlanChanged};
use domain::plan::DayPlan;
use domain::time::Night;
use platform::bus::outbox;
use platform::db::forecast_runs::get_forecast_run;
use platform::db::forecasts::forecasts_of_run;
use platform::db::overrides::lock_overrides;
use platform::db::plan_items::replace_plan_items;
use platform::db::published_runs::{PublishedRun, published_run};
use platform::db::runs::get_run;
use platform::db::stores::StoreRow;
use sqlx::PgConnection;
use uuid::Uuid;

use super::error::NightError;
use super::{calendar, earlier, store};

/// A plan that was made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replanned {
    /// Whose plan it is.
    pub run_id: Uuid,
    pub items: usize,
}

/// Makes the plan of a store's published run again, in the caller's transaction; `None` if nothing is published. Whoever changes an
/// override waits until that ends: the plan holds all of their changes, or their next job makes it again. People are told of the plan
/// where it says something new.
///
/// # Errors
/// [`NightError`]; roll back then.
pub async fn replan(tx: &mut PgConnection, store: &StoreRow, now: DateTime<Utc>) -> Result<Option<Replanned>, NightError> {
    let Some((published, plans, items)) = plan_again(&mut *tx, store).await? else { return Ok(None) };
    let rung = get_run(&mut *tx, published.run_id).await?.and_then(|run| run.rung?.parse().ok()).unwrap_or(Rung::Fresh);
    store::tell(&mut *tx, published.run_id, store, published.business_date, rung, &plans, now).await?;
    let changed = PlanChanged { store_id: store.id.into(), run_id: published.run_id.into(), business_date: published.business_date };
    outbox::record(tx, &Event::PlanChanged(changed).seal(now)?).await?;
    Ok(Some(Replanned { run_id: published.run_id, items }))
}

/// As [`replan`], and nobody is told: a run of before is on the screen again, whose plan may hold numbers that were taken back since.
pub(super) async fn plan_again(tx: &mut PgConnection, store: &StoreRow) -> Result<Option<(PublishedRun, Vec<DayPlan>, usize)>, NightError> {
    lock_overrides(&mut *tx, store.id).await?;
    let Some(published) = published_run(&mut *tx, store.id).await? else { return Ok(None) };
    let Some(run) = get_forecast_run(&mut *tx, published.run_id).await? else { return Ok(None) };
    let night = Night::of(published.business_date, calendar(store)?);
    // Forecasts that were published last are older than the stock that the night planned with.
    let night = Night { as_of: Some(run.cutoff.max(night.scheduled_cutoff())), ..night };
    let cells = forecasts_of_run(&mut *tx, published.run_id).await?;
    let (plans, items) = earlier::plan(&mut *tx, store.id, night, &cells).await?;
    replace_plan_items(tx, published.run_id, store.id, &items).await?;
    Ok(Some((published, plans, items.len())))
}
