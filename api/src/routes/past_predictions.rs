//! What was said of days that are over, beside what they brought.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::access::{Action, Permission, Resource as Kind};
use platform::db::overrides::OverrideRow;
use platform::db::past_predictions::{PastFilter, PastPrediction, past_predictions};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::predictions::{PredictionType, Quantiles};
use crate::access::{Caller, Reader};
use crate::cursor::{Cell, cell_cursor, default_limit, limit, page};
use crate::error::{ApiError, FieldError};
use crate::extract::{PathName, Query, optional_day, optional_text};
use crate::outcomes::{Ledger, Outcome, OutcomeState};
use crate::problem::Problem;
use crate::provenance::{StoreReference, business_day};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list))
}

/// Longest span of days that is asked about at once.
const MOST_DAYS: i64 = 400;
/// What is shown if nothing is said: four weeks.
const USUAL_DAYS: u64 = 28;
/// Position of q10 and of q90.
const RANGE: (usize, usize) = (2, 6);

/// Predictions of days that are over.
#[derive(Serialize, ToSchema)]
struct PastPredictions {
    store: StoreReference,
    /// The newest day first, then by type and item.
    predictions: Vec<Past>,
    /// For the `cursor` of the next page; null on the last one.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// What was published of one item for one business day before that day began, and what became of it. In selling units; `sales` in
/// rupiah.
#[derive(Serialize, ToSchema)]
#[schema(as = PastPrediction)]
struct Past {
    #[serde(rename = "type")]
    kind: PredictionType,
    /// As it was called then.
    #[schema(example = "Ayam Geprek")]
    item: String,
    #[schema(required = true)]
    item_id: Option<Uuid>,
    date: NaiveDate,
    /// 1: published in the morning of the day itself; 2: on the day before; and so on.
    #[schema(example = 1, minimum = 1)]
    step: i32,
    #[schema(example = 85.2)]
    predicted_value: f64,
    quantiles: Quantiles,
    /// Estimated probability that the actual lands within 20 %, or one selling unit, of `predicted_value`.
    #[schema(example = 0.71, minimum = 0, maximum = 1)]
    confidence_score: f64,
    /// The forecaster behind it.
    #[schema(example = "elastic_net")]
    chosen: String,
    /// Rung of the ladder: `fresh`, `last_model`, `last_published` or `seasonal_naive`.
    #[schema(example = "fresh")]
    rung: String,
    run_id: Uuid,
    published_at: DateTime<Utc>,
    outcome: OutcomeState,
    /// What was sold, as it is known now; a correction changes it. Of `sales` what was taken, with discounts, while the prediction is
    /// at list prices. Null while `pending` and where `unobserved`.
    #[schema(required = true, example = 80.0)]
    actual: Option<f64>,
    /// `predicted_value - actual`. Null unless `scored`: on other days the actual is not what people wanted.
    #[schema(required = true, example = 5.2)]
    error: Option<f64>,
    /// Whether the actual lies between q10 and q90, bounds included. Null unless `scored`.
    #[schema(required = true)]
    is_within_80: Option<bool>,
    /// The number that somebody put in its place, and that was not taken back.
    #[serde(rename = "override")]
    #[schema(required = true)]
    overruled: Option<Overruled>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = PastOverride)]
struct Overruled {
    #[schema(example = 100.0)]
    quantity: f64,
    #[schema(example = "Ada pesanan besar")]
    reason: String,
    created_at: DateTime<Utc>,
}

impl From<&OverrideRow> for Overruled {
    fn from(row: &OverrideRow) -> Self {
        Self { quantity: row.quantity, reason: row.reason.clone(), created_at: row.created_at }
    }
}

