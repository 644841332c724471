//! What a backfill would do, before it does it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use platform::db::forecasts::ForecastRow;
use platform::db::partition_ranges::{Span, StateCounts, count_states, select_ranges};
use serde::Serialize;
use sqlx::PgPool;

use super::{Asset, BackfillError, Quota, Scope};

/// Which partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    Missing,
    Failed,
    Stale,
    All,
}

impl Mode {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Failed => "failed",
            Self::Stale => "stale",
            Self::All => "all",
        }
    }
}

impl std::str::FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Missing, Self::Failed, Self::Stale, Self::All];
        all.into_iter().find(|mode| mode.as_str() == text).ok_or_else(|| format!("`{text}` is none of missing, failed, stale, all"))
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Request {
    pub asset: String,
    pub first_day: NaiveDate,
    /// Exclusive.
    pub end_day: NaiveDate,
    /// Stores by slug or id; none: all.
    pub scopes: Vec<String>,
    pub mode: Mode,
    /// Newest day first.
    pub is_reversed: bool,
    /// Screens to rehearse at most.
    pub rehearse: usize,
}

/// How a screen would change if it were made again now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScreenChange {
    pub store: String,
    pub business_date: NaiveDate,
    /// Products and days that the screen shows.
    pub cells: usize,
    /// Of these, changed by more than a hundredth.
    pub changed: usize,
    /// Sum of what is shown, and of what would be, in selling units.
    pub shown_units: f64,
    pub new_units: f64,
    /// The cell that changes most.
    pub greatest: Option<CellChange>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CellChange {
    pub item: String,
    pub day: NaiveDate,
    pub shown: f64,
    pub new: f64,
}

/// What would be done.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    pub request: Request,
    /// Of all partitions in the range.
    pub states: StateCounts,
    /// To be made.
    pub partitions: i64,
    pub scopes: usize,
    #[serde(skip)]
    pub ranges: Vec<Span>,
    pub external_calls: i64,
    /// That the quota makes them take.
    pub quota_minutes: f64,
    pub quota: Option<Quota>,
    /// Expected, from past runs.
    pub rows: Option<f64>,
    /// On one worker, from past runs.
    pub estimate: Option<Duration>,
    pub screens: Vec<ScreenChange>,
    /// Screens that were not rehearsed.
    pub screens_left_out: usize,
}

/// Plans a backfill and changes nothing.
///
/// # Errors
/// [`BackfillError`].
pub async fn plan(pool: &PgPool, asset: &Arc<dyn Asset>, request: Request) -> Result<Plan, BackfillError> {
    if request.first_day >= request.end_day {
        return Err(BackfillError::EmptyRange { from: request.first_day, to: request.end_day });
    }
    let scopes = asset.scopes(&request.scopes).await?;
    let spans: Vec<Span> = scopes.iter().filter_map(|scope| within(&scope.span, &request)).collect();
    let states = count_states(pool, &request.asset, &spans).await?;
    let ranges = select_ranges(pool, &request.asset, &spans, request.mode.as_str()).await?;
    let partitions: i64 = ranges.iter().map(|range| (range.end_day - range.first_day).num_days()).sum();
    let (typical, rows) = asset.typical().await?;
    let quota = asset.quota();
    let at_once = i64::from(asset.days_at_once().max(1));
    let pieces = |range: &Span| ((range.end_day - range.first_day).num_days() + at_once - 1) / at_once;
    let calls = if quota.is_some() { ranges.iter().map(pieces).sum() } else { 0 };
    let touched: Vec<Scope> = scopes.into_iter().filter(|scope| ranges.iter().any(|range| range.scope == scope.span.scope)).collect();
    let rehearsed = touched.get(..request.rehearse.min(touched.len())).unwrap_or_default();
    Ok(Plan {
        states,
        partitions,
        scopes: touched.len(),
        external_calls: calls,
        quota_minutes: quota.as_ref().map_or(0.0, |quota| calls as f64 / f64::from(quota.calls_per_minute.max(1))),
        quota,
        rows: rows.map(|rows| rows * partitions as f64),
        estimate: typical.map(|each| each.mul_f64(partitions as f64)),
        screens: asset.screen_changes(rehearsed).await?,
        screens_left_out: touched.len() - rehearsed.len(),
        ranges,
        request,
    })
}

fn within(span: &Span, request: &Request) -> Option<Span> {
    let (first_day, end_day) = (span.first_day.max(request.first_day), span.end_day.min(request.end_day));
    (first_day < end_day).then(|| Span { scope: span.scope.clone(), first_day, end_day })
}

/// What is shown against what would be. `new` is `None` where nothing that it was made of has changed.
pub(super) fn compare(store: &str, business_date: NaiveDate, new: Option<Vec<ForecastRow>>, shown: Arc<Vec<ForecastRow>>) -> ScreenChange {
    let shown: Vec<&ForecastRow> = shown.iter().filter(|cell| cell.target_kind == "product").collect();
    let shown_units: f64 = shown.iter().map(|cell| cell.yhat).sum();
    let unchanged = ScreenChange {
        store: store.to_owned(),
        business_date,
        cells: shown.len(),
        changed: 0,
        shown_units,
        new_units: shown_units,
        greatest: None,
    };
    let Some(new) = new else { return unchanged };
    let new: HashMap<(&str, NaiveDate), f64> = new
        .iter()
        .filter(|cell| cell.target_kind == "product")
        .map(|cell| ((cell.target_item.as_str(), cell.target_date), cell.yhat))
        .collect();
    let mut changes: Vec<CellChange> = shown
        .iter()
        .map(|cell| CellChange {
            item: cell.target_item.clone(),
            day: cell.target_date,
            shown: cell.yhat,
            // A product that is not forecast any more.
            new: new.get(&(cell.target_item.as_str(), cell.target_date)).copied().unwrap_or(0.0),
        })
        .filter(|change| (change.new - change.shown).abs() > 0.01 * change.shown.max(1.0))
        .collect();
    changes.sort_by(|a, b| (b.new - b.shown).abs().total_cmp(&(a.new - a.shown).abs()));
    ScreenChange { changed: changes.len(), new_units: new.values().sum(), greatest: changes.into_iter().next(), ..unchanged }
}
