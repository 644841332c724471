//! What if it rains, what if there is a promotion, what if the shop stays closed.

use axum::Json;
use axum::extract::State;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::access::{Action, Permission, Resource as Kind};
use domain::ids::StoreId;
use domain::job::{JobArgs, Suppose};
use domain::supposition::{Supposed, SupposedDay, Supposition};
use domain::text::{Language as TextLanguage, When, forecast_sentence};
use domain::{Idr, StepForecast};
use platform::db::asked_jobs::find_asked;
use platform::db::published_runs::published_run;
use platform::db::tenant::commit;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::predictions::Quantiles;
use crate::access::{Caller, Reader};
use crate::asked::{Asking, Bound, JobFailure, JobReference, Progress, Standing, ask, worded};
use crate::basket::all_right;
use crate::error::{ApiError, FieldError, Resource};
use crate::extract::{Body, PathName, PathNames};
use crate::field::{optional_date, optional_line};
use crate::once::{IdempotencyKey, Once};
use crate::problem::{Language, Problem};
use crate::provenance::business_day;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(create)).routes(routes!(get))
}

const BOUND: Bound = Bound { most: 60, window: TimeDelta::hours(1) };
const KEPT: TimeDelta = TimeDelta::days(7);

/// What is to be different; at least one of `rain_mm`, `discount` and `closed` is needed.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"rain_mm": 25}))]
struct NewWhatIf {
    /// First business day; the one that the plan is for if not said.
    #[serde(default, deserialize_with = "optional_date")]
    #[schema(example = "2026-11-24")]
    from: Option<NaiveDate>,
    /// Last business day; the first one if not said.
    #[serde(default, deserialize_with = "optional_date")]
    #[schema(example = "2026-11-24")]
    to: Option<NaiveDate>,
    /// Millimetres of rain on each day; 0 for none.
    #[serde(default)]
    #[schema(example = 25.0, minimum = 0, maximum = 1000)]
    rain_mm: Option<f64>,
    /// Share of the price that is taken off on each day; 0 for no promotion.
    #[serde(default)]
    #[schema(example = 0.2, minimum = 0, maximum = 1)]
    discount: Option<f64>,
    /// Name of the product that the discount is of; all of them if not said.
    #[serde(default, deserialize_with = "optional_line")]
    #[schema(example = "Es Teh Manis", min_length = 1, max_length = 200)]
    product: Option<String>,
    /// Whether the store is closed, whatever was announced.
    #[serde(default)]
    closed: Option<bool>,
}

impl NewWhatIf {
    fn supposition(&self, today: NaiveDate) -> Result<Supposition, ApiError> {
        let from = self.from.unwrap_or(today);
        let to = self.to.unwrap_or(from);
        let beyond = |value: Option<f64>, most: f64| value.is_some_and(|value| !(0.0..=most).contains(&value));
        let nothing = self.rain_mm.is_none() && self.discount.is_none() && self.closed.is_none();
        let checks = [
            (nothing, FieldError::unfit("", "must have at least one of `rain_mm`, `discount` and `closed`")),
            (to < from, FieldError::unfit("to", "must not be before `from`")),
            (beyond(self.rain_mm, 1000.0), FieldError::new("rain_mm", "must be 0 to 1000")),
            (beyond(self.discount, 1.0), FieldError::new("discount", "must be 0 to 1")),
            (self.product.is_some() && self.discount.is_none(), FieldError::unfit("product", "is of a discount: say `discount` too")),
        ];
        let wrong = checks.into_iter().filter(|(is_wrong, _)| *is_wrong).map(|(_, error)| error).collect();
        all_right(wrong)?;
        let Self { rain_mm, discount, product, closed, .. } = self;
        Ok(Supposition { from, to, rain_mm: *rain_mm, discount: *discount, product: product.clone(), closed: *closed })
    }
}

