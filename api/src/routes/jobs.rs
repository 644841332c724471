//! How far a job is that somebody of a store asked for.

use axum::Json;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::response::IntoResponse;
use chrono::{DateTime, NaiveDate, Utc};
use domain::access::{Action, Permission, Resource as Kind};
use domain::job::{ForecastAfresh, JobArgs, MadeAfresh, MadeAgain, Replan, Suppose};
use platform::db::asked_jobs::{AskedJob, find_asked};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::{Caller, Reader};
use crate::asked::{JobFailure, Progress, Standing, worded};
use crate::error::{ApiError, Resource};
use crate::extract::PathName;
use crate::problem::{Language, Problem};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(get))
}

/// A job of a store.
#[derive(Serialize, ToSchema)]
struct Job {
    id: Uuid,
    store_id: Uuid,
    /// `forecast_afresh`, `replan` or `suppose`.
    #[schema(example = "forecast_afresh")]
    kind: String,
    state: Progress,
    asked_at: DateTime<Utc>,
    /// Null until it has ended.
    #[schema(required = true)]
    finished_at: Option<DateTime<Utc>>,
    /// Null unless it has succeeded.
    #[schema(required = true)]
    result: Option<JobResult>,
    /// Null unless it has failed.
    #[schema(required = true)]
    failure: Option<JobFailure>,
}

/// What came of it.
#[derive(Serialize, ToSchema)]
struct JobResult {
    /// Where it is to be seen.
    #[schema(example = "/api/v1/stores/0193570a-0000-7000-8000-000000000000/predictions")]
    url: String,
    /// The run that it is of; null for an answer to what-if.
    #[schema(required = true)]
    run_id: Option<Uuid>,
    /// The business day served; null but for a forecast.
    #[schema(required = true)]
    business_date: Option<NaiveDate>,
    /// See a prediction's `rung`; null but for a forecast.
    #[schema(required = true, example = "fresh")]
    rung: Option<String>,
    /// Nothing new was known, and what was published before stays; null but for a forecast.
    #[schema(required = true)]
    is_unchanged: Option<bool>,
}

impl JobResult {
    fn of(job: &AskedJob, result: serde_json::Value) -> Option<Self> {
        let store = format!("/api/v1/stores/{}", job.store_id);
        let plain = |url| Self { url, run_id: None, business_date: None, rung: None, is_unchanged: None };
        Some(match job.kind.as_str() {
            ForecastAfresh::KIND => {
                let made: MadeAfresh = serde_json::from_value(result).ok()?;
                Self {
                    run_id: Some(made.run_id),
                    business_date: Some(made.business_date),
                    rung: Some(made.rung.to_string()),
                    is_unchanged: Some(made.is_unchanged),
                    ..plain(format!("{store}/predictions"))
                }
            }
            Replan::KIND => {
                let made: MadeAgain = serde_json::from_value(result).ok()?;
                Self { run_id: Some(made.run_id), ..plain(format!("{store}/plan")) }
            }
            Suppose::KIND => plain(format!("{store}/what-if/{}", job.job_id)),
            _ => return None,
        })
    }
}

/// A job that somebody of a store asked for, by who is a member of it. What came of it is known for some weeks.
#[utoipa::path(
    get,
    path = "/api/v1/jobs/{job}", operation_id = "get_job",
    tag = "predictions",
    params(("job" = Uuid, Path, description = "Id of the job")),
    responses(
        (status = 200, description = "The job", body = Job),
        (status = 404, description = "No such job", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("predictions:read"))),
)]
async fn get(
    caller: Caller,
    PathName(job): PathName,
    headers: HeaderMap,
    Reader(mut transaction): Reader,
) -> Result<impl IntoResponse, ApiError> {
    let missing = || ApiError::NotFound { resource: Resource::Job, name: job.clone() };
    let id = Uuid::try_parse(&job).map_err(|_| missing())?;
    let asked = find_asked(&mut *transaction, id).await?.ok_or_else(missing)?;
    caller.require(asked.store_id, Permission::to(Action::Read, Kind::Predictions))?;
    let language = Language::of(headers.get(ACCEPT_LANGUAGE));
    let Standing { progress, finished_at, result, failure } = Standing::of(&asked, language);
    let shown = Job {
        id: asked.job_id,
        store_id: asked.store_id,
        kind: asked.kind.clone(),
        state: progress,
        asked_at: asked.asked_at,
        finished_at,
        result: result.and_then(|result| JobResult::of(&asked, result)),
        failure,
    };
    Ok((worded(language), Json(shown)))
}
