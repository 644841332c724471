//! Work that takes longer than a read: asked for here, done by a worker, looked at by whoever asked.

use axum::http::header::{CONTENT_LANGUAGE, VARY};
use axum::http::{HeaderMap, HeaderValue};
use chrono::{DateTime, TimeDelta, Utc};
use domain::failure::Failure;
use domain::job::JobArgs;
use domain::text;
use platform::db::asked_jobs::{AskedJob, NewAskedJob, asked_since, lock_asking, note_asked};
use platform::queue::{EnqueueOptions, State, enqueue};
use platform::telemetry;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::Caller;
use crate::error::ApiError;
use crate::problem::Language;
use crate::state::AppState;

/// How often something may be asked for in a store, counted back from now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound {
    pub most: usize,
    pub window: TimeDelta,
}

/// How something is asked for.
pub(crate) struct Asking {
    /// As it is shown again with the answer.
    pub request: Value,
    pub bound: Option<Bound>,
    /// How long it is known what came of it.
    pub kept: TimeDelta,
}

/// A job that was asked for, by its id; `GET` its `url` to see how far it is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobReference {
    pub id: Uuid,
    #[schema(example = "/api/v1/jobs/0193570a-8a4b-7c1e-9f2d-3b5a6c7d8e9f")]
    pub url: String,
}

impl JobReference {
    pub fn of(id: Uuid) -> Self {
        Self { id, url: format!("/api/v1/jobs/{id}") }
    }
}

/// Asks for a job in the caller's transaction. Where the same is waiting or running already, that is the answer, and it counts once.
///
/// # Errors
/// [`ApiError::TooManyAttempts`] beyond the bound.
pub(crate) async fn ask<A: JobArgs>(
    transaction: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    store: Uuid,
    args: &A,
    Asking { request, bound, kept }: &Asking,
) -> Result<JobReference, ApiError> {
    let now = state.clock.now();
    lock_asking(&mut *transaction, store, A::KIND).await?;
    let options = EnqueueOptions { trace_id: Some(telemetry::cause()), ..EnqueueOptions::default() };
    let job = enqueue(&mut *transaction, args, options).await?;
    if let (false, Some(Bound { most, window })) = (job.existed, *bound) {
        let before = asked_since(&mut *transaction, store, A::KIND, now - window).await?;
        // The transaction that is given up takes the job with it.
        if let Some(oldest) = before.len().checked_sub(most).and_then(|index| before.get(index)) {
            let after = (*oldest + window - now).to_std().unwrap_or_default();
            return Err(ApiError::TooManyAttempts { after });
        }
    }
    let new = NewAskedJob {
        job_id: job.id.0,
        store_id: store,
        kind: A::KIND,
        asked_by: caller.user,
        request,
        asked_at: now,
        expires_at: now + *kept,
    };
    note_asked(transaction, &new).await?;
    Ok(JobReference::of(job.id.0))
}

/// Where a job is, for whoever asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Progress {
    /// For a worker, or to be tried again.
    Waiting,
    Running,
    Succeeded,
    Failed,
}

/// Why nothing came of it, in the language that `Accept-Language` asks for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobFailure {
    /// Stable name, for programs.
    #[schema(example = "no_sales")]
    pub code: &'static str,
    #[schema(example = "Tidak ada penjualan dalam 56 hari sampai 2026-11-22.")]
    pub detail: String,
    /// What to do next.
    #[schema(example = "Masukkan penjualan toko, lalu minta lagi.")]
    pub hint: String,
}

/// What is known of a job.
pub(crate) struct Standing {
    pub progress: Progress,
    pub finished_at: Option<DateTime<Utc>>,
    pub result: Option<Value>,
    pub failure: Option<JobFailure>,
}

impl Standing {
    /// A job that lives (again) is not over, whatever was noted of an earlier life.
    pub fn of(job: &AskedJob, language: Language) -> Self {
        let failed = |failure: &Failure| {
            let (detail, hint) = text::failure_words(failure, language.of_text());
            let failure = Some(JobFailure { code: failure.code(), detail, hint });
            Self { progress: Progress::Failed, finished_at: job.finished_at, result: None, failure }
        };
        let unfinished = |progress| Self { progress, finished_at: None, result: None, failure: None };
        match job.state.as_deref().and_then(State::parse) {
            Some(State::Available | State::Scheduled | State::Retryable) => return unfinished(Progress::Waiting),
            Some(State::Running) if !job.has_ended() => return unfinished(Progress::Running),
            _ => {}
        }
        match (&job.result, &job.failure, job.state.as_deref().and_then(State::parse)) {
            (Some(result), ..) => {
                Self { progress: Progress::Succeeded, finished_at: job.finished_at, result: Some(result.clone()), failure: None }
            }
            (None, Some(failure), _) => failed(&serde_json::from_value(failure.clone()).unwrap_or(Failure::Internal)),
            (None, None, Some(State::Cancelled)) => failed(&Failure::Stopped),
            (None, None, _) => failed(&Failure::Internal),
        }
    }
}

/// Headers of an answer that has words in it.
pub(crate) fn worded(language: Language) -> HeaderMap {
    let language = HeaderValue::from_static(language.tag());
    HeaderMap::from_iter([(CONTENT_LANGUAGE, language), (VARY, HeaderValue::from_static("accept-language"))])
}
