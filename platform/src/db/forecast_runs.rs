//! What a run knew when it forecast, and what its gates said.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::error::{DbError, InTable};

#[derive(Debug, Clone, PartialEq)]
pub struct ForecastRunRow {
    pub run_id: Uuid,
    pub store_id: Uuid,
    /// Nothing known later was used.
    pub cutoff: DateTime<Utc>,
    /// The last observed business day.
    pub last_day: NaiveDate,
    /// Step 1.
    pub first_day: NaiveDate,
    pub horizon: i32,
    /// One entry a gate: name, passed, what it saw.
    pub gates: serde_json::Value,
    /// `None` until the gates have been asked.
    pub gates_passed: Option<bool>,
    /// Of the backtest behind the run.
    pub metrics: serde_json::Value,
    /// Feature windows and raw records.
    pub inputs: serde_json::Value,
    /// How many forecasts a guard has corrected.
    pub guard_hits: i32,
}

/// Stores what is known of a run, in the place of what was stored of it before.
pub async fn upsert_forecast_run(executor: impl PgExecutor<'_>, run: &ForecastRunRow) -> Result<(), DbError> {
    sqlx::query!(
        "insert into forecast_runs (run_id, store_id, cutoff, last_day, first_day, horizon, gates, gates_passed, metrics, inputs,
                                    guard_hits)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict (run_id) do update
         set cutoff = excluded.cutoff, last_day = excluded.last_day, first_day = excluded.first_day, horizon = excluded.horizon,
             gates = excluded.gates, gates_passed = excluded.gates_passed, metrics = excluded.metrics, inputs = excluded.inputs,
             guard_hits = excluded.guard_hits",
        run.run_id,
        run.store_id,
        run.cutoff,
        run.last_day,
        run.first_day,
        run.horizon,
        run.gates,
        run.gates_passed,
        run.metrics,
        run.inputs,
        run.guard_hits,
    )
    .execute(executor)
    .await
    .in_table("forecast_runs", "store a forecast run")?;
    Ok(())
}

pub async fn get_forecast_run(executor: impl PgExecutor<'_>, run_id: Uuid) -> Result<Option<ForecastRunRow>, DbError> {
    sqlx::query_as!(
        ForecastRunRow,
        "select run_id, store_id, cutoff, last_day, first_day, horizon, gates, gates_passed, metrics, inputs, guard_hits
         from forecast_runs
         where run_id = $1",
        run_id,
    )
    .fetch_optional(executor)
    .await
    .in_table("forecast_runs", "read a forecast run")
}
