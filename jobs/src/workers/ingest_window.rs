//! Ask a source about one window.

use std::time::Duration;

use domain::job::{IngestWindow, Outcome};
use ingest::feed::Days;
use ingest::take::{TakeError, take};
use platform::queue::{JobContext, Worker};

use crate::nightly::Nightly;

/// After a wait that was asked for, so that those who waited for the same do not come at once.
const SPREAD: u64 = 5_000;

/// The worker of [`IngestWindow`].
pub fn worker(nightly: Nightly) -> impl Worker<IngestWindow> {
    WindowWorker(nightly)
}

struct WindowWorker(Nightly);

impl Worker<IngestWindow> for WindowWorker {
    async fn work(&self, args: IngestWindow, context: JobContext) -> Outcome {
        let sources = ingest::sources::all();
        let Some(source) = sources.find(&args.source) else {
            return Outcome::Cancel(format!("there is no source `{}`", args.source));
        };
        let days = Days { first: args.first_day, end: args.end_day };
        match take(self.0.workshop(), source, &args.scope, days).await {
            Ok(_) => Outcome::Done,
            Err(error) => outcome(error, &context),
        }
    }
}

/// Being told to wait is no failure of the job.
fn outcome(error: TakeError, context: &JobContext) -> Outcome {
    if let Some(wait) = error.wait() {
        let spread = u64::from_le_bytes(*context.job_id.0.as_bytes().last_chunk().unwrap_or(&[0; 8])) % SPREAD;
        return Outcome::Snooze(wait + Duration::from_millis(spread));
    }
    if error.may_pass() { Outcome::Retry(Box::new(error)) } else { Outcome::Cancel(domain::chain(&error)) }
}
