//! Make partitions of a backfill in one scope for a while.

use domain::job::{FillPartitions, Outcome};
use platform::queue::{JobContext, Worker};

use crate::backfill;
use crate::nightly::Nightly;

/// The worker of [`FillPartitions`].
pub fn worker(nightly: Nightly) -> impl Worker<FillPartitions> {
    FillPartitionsWorker(nightly)
}

struct FillPartitionsWorker(Nightly);

impl Worker<FillPartitions> for FillPartitionsWorker {
    async fn work(&self, args: FillPartitions, context: JobContext) -> Outcome {
        backfill::fill(&self.0, args.backfill_id, &args.scope, &context).await
    }
}
