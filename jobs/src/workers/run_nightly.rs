//! Forecast, plan and publish one store's business day.

use std::sync::Arc;

use domain::ids::StoreId;
use domain::job::{Outcome, RunNightly};
use platform::db::stores::{StoreRow, find_store};
use platform::queue::{JobContext, Worker};

use crate::nightly::{self, Nightly};

/// The worker of [`RunNightly`].
pub fn worker(nightly: Nightly) -> impl Worker<RunNightly> {
    NightlyWorker(nightly)
}

struct NightlyWorker(Nightly);

impl Worker<RunNightly> for NightlyWorker {
    async fn work(&self, args: RunNightly, context: JobContext) -> Outcome {
        let store = match open_store(&self.0, args.store_id).await {
            Ok(store) => store,
            Err(outcome) => return outcome,
        };
        match nightly::run_for_job(&self.0, &store, args.date, context.job_id, Arc::new(|_| ())).await {
            Ok(_) => Outcome::Done,
            Err(error) if error.may_pass() => Outcome::Retry(Box::new(error)),
            // Waiting brings no sales; the next tick looks again.
            Err(error) => Outcome::Cancel(error.to_string()),
        }
    }
}

/// The store of a job, or how the job ends without one.
pub(super) async fn open_store(nightly: &Nightly, id: StoreId) -> Result<StoreRow, Outcome> {
    match find_store(&nightly.work, &id.to_string()).await {
        Ok(Some(store)) if store.is_active => Ok(store),
        Ok(Some(store)) => Err(Outcome::Cancel(format!("store {} is closed down", store.slug))),
        Ok(None) => Err(Outcome::Cancel(format!("store {id} no longer exists"))),
        Err(error) => Err(Outcome::Retry(Box::new(error))),
    }
}
