//! What was published for days that are over, before they began.
//!
//! Of a day and a step that is the run of the business day `step - 1` days before, as it was last published before the day's own
//! deadline, unless it was rolled back by then. Nights that were caught up with afterwards, and backfills, said nothing in time.

use chrono::{DateTime, NaiveDate, Utc};
use domain::time::DEADLINE;
use sqlx::PgExecutor;
use uuid::Uuid;

use super::error::{DbError, InTable};

/// A forecast cell as it was published.
#[derive(Debug, Clone, PartialEq)]
pub struct PastPrediction {
    pub run_id: Uuid,
    /// product, ingredient or sales.
    pub target_kind: String,
    pub target_id: Option<Uuid>,
    pub target_item: String,
    pub target_date: NaiveDate,
    /// From 1, the forecast of the morning of the day itself.
    pub step: i32,
    pub yhat: f64,
    /// At [`domain::LEVELS`], never falling.
    pub quantiles: [f64; 9],
    pub chosen: String,
    pub confidence_score: f64,
    pub rung: String,
    /// Nothing that became known later was used.
    pub cutoff: DateTime<Utc>,
    /// The last business day that the run had observed.
    pub last_day: NaiveDate,
    pub published_at: DateTime<Utc>,
}

/// Which of them: of the days [`first`, `last`], of one step, kind or item, or of all.
#[derive(Debug, Clone, Copy)]
pub struct PastFilter<'a> {
    pub first: NaiveDate,
    pub last: NaiveDate,
    pub step: Option<i32>,
    pub kind: Option<&'a str>,
    pub item: Option<&'a str>,
    /// Day, kind and item of the last row of the page before.
    pub after: Option<(NaiveDate, &'a str, &'a str)>,
    pub limit: Option<i64>,
}

/// The newest day first, then by kind, item and step.
pub async fn past_predictions(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    filter: PastFilter<'_>,
) -> Result<Vec<PastPrediction>, DbError> {
    let (day, kind, item) = match filter.after {
        Some((day, kind, item)) => (Some(day), Some(kind), Some(item)),
        None => (None, None, None),
    };
    let rows = sqlx::query_file!(
        "src/db/past_predictions.sql",
        store_id,
        filter.first,
        filter.last,
        filter.step,
        DEADLINE,
        filter.kind,
        filter.item,
        day,
        kind,
        item,
        filter.limit,
    )
    .fetch_all(executor)
    .await
    .in_table("published_run_log", "read what was published")?;
    let past = rows.into_iter().map(|row| PastPrediction {
        run_id: row.run_id,
        target_kind: row.target_kind,
        target_id: row.target_id,
        target_item: row.target_item,
        target_date: row.target_date,
        step: row.step,
        yhat: row.yhat,
        quantiles: [row.q025, row.q05, row.q10, row.q25, row.q50, row.q75, row.q90, row.q95, row.q975],
        chosen: row.chosen,
        confidence_score: row.confidence_score,
        rung: row.rung,
        cutoff: row.cutoff,
        last_day: row.last_day,
        published_at: row.published_at,
    });
    Ok(past.collect())
}