impl Past {
    fn of(row: PastPrediction, ledger: &Ledger) -> Option<Self> {
        let Outcome { state, actual, .. } = ledger.outcome(&row);
        let scored = actual.filter(|_| state == OutcomeState::Scored);
        let (low, high) = (row.quantiles[RANGE.0], row.quantiles[RANGE.1]);
        Some(Self {
            kind: PredictionType::named(&row.target_kind)?,
            overruled: ledger.overruled(&row).map(Overruled::from),
            item: row.target_item,
            item_id: row.target_id,
            date: row.target_date,
            step: row.step,
            predicted_value: row.yhat,
            quantiles: row.quantiles.into(),
            confidence_score: row.confidence_score,
            chosen: row.chosen,
            rung: row.rung,
            run_id: row.run_id,
            published_at: row.published_at,
            outcome: state,
            actual,
            error: scored.map(|actual| row.yhat - actual),
            is_within_80: scored.map(|actual| (low..=high).contains(&actual)),
        })
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PastQuery {
    /// What was predicted; all types by default.
    #[serde(rename = "type")]
    #[param(nullable = false, inline)]
    kind: Option<PredictionType>,
    /// Name of one item, as it was called then.
    #[serde(default, deserialize_with = "optional_text")]
    #[param(nullable = false, example = "Ayam Geprek", min_length = 1, max_length = 200)]
    item: Option<String>,
    /// First business day; 27 days before the last if not said, and at most 399.
    #[serde(default, deserialize_with = "optional_day")]
    #[param(nullable = false, example = "2026-11-01")]
    from: Option<NaiveDate>,
    /// Last business day; yesterday if not said. Days that are not over have no rows.
    #[serde(default, deserialize_with = "optional_day")]
    #[param(nullable = false, example = "2026-11-22")]
    to: Option<NaiveDate>,
    /// How many days ahead, from 1: the morning of the day itself.
    #[serde(default = "first_step", deserialize_with = "step")]
    #[param(minimum = 1, maximum = 28, default = 1)]
    step: i32,
    /// `next_cursor` of the page before.
    #[serde(default, deserialize_with = "cell_cursor")]
    #[param(nullable = false, value_type = String)]
    cursor: Option<Cell<2>>,
    /// Rows of a page.
    #[serde(default = "default_limit", deserialize_with = "limit")]
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: i64,
}

fn first_step() -> i32 {
    1
}

/// For `#[serde(deserialize_with)]`: how many days ahead.
pub(super) fn step<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    let step = String::deserialize(deserializer)?.parse().ok().filter(|step| (1..=28).contains(step));
    step.ok_or_else(|| serde::de::Error::custom("must be a number from 1 to 28"))
}

/// The business days asked about, of those that are over; none at all where the first lies behind the last.
///
/// # Errors
/// [`FieldError`] where the days are too many or in the wrong order.
pub(super) fn past_days(from: Option<NaiveDate>, to: Option<NaiveDate>, today: NaiveDate) -> Result<(NaiveDate, NaiveDate), FieldError> {
    let yesterday = today - Days::new(1);
    let last = to.unwrap_or(yesterday);
    let first = from.unwrap_or_else(|| last.min(yesterday) - Days::new(USUAL_DAYS - 1));
    match (last - first).num_days() {
        0..MOST_DAYS => Ok((first, last.min(yesterday))),
        MOST_DAYS.. => Err(FieldError::new("from", format!("must be at most {} days before `to`", MOST_DAYS - 1))),
        _ if to.is_none() => Ok((first, yesterday)),
        _ => Err(FieldError::new("to", "must not be before `from`")),
    }
}

/// What was predicted for days that are over, and what they brought.
///
/// Of each day and step this is what was published last before 04:30 of that day, in the store's time zone. What was published later
/// (a night that was caught up with, a backfill) is not shown: nobody could go by it.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/predictions/past", operation_id = "list_past_predictions",
    tag = "predictions",
    params(("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"), PastQuery),
    responses(
        (status = 200, description = "Predictions that pass the filter, the newest day first", body = PastPredictions),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("predictions:read"))),
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    PathName(store): PathName,
    Query(query): Query<PastQuery>,
    Reader(mut transaction): Reader,
) -> Result<Json<PastPredictions>, ApiError> {
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Read, Kind::Predictions)).await?;
    let now = state.clock.now();
    let (first, last) = past_days(query.from, query.to, business_day(&store, now))?;
    let after = query.cursor.as_ref().map(|(day, [kind, item])| (*day, kind.as_str(), item.as_str()));
    let kind = query.kind.map(PredictionType::as_str);
    let filter = PastFilter { first, last, step: Some(query.step), kind, item: query.item.as_deref(), after, limit: Some(query.limit + 1) };
    let rows = past_predictions(&mut *transaction, store.id, filter).await?;
    let place = |row: &PastPrediction| (row.target_date, [row.target_kind.clone(), row.target_item.clone()]);
    let (rows, next_cursor) = page(rows, query.limit, place);
    let shown = rows.last().zip(rows.first()).map(|(oldest, newest)| (oldest.target_date, newest.target_date));
    let ledger = Ledger::load(&mut transaction, store.id, shown.unwrap_or((first, first)), now).await?;
    let predictions = rows.into_iter().filter_map(|row| Past::of(row, &ledger)).collect();
    Ok(Json(PastPredictions { store: store.into(), predictions, next_cursor }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Option<NaiveDate> {
        Some(text.parse().expect("a date"))
    }

    #[test]
    fn days_that_are_over() {
        let days = |from, to| past_days(from, to, day("2026-11-23").expect("a date")).map_err(|error| error.field);
        let span = |first, last| Ok((day(first).expect("a date"), day(last).expect("a date")));
        assert_eq!(days(None, None), span("2026-10-26", "2026-11-22"));
        assert_eq!(days(None, day("2026-12-31")), span("2026-10-26", "2026-11-22"));
        assert_eq!(days(day("2026-11-22"), day("2026-11-30")), span("2026-11-22", "2026-11-22"));
        assert_eq!(days(day("2025-10-19"), None), span("2025-10-19", "2026-11-22"), "400 days");
        assert_eq!(days(day("2025-10-18"), None), Err("from".to_owned()));
        assert_eq!(days(day("2026-11-02"), day("2026-11-01")), Err("to".to_owned()));
        assert_eq!(days(day("2026-12-01"), None), span("2026-12-01", "2026-11-22"), "no day of the future is over");
    }
}
