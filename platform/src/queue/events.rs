//! Log line and metric of each thing that happens, together, so that they cannot disagree.

use std::time::Duration;

use super::{Job, QueueError, Rescued};
use crate::telemetry::trace_of;

pub(super) fn settled(job: &Job, outcome: &'static str, took: Duration) {
    metrics::counter!("jobs_settled_total", "kind" => job.kind.clone(), "outcome" => outcome).increment(1);
    metrics::histogram!("job_duration_seconds", "kind" => job.kind.clone()).record(took.as_secs_f64());
    metrics::histogram!("job_wait_seconds", "kind" => job.kind.clone(), "lane" => job.lane.as_str()).record(job.waited.as_secs_f64());
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(
        job.id = %job.lease.id, job.kind = %job.kind, job.attempt = job.attempt, trace_id = job.trace_id.as_deref().map(trace_of),
        outcome, duration_ms, "job {} of kind {} {outcome}", job.lease.id, job.kind
    );
}

pub(super) fn failed(job: &Job, error: &str, dead: bool, took: Duration) {
    let outcome = if dead { "discarded" } else { "retryable" };
    metrics::counter!("jobs_settled_total", "kind" => job.kind.clone(), "outcome" => outcome).increment(1);
    metrics::histogram!("job_duration_seconds", "kind" => job.kind.clone()).record(took.as_secs_f64());
    tracing::warn!(
        job.id = %job.lease.id, job.kind = %job.kind, job.attempt = job.attempt, job.max_attempts = job.max_attempts,
        trace_id = job.trace_id.as_deref().map(trace_of), outcome, error,
        "attempt {} of {} of job {} of kind {} failed", job.attempt, job.max_attempts, job.lease.id, job.kind
    );
}

pub(super) fn lease_lost(job: &Job) {
    metrics::counter!("jobs_leases_lost_total", "kind" => job.kind.clone()).increment(1);
    tracing::warn!(job.id = %job.lease.id, job.kind = %job.kind, "job {} was taken over while we worked on it", job.lease.id);
}

pub(super) fn unsettled(job: &Job, error: &QueueError) {
    metrics::counter!("jobs_unsettled_total", "kind" => job.kind.clone()).increment(1);
    tracing::error!(
        job.id = %job.lease.id, job.kind = %job.kind, error = error as &dyn std::error::Error,
        "the end of job {} could not be recorded; it runs again when its lease expires", job.lease.id
    );
}

pub(super) fn rescued(rescued: &Rescued) {
    metrics::counter!("jobs_rescued_total", "kind" => rescued.kind.clone()).increment(1);
    tracing::warn!(
        job.id = %rescued.id, job.kind = %rescued.kind, job.state = rescued.state.as_str(),
        "job {} of a silent worker is now {}", rescued.id, rescued.state.as_str()
    );
}

pub(super) fn database_trouble(stage: &'static str, error: &QueueError) {
    metrics::counter!("jobs_database_errors_total", "stage" => stage).increment(1);
    tracing::warn!(stage, error = error as &dyn std::error::Error, "the queue cannot reach its database for now; trying again");
}
