//! Models that have forecast well: rung two of the ladder, and what a what-if asks. Their bytes are objects.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::error::{DbError, InTable};

#[derive(Debug, Clone, PartialEq)]
pub struct NewModelArtifact<'a> {
    pub store_id: Uuid,
    /// The forecast run that fitted it.
    pub run_id: Uuid,
    pub forecaster: &'a str,
    pub object_key: &'a str,
    /// SHA-256 of the object.
    pub content_hash: &'a [u8],
    pub content_length: i64,
    /// The last observed business day.
    pub trained_until: NaiveDate,
    pub code_version: &'a str,
    pub config_hash: &'a [u8],
    /// Of the backtest inside its training data.
    pub metrics: serde_json::Value,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ModelArtifactRow {
    pub run_id: Option<Uuid>,
    pub object_key: String,
    pub trained_until: NaiveDate,
    pub code_version: String,
    pub metrics: serde_json::Value,
}

const TABLE: &str = "model_artifacts";

/// Notes a fitted model. The same bytes are noted once, for the run that made them last.
pub async fn keep_model_artifact(executor: impl PgExecutor<'_>, artifact: &NewModelArtifact<'_>) -> Result<(), DbError> {
    sqlx::query!(
        "insert into model_artifacts (store_id, run_id, forecaster, object_key, content_hash, content_length, trained_until,
                                      code_version, config_hash, metrics)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         on conflict on constraint artifact_is_taken do update
         set run_id = excluded.run_id, code_version = excluded.code_version, config_hash = excluded.config_hash,
             metrics = excluded.metrics",
        artifact.store_id,
        artifact.run_id,
        artifact.forecaster,
        artifact.object_key,
        artifact.content_hash,
        artifact.content_length,
        artifact.trained_until,
        artifact.code_version,
        artifact.config_hash,
        artifact.metrics,
    )
    .execute(executor)
    .await
    .in_table(TABLE, "keep a model")?;
    Ok(())
}

/// The youngest model of a store that was fitted to days up to `last_day` by a run that knew nothing after `cutoff`.
pub async fn last_model_artifact(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    forecaster: &str,
    last_day: NaiveDate,
    cutoff: DateTime<Utc>,
) -> Result<Option<ModelArtifactRow>, DbError> {
    sqlx::query_as!(
        ModelArtifactRow,
        "select artifact.run_id, artifact.object_key, artifact.trained_until, artifact.code_version, artifact.metrics
         from model_artifacts artifact
         join forecast_runs run on run.store_id = artifact.store_id and run.run_id = artifact.run_id
         where artifact.store_id = $1 and artifact.forecaster = $2 and artifact.trained_until <= $3 and run.cutoff <= $4
         order by artifact.trained_until desc, run.cutoff desc, artifact.created_at desc
         limit 1",
        store_id,
        forecaster,
        last_day,
        cutoff,
    )
    .fetch_optional(executor)
    .await
    .in_table(TABLE, "find the last model")
}

/// Forgets all but the `keep` youngest models of a store, and returns the keys of objects that no model needs any more.
pub async fn forget_model_artifacts(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    forecaster: &str,
    keep: i64,
) -> Result<Vec<String>, DbError> {
    sqlx::query_scalar!(
        r#"with forgotten as (
             delete from model_artifacts
             where id in (
               select id from model_artifacts
               where store_id = $1 and forecaster = $2
               order by trained_until desc, created_at desc, id
               offset $3
             )
             returning id, object_key
           )
           select distinct object_key as "object_key!" from forgotten
           where not exists (
             select from model_artifacts kept
             where kept.object_key = forgotten.object_key and kept.id not in (select id from forgotten)
           )
           order by 1"#,
        store_id,
        forecaster,
        keep,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "forget old models")
}
