//! Make the plan of what is published again: somebody has put a number in the place of a forecast.

use domain::failure::Failure;
use domain::job::{MadeAgain, Outcome, Replan};
use platform::database::begin;
use platform::db::asked_jobs::{keep_failure, keep_result};
use platform::db::stores::StoreRow;
use platform::queue::{JobContext, Worker};
use serde_json::json;

use super::run_nightly::open_store;
use crate::asked;
use crate::nightly::{self, NightError, Nightly};

/// The worker of [`Replan`].
pub fn worker(nightly: Nightly) -> impl Worker<Replan> {
    ReplanWorker(nightly)
}

struct ReplanWorker(Nightly);

impl Worker<Replan> for ReplanWorker {
    async fn work(&self, args: Replan, context: JobContext) -> Outcome {
        let store = match open_store(&self.0, args.store_id).await {
            Ok(store) => store,
            Err(Outcome::Cancel(reason)) => return asked::refused(&self.0, &context, &Failure::StoreClosed, reason).await,
            Err(outcome) => return outcome,
        };
        match self.plan(&store, &context).await {
            Ok(()) => Outcome::Done,
            Err(error) if error.may_pass() => asked::failed(&self.0, &context, error).await,
            Err(error) => asked::refused(&self.0, &context, &error.failure(), error.to_string()).await,
        }
    }
}

impl ReplanWorker {
    /// The plan and the end of the job commit together: whoever changes an override meanwhile waits, and then finds no job that has
    /// read the numbers already and would swallow theirs.
    async fn plan(&self, store: &StoreRow, context: &JobContext) -> Result<(), NightError> {
        let (now, id) = (self.0.clock.now(), context.job_id.0);
        let mut tx = begin(&self.0.work).await?;
        match nightly::replan(&mut tx, store, now).await? {
            Some(made) => keep_result(&mut *tx, id, &json!(MadeAgain { run_id: made.run_id }), now).await?,
            None => keep_failure(&mut *tx, id, &Failure::NothingPublished, now).await?,
        }
        context.complete_in(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }
}
