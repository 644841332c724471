//! Judge a backfill whose partitions are all made.

use domain::job::{JudgeBackfill, Outcome};
use platform::queue::{JobContext, Worker};

use crate::backfill::{self, BackfillError, MoveError};
use crate::nightly::Nightly;

/// The worker of [`JudgeBackfill`].
pub fn worker(nightly: Nightly) -> impl Worker<JudgeBackfill> {
    JudgeBackfillWorker(nightly)
}

struct JudgeBackfillWorker(Nightly);

impl Worker<JudgeBackfill> for JudgeBackfillWorker {
    async fn work(&self, args: JudgeBackfill, _: JobContext) -> Outcome {
        match backfill::judge(&self.0, args.backfill_id).await {
            Ok(()) => Outcome::Done,
            Err(error @ BackfillError::Moved(MoveError::NotFound { .. })) => Outcome::Cancel(error.to_string()),
            Err(error) => Outcome::Retry(Box::new(error)),
        }
    }
}
