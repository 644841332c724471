use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::ids::JobId;
use domain::job::{JobArgs, Outcome};
use futures::FutureExt;
use futures::future::BoxFuture;
use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;

use super::leases::Claimed;
use super::{Lease, QueueError, complete, complete_and_forget, progress};

/// The code of one kind of job. CPU-bound work belongs on `tokio::task::spawn_blocking`; it should look at
/// [`JobContext::cancel`] now and then, since nothing can stop it from outside.
pub trait Worker<A: JobArgs>: Send + Sync + 'static {
    /// One attempt. It may be dropped at any await: after the kind's time-out, on a lost lease, at the end of a shutdown's grace.
    /// A panic is a failed attempt.
    fn work(&self, args: A, context: JobContext) -> impl Future<Output = Outcome> + Send;
}

/// What an attempt knows about itself.
#[derive(Debug, Clone)]
pub struct JobContext {
    pub job_id: JobId,
    /// This attempt, from 1.
    pub attempt: u16,
    pub max_attempts: u16,
    /// Fires when the work should stop: shutdown, cancellation, lost lease, time-out.
    pub cancel: CancellationToken,
    pub trace_id: Option<String>,
    own: Option<Own>,
}

/// The row behind an attempt. Not the claim itself, whose life is the lease's: work may outlive its attempt.
#[derive(Debug, Clone)]
struct Own {
    lease: Lease,
    is_kept: bool,
    completed: Arc<AtomicBool>,
}

impl JobContext {
    /// For running a worker by hand, without a row in the queue.
    #[must_use]
    pub fn foreground(cancel: CancellationToken) -> Self {
        Self { job_id: JobId::new(), attempt: 1, max_attempts: 1, cancel, trace_id: None, own: None }
    }

    pub(super) fn of(claimed: &Claimed) -> Self {
        let job = &claimed.job;
        Self {
            job_id: job.lease.id,
            attempt: job.attempt,
            max_attempts: job.max_attempts,
            cancel: claimed.hold.cancel.clone(),
            trace_id: job.trace_id.clone(),
            own: Some(Own { lease: job.lease, is_kept: job.is_kept, completed: Arc::clone(&claimed.hold.completed) }),
        }
    }

    /// Notes in the transaction of a part of its effects that the job has come further: attempts count anew from here.
    ///
    /// # Errors
    /// [`QueueError::LeaseLost`], [`QueueError::Database`].
    pub async fn progress_in(&self, transaction: &mut PgConnection) -> Result<(), QueueError> {
        match &self.own {
            Some(own) if self.attempt > 1 => progress(transaction, own.lease).await,
            _ => Ok(()),
        }
    }

    /// Completes the job in the transaction of its effects, which makes them exactly once: if the lease was lost, the
    /// transaction must be rolled back. Return [`Outcome::Done`] after the commit. Without a row in the queue it does nothing.
    ///
    /// # Errors
    /// [`QueueError::LeaseLost`], [`QueueError::Database`].
    pub async fn complete_in(&self, transaction: &mut PgConnection) -> Result<(), QueueError> {
        let Some(own) = &self.own else { return Ok(()) };
        if own.is_kept {
            return complete(transaction, own.lease).await;
        }
        complete_and_forget(transaction, own.lease).await?;
        own.completed.store(true, Ordering::Relaxed);
        Ok(())
    }
}

/// The kinds of job that a program can do: `Workers::new().add(RunNightly::worker(..)).add(..)`.
#[derive(Default)]
pub struct Workers {
    by_kind: HashMap<&'static str, Arc<dyn AnyWorker>>,
    duplicate: Option<&'static str>,
}

impl Workers {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A kind that is added twice is refused by [`super::run`].
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "the verb of a registry")]
    pub fn add<A: JobArgs, W: Worker<A>>(mut self, worker: W) -> Self {
        let typed = Arc::new(Typed { worker, args: PhantomData::<fn(A)> });
        if self.by_kind.insert(A::KIND, typed).is_some() {
            self.duplicate = Some(A::KIND);
        }
        self
    }

    /// Sorted by name.
    #[must_use]
    pub fn kinds(&self) -> Vec<&'static str> {
        let mut kinds: Vec<_> = self.by_kind.keys().copied().collect();
        kinds.sort_unstable();
        kinds
    }

    pub(super) fn check(&self) -> Result<(), QueueError> {
        self.duplicate.map_or(Ok(()), |kind| Err(QueueError::DuplicateKind { kind }))
    }

    pub(super) fn of_kind(&self, kind: &str) -> Option<Arc<dyn AnyWorker>> {
        self.by_kind.get(kind).cloned()
    }
}

impl std::fmt::Debug for Workers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.kinds()).finish()
    }
}

/// A worker with the type of its arguments forgotten.
pub(super) trait AnyWorker: Send + Sync {
    fn timeout(&self) -> Duration;

    fn work(self: Arc<Self>, args: serde_json::Value, context: JobContext) -> BoxFuture<'static, Result<Outcome, serde_json::Error>>;
}

struct Typed<A, W> {
    worker: W,
    args: PhantomData<fn(A)>,
}

impl<A: JobArgs, W: Worker<A>> AnyWorker for Typed<A, W> {
    fn timeout(&self) -> Duration {
        A::TIMEOUT
    }

    fn work(self: Arc<Self>, args: serde_json::Value, context: JobContext) -> BoxFuture<'static, Result<Outcome, serde_json::Error>> {
        async move {
            let args: A = serde_json::from_value(args)?;
            Ok(self.worker.work(args, context).await)
        }
        .boxed()
    }
}
