//! The outermost tower layer: turns what became of an attempt into the row's next state.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use apalis_core::error::BoxDynError;
use apalis_core::task::Task;
use backon::{BackoffBuilder, ExponentialBuilder};
use domain::chain;
use domain::job::Outcome;
use futures::FutureExt;
use futures::future::BoxFuture;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tower::{Layer, Service};

use super::leases::Claimed;
use super::service::Interrupted;
use super::settler::{Completed, Settler};
use super::shares::Shares;
use super::{Job, QueueError, State, cancel, events, hand_back, retry, snooze};

#[derive(Debug, Clone)]
pub struct SettleLayer {
    pub(super) pool: PgPool,
    pub(super) settler: Settler,
    pub(super) shares: Arc<Mutex<Shares>>,
    pub(super) draining: CancellationToken,
}

impl<S> Layer<S> for SettleLayer {
    type Service = Settle<S>;

    fn layer(&self, inner: S) -> Settle<S> {
        Settle { inner, end: self.clone() }
    }
}

#[derive(Debug, Clone)]
pub struct Settle<S> {
    inner: S,
    end: SettleLayer,
}

impl<S> Service<Task<Claimed>> for Settle<S>
where
    S: Service<Task<Claimed>, Response = Outcome>,
    S::Error: Into<BoxDynError>,
    S::Future: Send + 'static,
{
    type Response = ();
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<(), BoxDynError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxDynError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, task: Task<Claimed>) -> Self::Future {
        // Holding the claim keeps heartbeat and slot until the end is recorded.
        let claimed = task.args.clone();
        let (end, attempt) = (self.end.clone(), self.inner.call(task));
        async move {
            let began = Instant::now();
            let ending = Ending::of(attempt.await.map_err(Into::into), end.draining.is_cancelled());
            let took = began.elapsed();
            end.shares.lock().unwrap_or_else(PoisonError::into_inner).spent(claimed.job.lane, took);
            end.record(&claimed, &ending, took).await;
            Ok(())
        }
        .boxed()
    }
}

/// What is to be written.
#[derive(Debug)]
enum Ending {
    Complete,
    Retry(String),
    Snooze(Duration),
    Cancel(String),
    HandBack,
    /// Nothing: the job is not ours any more.
    Forget,
}

impl Ending {
    fn of(result: Result<Outcome, BoxDynError>, draining: bool) -> Self {
        match result {
            Ok(Outcome::Done) => Self::Complete,
            Ok(Outcome::Snooze(wait)) => Self::Snooze(wait),
            Ok(Outcome::Cancel(reason)) => Self::Cancel(reason),
            // Told to stop, it stopped: not a failure of the job.
            Ok(Outcome::Retry(_)) if draining => Self::HandBack,
            Ok(Outcome::Retry(error)) => Self::Retry(chain(error.as_ref())),
            Err(error) => match error.downcast_ref::<Interrupted>() {
                Some(Interrupted::Stopping | Interrupted::Crowded) => Self::HandBack,
                Some(Interrupted::LeaseLost) => Self::Forget,
                None => Self::Retry(chain(error.as_ref())),
            },
        }
    }
}

impl SettleLayer {
    /// Tries until the database has it or the lease is lost; meanwhile the heartbeat goes on.
    async fn record(&self, claimed: &Claimed, ending: &Ending, took: Duration) {
        let mut pauses = ExponentialBuilder::default().with_max_delay(Duration::from_secs(2)).with_jitter().without_max_times().build();
        loop {
            let error = match self.write(&claimed.job, ending, took).await {
                Ok(()) => return,
                // The worker's own transaction has removed the row.
                Err(QueueError::LeaseLost { .. }) if claimed.hold.was_completed() => {
                    return events::settled(&claimed.job, "completed", took);
                }
                Err(QueueError::LeaseLost { .. }) => return events::lease_lost(&claimed.job),
                Err(error) => error,
            };
            let pause = tokio::time::sleep(pauses.next().unwrap_or(Duration::from_secs(2)));
            if claimed.hold.lost.run_until_cancelled(pause).await.is_none() {
                return events::unsettled(&claimed.job, &error);
            }
            events::database_trouble("settle", &error);
        }
    }

    async fn write(&self, job: &Job, ending: &Ending, took: Duration) -> Result<(), QueueError> {
        let pool = &self.pool;
        match ending {
            Ending::Complete => match self.settler.complete(job.lease, job.is_kept).await {
                Completed::Done => {
                    events::settled(job, "completed", took);
                    Ok(())
                }
                Completed::LeaseLost => Err(QueueError::LeaseLost { id: job.lease.id, token: job.lease.token }),
                Completed::Failed { reason } => Err(QueueError::NotCompleted { reason }),
            },
            Ending::Snooze(wait) => snooze(pool, job.lease, *wait).await.map(|()| events::settled(job, "snoozed", took)),
            Ending::Cancel(reason) => cancel(pool, job.lease, reason).await.map(|()| events::settled(job, "cancelled", took)),
            Ending::HandBack => hand_back(pool, job.lease).await.map(|()| events::settled(job, "handed_back", took)),
            Ending::Retry(error) => {
                retry(pool, job.lease, error).await.map(|state| events::failed(job, error, state == State::Discarded, took))
            }
            Ending::Forget => Err(QueueError::LeaseLost { id: job.lease.id, token: job.lease.token }),
        }
    }
}
