//! Ask the gateway what became of a refund, until it has ended.

use domain::job::{Outcome, PollRefund};
use payments::Payments;
use platform::queue::{JobContext, Worker};

use super::poll_payment::outcome;
use crate::nightly::Nightly;

/// The worker of [`PollRefund`].
pub fn worker(nightly: Nightly) -> impl Worker<PollRefund> {
    RefundWorker(nightly.outside.payments)
}

struct RefundWorker(Payments);

impl Worker<PollRefund> for RefundWorker {
    async fn work(&self, args: PollRefund, context: JobContext) -> Outcome {
        outcome(self.0.poll_refund(args.refund_id, &context).await)
    }
}
