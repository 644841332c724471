//! See that a store has a plan for its business day when the deadline is near.

use domain::job::{KeepPromise, Outcome};
use platform::queue::{JobContext, Worker};

use super::run_nightly::open_store;
use crate::events;
use crate::nightly::{self, Nightly, Promise};

/// The worker of [`KeepPromise`].
pub fn worker(nightly: Nightly) -> impl Worker<KeepPromise> {
    PromiseWorker(nightly)
}

struct PromiseWorker(Nightly);

impl Worker<KeepPromise> for PromiseWorker {
    async fn work(&self, args: KeepPromise, context: JobContext) -> Outcome {
        let store = match open_store(&self.0, args.store_id).await {
            Ok(store) => store,
            Err(outcome) => return outcome,
        };
        match nightly::keep_promise(&self.0, &store, args.date, context.job_id).await {
            Ok(Promise::Kept) => Outcome::Done,
            Ok(Promise::Published(rung)) => {
                events::promise_kept(&store.slug, args.date, rung);
                Outcome::Done
            }
            Err(error) if error.may_pass() => Outcome::Retry(Box::new(error)),
            Err(error) => Outcome::Cancel(error.to_string()),
        }
    }
}
