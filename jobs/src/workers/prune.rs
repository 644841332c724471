//! Forget what nobody will ask for any more: ended jobs, read events, old ticks.

use chrono::TimeDelta;
use domain::job::{Outcome, Prune};
use platform::bus::{inbox, outbox};
use platform::clock::SharedClock;
use platform::db::asked_jobs::prune_asked;
use platform::db::auth_sessions::prune_sessions;
use platform::db::customers::forget_customers;
use platform::db::idempotency_keys::prune_answers;
use platform::db::one_time_tokens::prune_one_time_tokens;
use platform::db::partition_ranges::prune_late_marks;
use platform::db::quota_leases::prune_quota_leases;
use platform::db::schedule_ticks::prune_ticks;
use platform::db::webhook_events::prune_pushes;
use platform::queue::{self, JobContext, Retention, Worker};
use sqlx::PgPool;

use crate::events;

/// Events and ticks are kept this long, for whoever looks back.
const KEPT: TimeDelta = TimeDelta::days(60);

/// A refresh token that comes again long after it expired is still known for what it is.
const SIGNED_OUT: TimeDelta = TimeDelta::days(30);

/// Who ordered is asked for while an order is handed over, and sometimes for weeks after it.
const CUSTOMERS: TimeDelta = TimeDelta::days(90);
/// Orders of one statement.
const AT_ONCE: i64 = 5_000;

/// The worker of [`Prune`].
pub fn worker(pool: PgPool, clock: SharedClock) -> impl Worker<Prune> {
    PruneWorker { pool, clock }
}

struct PruneWorker {
    pool: PgPool,
    clock: SharedClock,
}

impl Worker<Prune> for PruneWorker {
    async fn work(&self, _: Prune, _: JobContext) -> Outcome {
        match self.prune().await {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::Retry(error),
        }
    }
}

impl PruneWorker {
    async fn prune(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let before = self.clock.now() - KEPT;
        events::pruned("jobs", queue::prune(&self.pool, Retention::default()).await?);
        events::pruned("outbox", outbox::prune(&self.pool, before).await?);
        events::pruned("inbox", inbox::prune(&self.pool, before).await?);
        events::pruned("schedule_ticks", prune_ticks(&self.pool, before).await?);
        events::pruned("late_marks", prune_late_marks(&self.pool).await?);
        let now = self.clock.now();
        events::pruned("auth_sessions", prune_sessions(&self.pool, now - SIGNED_OUT).await?);
        events::pruned("one_time_tokens", prune_one_time_tokens(&self.pool, now - SIGNED_OUT).await?);
        while {
            let forgotten = forget_customers(&self.pool, now - CUSTOMERS, AT_ONCE).await?;
            events::pruned("customers", forgotten);
            forgotten > 0
        } {}
        events::pruned("webhook_events", prune_pushes(&self.pool, now - CUSTOMERS).await?);
        events::pruned("asked_jobs", prune_asked(&self.pool, now).await?);
        events::pruned("idempotency_keys", prune_answers(&self.pool, now).await?);
        events::pruned("quota_leases", prune_quota_leases(&self.pool).await?);
        Ok(())
    }
}
