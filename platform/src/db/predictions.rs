//! The seed's predictions: a view over the published run.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::error::{DbError, InTable};

#[derive(Debug, Clone, PartialEq)]
pub struct PredictionRow {
    /// The same for the same cell of the same run.
    pub id: Uuid,
    pub store_id: Uuid,
    /// product, ingredient or sales.
    pub prediction_type: String,
    pub target_item: String,
    pub predicted_value: f64,
    /// Probability that the actual lands within 20 % or one unit of `predicted_value`.
    pub confidence_score: f64,
    pub prediction_date: NaiveDate,
    pub created_at: DateTime<Utc>,
    pub run_id: Uuid,
    pub rung: String,
}

/// Published predictions of a store for the days [`first`, `last`], by type, item and day.
pub async fn list_predictions(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    first: NaiveDate,
    last: NaiveDate,
) -> Result<Vec<PredictionRow>, DbError> {
    sqlx::query_as!(
        PredictionRow,
        r#"select id as "id!", store_id as "store_id!", prediction_type as "prediction_type!", target_item as "target_item!",
                  predicted_value as "predicted_value!", confidence_score::float8 as "confidence_score!",
                  prediction_date as "prediction_date!", created_at as "created_at!", run_id as "run_id!", rung as "rung!"
           from predictions
           where store_id = $1 and prediction_date between $2 and $3
           order by prediction_type, target_item, prediction_date"#,
        store_id,
        first,
        last,
    )
    .fetch_all(executor)
    .await
    .in_table("predictions", "list predictions")
}
