//! Forecast, plan and publish one store's business day.

use std::sync::Arc;

use domain::job::{JobArgs, Outcome, RunNightly};
use platform::db::stores::find_store;
use platform::queue::{JobContext, Worker};

use crate::nightly::{self, NightError, Nightly};

pub const KIND: &str = RunNightly::KIND;

/// The worker of [`RunNightly`].
pub fn worker(nightly: Nightly) -> impl Worker<RunNightly> {
    NightlyWorker(nightly)
}

struct NightlyWorker(Nightly);

impl Worker<RunNightly> for NightlyWorker {
    async fn work(&self, args: RunNightly, _context: JobContext) -> Outcome {
        let store = match find_store(&self.0.work, &args.store_id.to_string()).await {
            Ok(Some(store)) => store,
            Ok(None) => return Outcome::Cancel(format!("store {} no longer exists", args.store_id)),
            Err(error) => return Outcome::Retry(Box::new(error)),
        };
        match nightly::run(&self.0, &store, args.date, Arc::new(|_| ())).await {
            Ok(report) => {
                metrics::counter!("nightly_runs_total", "rung" => report.rung.as_str()).increment(1);
                tracing::info!(
                    store.slug = %report.store, run.id = %report.run_id, rung = %report.rung, rows_written = report.rows,
                    unchanged = report.unchanged, duration_ms = (report.seconds * 1000.0) as u64,
                    "published the night of {} for {}", report.date, report.store
                );
                Outcome::Done
            }
            // Waiting does not bring sales; the next tick looks again.
            Err(error @ NightError::NoSales { .. }) => Outcome::Cancel(error.to_string()),
            Err(error) => Outcome::Retry(Box::new(error)),
        }
    }
}
