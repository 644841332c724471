//! Forecast, plan and publish one store's business day.

use std::sync::Arc;

use domain::job::{JobArgs, Outcome, RunNightly};
use platform::db::stores::find_store;
use platform::queue::{JobContext, Worker};

use crate::nightly::{self, Nightly};

pub const KIND: &str = RunNightly::KIND;

/// The worker of [`RunNightly`].
pub fn worker(nightly: Nightly) -> impl Worker<RunNightly> {
    NightlyWorker(nightly)
}

struct NightlyWorker(Nightly);

impl Worker<RunNightly> for NightlyWorker {
    async fn work(&self, args: RunNightly, context: JobContext) -> Outcome {
        let store = match find_store(&self.0.work, &args.store_id.to_string()).await {
            Ok(Some(store)) => store,
            Ok(None) => return Outcome::Cancel(format!("store {} no longer exists", args.store_id)),
            Err(error) => return Outcome::Retry(Box::new(error)),
        };
        if !store.is_active {
            return Outcome::Cancel(format!("store {} is closed down", store.slug));
        }
        match nightly::run_for_job(&self.0, &store, args.date, context.job_id, Arc::new(|_| ())).await {
            Ok(_) => Outcome::Done,
            Err(error) if error.may_pass() => Outcome::Retry(Box::new(error)),
            // Waiting brings no sales; the next tick looks again.
            Err(error) => Outcome::Cancel(error.to_string()),
        }
    }
}
