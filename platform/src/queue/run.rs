use std::any::Any;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use apalis::layers::catch_panic::{CatchPanicLayer, PanicError};
use apalis::layers::tracing::TraceLayer;
use apalis_core::monitor::Monitor;
use apalis_core::task::Task;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::ext::parallelize::ParallelizeLayer;
use domain::job::Lane;
use sqlx::PgPool;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::Span;
use tracing::field::Empty;
use uuid::Uuid;

use super::backend::{PgQueue, QueueConfig};
use super::leases::{Claimed, Leases};
use super::service::Attempt;
use super::settler::Settler;
use super::shares::Shares;
use super::slots::Slots;
use super::{Claim, QueueError, Workers, hand_back};
use crate::telemetry;

/// How one program works on the queue.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// Jobs at the same time.
    pub concurrency: usize,
    /// Empty means every lane.
    pub lanes: Vec<Lane>,
    /// How long a new or due job may stay unnoticed if its notification is lost.
    pub poll: Duration,
    /// How long a silent worker keeps its jobs. The heartbeat beats three times as often.
    pub lease: Duration,
    /// How long running jobs may take to end after the shutdown signal, before they are handed back.
    pub grace: Duration,
    /// Where `LISTEN` works, if `pool` goes through a pooler in transaction mode.
    pub listen_pool: Option<PgPool>,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self {
            concurrency: std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
            lanes: Vec::new(),
            poll: Duration::from_secs(1),
            lease: Duration::from_secs(30),
            grace: Duration::from_secs(10),
            listen_pool: None,
        }
    }
}

/// Works until `shutdown`, then stops in order: no new claims; running jobs are told through [`super::JobContext::cancel`] and
/// get the grace to end; what is left is handed back without counting the attempt. A database that goes away is waited for.
///
/// # Errors
/// [`QueueError::DuplicateKind`], and [`QueueError::Monitor`] if apalis gave up.
pub async fn run(pool: PgPool, workers: Workers, options: WorkerOptions, shutdown: CancellationToken) -> Result<(), QueueError> {
    workers.check()?;
    let (draining, abort, leases) = (CancellationToken::new(), CancellationToken::new(), Arc::new(Leases::default()));
    let slots = Slots::new(options.concurrency);
    let config = QueueConfig {
        listen_pool: options.listen_pool.clone().unwrap_or_else(|| pool.clone()),
        claim: Claim { kinds: workers.kinds().into_iter().map(str::to_owned).collect(), worker: worker_name(), lease: options.lease },
        pool: pool.clone(),
        poll: options.poll,
        slots: Arc::clone(&slots),
        shares: Arc::new(Mutex::new(Shares::new(&options.lanes))),
        settler: Settler::start(pool.clone()),
        draining: draining.clone(),
        leases: Arc::clone(&leases),
    };
    let attempt = Attempt { workers: Arc::new(workers), slots, abort: abort.clone() };
    let monitor = monitor(config, attempt);
    let control = monitor.context();
    let mut running = std::pin::pin!(monitor.run());

    tokio::select! {
        ended = &mut running => return ended.map_err(|error| QueueError::Monitor(error.into())),
        () = shutdown.cancelled() => {}
    }
    draining.cancel();
    control.shutdown().map_err(|error| QueueError::Monitor(error.into()))?;
    if let Ok(ended) = timeout(options.grace, &mut running).await {
        return ended.map_err(|error| QueueError::Monitor(error.into()));
    }
    abort.cancel();
    if let Ok(ended) = timeout(Duration::from_secs(5), &mut running).await {
        return ended.map_err(|error| QueueError::Monitor(error.into()));
    }
    // Work that blocks its thread cannot be dropped. Its lease goes back all the same; the token fences what it still does.
    for lease in leases.held() {
        let _ = timeout(Duration::from_secs(1), hand_back(&pool, lease)).await;
    }
    Ok(())
}

/// From the outside in: settle (the backend's own), a task per job, a span, panics as errors, the attempt with its time-out.
fn monitor(config: QueueConfig, attempt: Attempt) -> Monitor {
    Monitor::new()
        .register(move |_| {
            WorkerBuilder::new(config.claim.worker.as_str())
                .backend(PgQueue::start(config.clone()))
                .layer(ParallelizeLayer::new(tokio::spawn))
                .layer(TraceLayer::new().make_span_with(span).on_response(()).on_failure(()))
                .layer(CatchPanicLayer::<_, PanicError>::with_panic_handler(panicked))
                .build(attempt.clone())
        })
        // Our backend never fails; should apalis itself panic, its worker begins anew and the leases sort out the rest.
        .should_restart(|_, _| true)
}

fn span(task: &Task<Claimed>) -> Span {
    let job = &task.args.job;
    let cause = job.trace_id.as_deref();
    let span = tracing::info_span!(
        "job", job.id = %job.lease.id, job.kind = %job.kind, job.attempt = job.attempt, job.outcome = Empty, otel.status_code = Empty,
        trace_id = cause.map(telemetry::trace_of)
    );
    cause.inspect(|cause| telemetry::follow(&span, cause));
    span
}

fn panicked(payload: &Box<dyn Any + Send>) -> PanicError {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned()).or_else(|| payload.downcast_ref::<String>().cloned());
    PanicError(text.unwrap_or_else(|| "the panic carried no text".to_owned()))
}

/// Unique even when a container restarts with the same name and process id.
fn worker_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = if host.trim().is_empty() { "host" } else { host.trim() };
    format!("{host}:{}:{}", std::process::id(), Uuid::now_v7().simple())
}
