//! What came of numbers that someone knew better.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use chrono::{Days, NaiveDate};
use domain::access::{Action, Permission, Resource as Kind};
use domain::plan::Score;
use platform::db::overrides::{OverrideOutcome, override_outcomes};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::overrides::Person;
use crate::access::{Caller, Reader};
use crate::error::{ApiError, FieldError};
use crate::extract::{PathName, Query, optional_day};
use crate::problem::Problem;
use crate::provenance::business_day;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list))
}

/// Overrides of days that are over, held against what was sold. Forecast value added is by how much less an override was off than the
/// forecast that it replaced: |model - actual| - |override - actual|, in selling units; negative where it made things worse.
#[derive(Serialize, ToSchema)]
struct OverrideScores {
    /// By day and product.
    overrides: Vec<Scored>,
    total: OverrideScore,
    by_person: Vec<ScoreOfPerson>,
    by_person_and_reason: Vec<ScoreOfReason>,
}

/// One override whose day is over.
#[derive(Serialize, ToSchema)]
#[schema(as = ScoredOverride)]
struct Scored {
    id: Uuid,
    product_id: Uuid,
    #[schema(example = "Ayam Geprek")]
    product: String,
    #[schema(example = "porsi")]
    unit: String,
    date: NaiveDate,
    #[schema(example = 100.0)]
    quantity: f64,
    /// The mean forecast that it replaced.
    #[schema(required = true, example = 84.2)]
    model_quantity: Option<f64>,
    /// Units sold; null where no sale of that day is known yet.
    #[schema(required = true, example = 96.0)]
    actual: Option<f64>,
    /// It sold out: more was wanted, nobody knows how much. Such days are not scored.
    is_censored: bool,
    #[schema(example = "Ada pesanan arisan")]
    reason: String,
    by: Person,
    /// |override - actual|; null where it is not scored.
    #[schema(required = true, example = 4.0)]
    error: Option<f64>,
    /// |model - actual|.
    #[schema(required = true, example = 11.8)]
    model_error: Option<f64>,
    #[schema(required = true, example = 7.8)]
    value_added: Option<f64>,
}

impl From<OverrideOutcome> for Scored {
    fn from(row: OverrideOutcome) -> Self {
        let scored = row.scored();
        Self {
            id: row.id,
            product_id: row.product_id,
            product: row.product,
            unit: row.unit,
            date: row.target_date,
            quantity: row.quantity,
            model_quantity: row.model_quantity,
            actual: row.actual,
            is_censored: row.is_sold_out,
            reason: row.reason,
            by: Person { user_id: row.user_id, name: row.user_name },
            error: scored.map(|outcome| outcome.error()),
            model_error: scored.map(|outcome| outcome.model_error()),
            value_added: scored.map(|outcome| outcome.value_added()),
        }
    }
}

/// Several overrides added up.
#[derive(Serialize, ToSchema)]
struct OverrideScore {
    /// That are scored.
    scored: u32,
    /// That are not, because the product sold out.
    censored: u32,
    /// That are not, because nobody knows yet what was sold, or what the forecast was.
    unknown: u32,
    #[schema(example = 4.0)]
    error: f64,
    #[schema(example = 11.8)]
    model_error: f64,
    #[schema(example = 7.8)]
    value_added: f64,
    /// Of the model's error; null where that is nothing.
    #[schema(required = true, example = 0.66)]
    value_added_share: Option<f64>,
}

#[derive(Serialize, ToSchema)]
struct ScoreOfPerson {
    by: Person,
    score: OverrideScore,
    /// What their next number weighs in a plan by these days alone, 1 for all.
    #[schema(example = 0.94, minimum = 0, maximum = 1)]
    trust: f64,
}

#[derive(Serialize, ToSchema)]
struct ScoreOfReason {
    by: Person,
    /// In lower case.
    #[schema(example = "ada pesanan arisan")]
    reason: String,
    score: OverrideScore,
}

#[derive(Default)]
struct Sum {
    score: Score,
    censored: u32,
    unknown: u32,
}

impl Sum {
    fn add(&mut self, row: &OverrideOutcome) {
        match row.scored() {
            Some(outcome) => self.score.add(outcome),
            None if row.is_sold_out => self.censored += 1,
            None => self.unknown += 1,
        }
    }

    fn shown(&self) -> OverrideScore {
        let Self { score, censored, unknown } = self;
        let share = score.value_added() / score.model_error;
        OverrideScore {
            scored: score.count,
            censored: *censored,
            unknown: *unknown,
            error: score.error,
            model_error: score.model_error,
            value_added: score.value_added(),
            value_added_share: share.is_finite().then_some(share),
        }
    }
}

/// Which days: at most 366; the 28 up to yesterday if not said.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DaysOver {
    /// First business day; 27 days before the last if not said.
    #[serde(default, deserialize_with = "optional_day")]
    #[param(nullable = false, example = "2026-10-26")]
    from: Option<NaiveDate>,
    /// Last business day, yesterday at most; yesterday if not said.
    #[serde(default, deserialize_with = "optional_day")]
    #[param(nullable = false, example = "2026-11-22")]
    to: Option<NaiveDate>,
}

/// How overrides did against the forecasts that they replaced, by person and reason.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/overrides/scores", operation_id = "list_override_scores",
    tag = "plan",
    params(("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"), DaysOver),
    responses(
        (status = 200, description = "Overrides of these days, as far as the days are over", body = OverrideScores),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("overrides:read"))),
)]
async fn list(
    State(state): State<AppState>,
    caller: Caller,
    PathName(store): PathName,
    Query(query): Query<DaysOver>,
    Reader(mut transaction): Reader,
) -> Result<Json<OverrideScores>, ApiError> {
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Read, Kind::Overrides)).await?;
    let now = state.clock.now();
    let yesterday = business_day(&store, now) - Days::new(1);
    let last = query.to.unwrap_or(yesterday);
    let first = query.from.unwrap_or(last - Days::new(27));
    if !(0..366).contains(&(last - first).num_days()) {
        return Err(FieldError::unfit("from", "must be before `to`, by at most 365 days").into());
    }
    let rows = override_outcomes(&mut *transaction, store.id, first, last.min(yesterday), now).await?;
    Ok(Json(scores(rows)))
}

fn scores(rows: Vec<OverrideOutcome>) -> OverrideScores {
    let mut total = Sum::default();
    let mut people: BTreeMap<Option<Uuid>, (Person, Sum)> = BTreeMap::new();
    let mut reasons: BTreeMap<(Option<Uuid>, String), (Person, Sum)> = BTreeMap::new();
    for row in &rows {
        let by = || (Person { user_id: row.user_id, name: row.user_name.clone() }, Sum::default());
        total.add(row);
        people.entry(row.user_id).or_insert_with(by).1.add(row);
        reasons.entry((row.user_id, row.reason.trim().to_lowercase())).or_insert_with(by).1.add(row);
    }
    let by_person = people.into_values().map(|(by, sum)| ScoreOfPerson { by, score: sum.shown(), trust: sum.score.trust() }).collect();
    let by_reason = reasons.into_iter().map(|((_, reason), (by, sum))| ScoreOfReason { by, reason, score: sum.shown() }).collect();
    OverrideScores {
        total: total.shown(),
        by_person,
        by_person_and_reason: by_reason,
        overrides: rows.into_iter().map(Scored::from).collect(),
    }
}
