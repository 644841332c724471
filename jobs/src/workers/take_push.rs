//! Orders that a till has pushed become facts like those that it is asked for.

use domain::job::{Outcome, TakePush};
use ingest::take::{TakeError, take_file};
use platform::database::begin;
use platform::db::webhook_events::{close_webhook_event, fail_webhook_event, waiting_webhook_event};
use platform::queue::{JobContext, Worker};

use crate::nightly::Nightly;

/// The source that understands them.
const SOURCE: &str = "sales_http";

/// The worker of [`TakePush`].
pub fn worker(nightly: Nightly) -> impl Worker<TakePush> {
    PushWorker(nightly)
}

struct PushWorker(Nightly);

type Failed = Box<dyn std::error::Error + Send + Sync>;

impl Worker<TakePush> for PushWorker {
    async fn work(&self, args: TakePush, context: JobContext) -> Outcome {
        match self.take(&args, &context).await {
            Ok(outcome) => outcome,
            Err(error) => Outcome::Retry(error),
        }
    }
}

impl PushWorker {
    /// Storing the same orders twice stores them once, so the event may be closed after them.
    async fn take(&self, args: &TakePush, context: &JobContext) -> Result<Outcome, Failed> {
        let (pool, now) = (&self.0.work, self.0.clock.now());
        let Some(event) = waiting_webhook_event(pool, args.event_id).await? else { return Ok(Outcome::Done) };
        let Some(store_id) = event.store_id else { return Ok(Outcome::Cancel("the event names no store".to_owned())) };
        let sources = ingest::sources::all();
        let Some(source) = sources.find(SOURCE) else { return Ok(Outcome::Cancel(format!("there is no source `{SOURCE}`"))) };
        let name = format!("push {}", event.event_key);
        match take_file(self.0.workshop(), source, &store_id.to_string(), &name, event.body, event.received_at).await {
            Ok(_) => {
                let mut tx = begin(pool).await?;
                close_webhook_event(&mut *tx, args.event_id, now).await?;
                context.complete_in(&mut tx).await?;
                tx.commit().await?;
                Ok(Outcome::Done)
            }
            // The same bytes cannot be understood the next time either; they have landed, and are parsed again on demand.
            Err(error @ TakeError::Parse { .. }) => {
                let reason = domain::chain(&error);
                fail_webhook_event(pool, args.event_id, &reason).await?;
                Ok(Outcome::Cancel(reason))
            }
            Err(error) => Err(error.into()),
        }
    }
}
