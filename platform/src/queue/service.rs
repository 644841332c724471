//! The innermost service: one attempt of one job, whatever its kind.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use apalis_core::error::BoxDynError;
use apalis_core::task::Task;
use domain::job::Outcome;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use tower::Service;

use super::leases::Claimed;
use super::slots::Slots;
use super::worker::{JobContext, Workers};

/// Why an attempt was ended from outside.
#[derive(Debug, thiserror::Error)]
pub(super) enum Interrupted {
    #[error("the program is stopping")]
    Stopping,
    #[error("the lease was lost")]
    LeaseLost,
    #[error("claimed too early: other jobs of this program take longer than expected")]
    Crowded,
}

#[derive(Debug, thiserror::Error)]
enum AttemptError {
    #[error("no worker for kind `{0}`")]
    UnknownKind(String),
    #[error("the arguments of kind `{kind}` do not fit this program")]
    Arguments {
        kind: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("timed out after {0:?}")]
    TimedOut(Duration),
}

#[derive(Debug, Clone)]
pub(super) struct Attempt {
    pub workers: Arc<Workers>,
    pub slots: Arc<Slots>,
    /// The end of a shutdown's grace.
    pub abort: CancellationToken,
}

impl Service<Task<Claimed>> for Attempt {
    type Response = Outcome;
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<Outcome, BoxDynError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxDynError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, task: Task<Claimed>) -> Self::Future {
        let (attempt, claimed) = (self.clone(), task.args);
        async move {
            let hold = Arc::clone(&claimed.hold);
            // Blocking work outlives its future: however this ends, it is told.
            let _told = hold.cancel.clone().drop_guard();
            tokio::select! {
                biased;
                () = hold.lost.cancelled() => Err(Interrupted::LeaseLost.into()),
                () = attempt.abort.cancelled() => Err(Interrupted::Stopping.into()),
                outcome = attempt.run(&claimed) => outcome,
            }
        }
        .boxed()
    }
}

impl Attempt {
    /// Waits for its turn, then works.
    async fn run(&self, claimed: &Claimed) -> Result<Outcome, BoxDynError> {
        let turn = tokio::select! {
            biased;
            turn = self.slots.begin() => turn.ok_or(Interrupted::Crowded)?,
            // Told to stop before it began.
            () = claimed.hold.cancel.cancelled() => return Err(Interrupted::Stopping.into()),
        };
        let began = Instant::now();
        let outcome = work(&self.workers, claimed).await;
        self.slots.ran(began.elapsed());
        drop(turn);
        note(outcome.as_ref());
        Ok(outcome?)
    }
}

/// On the job's span.
fn note(outcome: Result<&Outcome, &AttemptError>) {
    let span = tracing::Span::current();
    let (word, failed) = match outcome {
        Ok(Outcome::Done) => ("done", false),
        Ok(Outcome::Snooze(_)) => ("snoozed", false),
        Ok(Outcome::Cancel(_)) => ("cancelled", false),
        Ok(Outcome::Retry(_)) | Err(_) => ("failed", true),
    };
    span.record("job.outcome", word);
    if failed {
        span.record("otel.status_code", "ERROR");
    }
}

async fn work(workers: &Workers, claimed: &Claimed) -> Result<Outcome, AttemptError> {
    let job = &claimed.job;
    let worker = workers.of_kind(&job.kind).ok_or_else(|| AttemptError::UnknownKind(job.kind.clone()))?;
    let limit = worker.timeout();
    tokio::time::timeout(limit, worker.work(job.args.clone(), JobContext::of(claimed)))
        .await
        .map_err(|_| AttemptError::TimedOut(limit))?
        .map_err(|source| AttemptError::Arguments { kind: job.kind.clone(), source })
}