/// Ask the models that were kept last what would be if; nothing is fitted. At most sixty an hour a store.
#[utoipa::path(
    post,
    path = "/api/v1/stores/{store}/what-if", operation_id = "create_what_if",
    tag = "predictions",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        IdempotencyKey,
    ),
    request_body = NewWhatIf,
    responses(
        (
            status = 202, description = "A worker will do it; the answer will be at `Location`", body = JobReference,
            headers(("Location" = String, description = "Path of the answer")),
        ),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The same request is being answered", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The key belongs to another request", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("predictions:create"))),
)]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    once: Once,
    PathName(store): PathName,
    Body(new): Body<NewWhatIf>,
) -> Result<Response, ApiError> {
    let mut transaction = caller.begin(&state).await?;
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Create, Kind::Predictions)).await?;
    if let Some(answer) = once.seen(&mut transaction, &state, &new).await? {
        return Ok(answer);
    }
    let shown = published_run(&mut *transaction, store.id).await?.map(|run| run.business_date);
    let today = shown.unwrap_or_else(|| business_day(&store, state.clock.now()));
    let args = Suppose { store_id: StoreId(store.id), today, supposition: new.supposition(today)? };
    let request = serde_json::to_value(&args).map_err(|_| ApiError::Unwritable)?;
    let job = ask(&mut transaction, &state, &caller, store.id, &args, &Asking { request, bound: Some(BOUND), kept: KEPT }).await?;
    let at = format!("/api/v1/stores/{}/what-if/{}", store.slug, job.id);
    let answer = once.answer_at(&mut transaction, &state, &new, StatusCode::ACCEPTED, Some(&at), &job).await?;
    commit(transaction).await?;
    Ok(answer)
}

/// A question and, once a worker has asked the models, its answer.
#[derive(Serialize, ToSchema)]
struct WhatIf {
    id: Uuid,
    state: Progress,
    asked_at: DateTime<Utc>,
    #[schema(required = true)]
    finished_at: Option<DateTime<Utc>>,
    supposed: Conditions,
    /// The business day that is looked from.
    today: NaiveDate,
    /// The last observed day of the models that answer; null until they have.
    #[schema(required = true)]
    trained_until: Option<NaiveDate>,
    /// By product, then day.
    answers: Vec<Answer>,
    /// All answers together, as far as prices are known.
    total: Money,
    /// Null unless nothing came of it.
    #[schema(required = true)]
    failure: Option<JobFailure>,
}

/// What was supposed; null where nothing was.
#[derive(Serialize, ToSchema)]
#[schema(as = WhatIfConditions)]
struct Conditions {
    from: NaiveDate,
    to: NaiveDate,
    #[schema(required = true)]
    rain_mm: Option<f64>,
    #[schema(required = true)]
    discount: Option<f64>,
    #[schema(required = true)]
    product: Option<String>,
    #[schema(required = true)]
    closed: Option<bool>,
}

/// One product on one day.
#[derive(Serialize, ToSchema)]
#[schema(as = WhatIfAnswer)]
struct Answer {
    product_id: Uuid,
    #[schema(example = "Ayam Geprek")]
    product: String,
    #[schema(example = "porsi")]
    unit: String,
    date: NaiveDate,
    /// As it is expected.
    expected: Demand,
    /// As it would be.
    supposed: Demand,
    /// Units more than expected; negative for less.
    #[schema(example = -12.4)]
    difference: f64,
    /// The same in rupiah, at today's price less a supposed discount; null where the price is not known.
    #[schema(required = true, example = -223_200)]
    difference_amount: Option<i64>,
    sentence: Sentences,
    /// Base and contributions that add up to the supposed mean.
    #[schema(value_type = Object)]
    why: serde_json::Value,
}

/// A forecast in selling units.
#[derive(Serialize, ToSchema)]
#[schema(as = WhatIfDemand)]
struct Demand {
    #[schema(example = 85.2)]
    mean: f64,
    quantiles: Quantiles,
}

impl From<&StepForecast> for Demand {
    fn from(step: &StepForecast) -> Self {
        Self { mean: step.yhat, quantiles: (*step.quantiles.values()).into() }
    }
}

