//! Forecast cells of a run: one target, one day, a mean and nine quantiles.

use chrono::NaiveDate;
use sqlx::{Connection, PgConnection, PgExecutor};
use uuid::Uuid;

use super::copy::copy_rows;
use super::error::{DbError, InTable};
use super::month_partitions::{MonthlyTable, ensure_month_partitions};

#[derive(Debug, Clone, PartialEq)]
pub struct ForecastRow {
    /// product, ingredient, category or sales.
    pub target_kind: String,
    pub target_id: Option<Uuid>,
    /// Name of the target; of `sales` a constant such as `total`.
    pub target_item: String,
    pub target_date: NaiveDate,
    /// From 1.
    pub step: i32,
    /// The mean, in selling units (rupiah for `sales`).
    pub yhat: f64,
    /// At [`domain::LEVELS`], never falling.
    pub quantiles: [f64; 9],
    /// The forecaster behind it.
    pub chosen: String,
    /// Probability that the actual lands within 20 % or one unit of `yhat`; kept to two decimals.
    pub confidence_score: f64,
    /// fresh, last_model, last_published or seasonal_naive.
    pub rung: String,
    pub guard_hits: i32,
    /// Additive contributions, where the forecaster gives them.
    pub explanation: Option<serde_json::Value>,
}

const TABLE: &str = "forecasts";

/// Replaces all forecasts of a run by `rows`, by COPY, and returns how many there are now. All or nothing.
pub async fn replace_forecasts(connection: &mut PgConnection, run_id: Uuid, store_id: Uuid, rows: &[ForecastRow]) -> Result<u64, DbError> {
    let operation = "store forecasts";
    let mut transaction = connection.begin().await.in_table(TABLE, operation)?;
    let dates = rows.iter().map(|row| row.target_date);
    if let (Some(first), Some(last)) = (dates.clone().min(), dates.max()) {
        ensure_month_partitions(&mut transaction, MonthlyTable::Forecasts, first, last).await?;
    }
    sqlx::query!("delete from forecasts where run_id = $1", run_id).execute(&mut *transaction).await.in_table(TABLE, operation)?;
    let statement = "copy forecasts (run_id, store_id, target_kind, target_id, target_item, target_date, step, yhat, q025, q05, q10,
         q25, q50, q75, q90, q95, q975, chosen, confidence_score, rung, guard_hits, explanation) from stdin";
    let copied = copy_rows(&mut transaction, statement, rows.iter(), |row, line| {
        line.value(run_id)
            .value(store_id)
            .text(&row.target_kind)
            .optional(row.target_id)
            .text(&row.target_item)
            .value(row.target_date)
            .value(row.step)
            .value(row.yhat);
        for quantile in row.quantiles {
            line.value(quantile);
        }
        line.text(&row.chosen)
            .value(row.confidence_score)
            .text(&row.rung)
            .value(row.guard_hits)
            .optional_text(row.explanation.as_ref().map(ToString::to_string).as_deref());
    })
    .await
    .in_table(TABLE, operation)?;
    transaction.commit().await.in_table(TABLE, operation)?;
    Ok(copied)
}

/// All forecasts of a run, by kind, item and day: what the ladder falls back on, and what a shadow run is compared with.
pub async fn forecasts_of_run(executor: impl PgExecutor<'_>, run_id: Uuid) -> Result<Vec<ForecastRow>, DbError> {
    let rows = sqlx::query_as!(
        FlatForecast,
        r#"select target_kind, target_id, target_item, target_date, step, yhat, q025, q05, q10, q25, q50, q75, q90, q95, q975,
                  chosen, confidence_score::float8 as "confidence_score!", rung, guard_hits, explanation
           from forecasts
           where run_id = $1
           order by target_kind, target_item, target_date"#,
        run_id,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "read the forecasts of a run")?;
    Ok(rows.into_iter().map(ForecastRow::from).collect())
}

/// What the screen shows: forecasts of the store's published run for the days [`first`, `last`], of one kind or of all.
pub async fn published_forecasts(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    target_kind: Option<&str>,
    first: NaiveDate,
    last: NaiveDate,
) -> Result<Vec<ForecastRow>, DbError> {
    let rows = sqlx::query_as!(
        FlatForecast,
        r#"select f.target_kind, f.target_id, f.target_item, f.target_date, f.step, f.yhat, f.q025, f.q05, f.q10, f.q25, f.q50,
                  f.q75, f.q90, f.q95, f.q975, f.chosen, f.confidence_score::float8 as "confidence_score!", f.rung, f.guard_hits,
                  f.explanation
           from published_runs p
           join forecasts f on f.run_id = p.run_id
           where p.store_id = $1 and f.store_id = $1 and f.target_date between $3 and $4
             and ($2::text is null or f.target_kind = $2)
           order by f.target_kind, f.target_item, f.target_date"#,
        store_id,
        target_kind,
        first,
        last,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "read published forecasts")?;
    Ok(rows.into_iter().map(ForecastRow::from).collect())
}

/// A row as it lies in the table, one column a quantile.
struct FlatForecast {
    target_kind: String,
    target_id: Option<Uuid>,
    target_item: String,
    target_date: NaiveDate,
    step: i32,
    yhat: f64,
    q025: f64,
    q05: f64,
    q10: f64,
    q25: f64,
    q50: f64,
    q75: f64,
    q90: f64,
    q95: f64,
    q975: f64,
    chosen: String,
    confidence_score: f64,
    rung: String,
    guard_hits: i32,
    explanation: Option<serde_json::Value>,
}

impl From<FlatForecast> for ForecastRow {
    fn from(row: FlatForecast) -> Self {
        Self {
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
            guard_hits: row.guard_hits,
            explanation: row.explanation,
        }
    }
}