/// The supposed forecast with its reasons.
#[derive(Serialize, ToSchema)]
#[schema(as = WhatIfSentences)]
struct Sentences {
    #[schema(example = "Besok 70 porsi: hujan -12.")]
    id: String,
    #[schema(example = "Tomorrow 70 porsi: rain -12.")]
    en: String,
}

/// Rupiah.
#[derive(Serialize, ToSchema)]
#[schema(as = WhatIfTotal)]
struct Money {
    #[schema(example = 1_512_000)]
    expected_amount: i64,
    #[schema(example = 1_288_800)]
    supposed_amount: i64,
    #[schema(example = -223_200)]
    difference_amount: i64,
    /// Answers without a price, which are left out.
    unpriced: usize,
}

fn answer(day: &SupposedDay, args: &Suppose) -> Answer {
    let when = match (day.date - args.today).num_days() {
        0 => When::Today(day.date),
        1 => When::Tomorrow(day.date),
        _ => When::On(day.date),
    };
    let say = |language| forecast_sentence(when, day.supposed.yhat, &day.unit, &day.why, language);
    Answer {
        product_id: day.product_id,
        product: day.product.clone(),
        unit: day.unit.clone(),
        date: day.date,
        expected: (&day.expected).into(),
        supposed: (&day.supposed).into(),
        difference: day.difference(),
        difference_amount: day.difference_in_money(&args.supposition).map(|amount| amount.0),
        sentence: Sentences { id: say(TextLanguage::Indonesian), en: say(TextLanguage::English) },
        why: json!(day.why),
    }
}

fn total(days: &[SupposedDay], supposition: &Supposition) -> Money {
    let priced: Vec<(Idr, Idr)> = days.iter().filter_map(|day| day.revenue(supposition)).collect();
    let supposed: Idr = priced.iter().map(|(supposed, _)| *supposed).sum();
    let expected: Idr = priced.iter().map(|(_, expected)| *expected).sum();
    Money {
        expected_amount: expected.0,
        supposed_amount: supposed.0,
        difference_amount: supposed.0.saturating_sub(expected.0),
        unpriced: days.len() - priced.len(),
    }
}

/// A question, with its answer for a week.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/what-if/{what_if}", operation_id = "get_what_if",
    tag = "predictions",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("what_if" = Uuid, Path, description = "Id of the question's job"),
    ),
    responses(
        (status = 200, description = "The question and what is known of its answer", body = WhatIf),
        (status = 404, description = "No such store or question", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("predictions:read"))),
)]
async fn get(
    caller: Caller,
    PathNames([store, what_if]): PathNames<2>,
    headers: HeaderMap,
    Reader(mut transaction): Reader,
) -> Result<impl IntoResponse, ApiError> {
    let store = caller.store_id_in(&mut transaction, &store, Permission::to(Action::Read, Kind::Predictions)).await?;
    let missing = || ApiError::NotFound { resource: Resource::WhatIf, name: what_if.clone() };
    let id = Uuid::try_parse(&what_if).map_err(|_| missing())?;
    let asked = find_asked(&mut *transaction, id).await?;
    let asked = asked.filter(|asked| asked.store_id == store && asked.kind == Suppose::KIND).ok_or_else(missing)?;
    let args: Suppose = serde_json::from_value(asked.request.clone()).map_err(|_| missing())?;
    let language = Language::of(headers.get(ACCEPT_LANGUAGE));
    let Standing { progress, finished_at, result, failure } = Standing::of(&asked, language);
    let found: Option<Supposed> = result.and_then(|result| serde_json::from_value(result).ok());
    let days = found.as_ref().map_or(&[][..], |found| &found.answers);
    let Supposition { from, to, rain_mm, discount, product, closed } = args.supposition.clone();
    let shown = WhatIf {
        id,
        state: progress,
        asked_at: asked.asked_at,
        finished_at,
        supposed: Conditions { from, to, rain_mm, discount, product, closed },
        today: args.today,
        trained_until: found.as_ref().map(|found| found.trained_until),
        answers: days.iter().map(|day| answer(day, &args)).collect(),
        total: total(days, &args.supposition),
        failure,
    };
    Ok((worded(language), Json(shown)))
}
