//! Ask the gateway what became of a payment, until it has ended.

use domain::job::{Outcome, PollPayment};
use payments::{Next, PaymentError, Payments};
use platform::queue::{JobContext, Worker};

use crate::nightly::Nightly;

/// The worker of [`PollPayment`].
pub fn worker(nightly: Nightly) -> impl Worker<PollPayment> {
    PaymentWorker(nightly.outside.payments)
}

struct PaymentWorker(Payments);

impl Worker<PollPayment> for PaymentWorker {
    async fn work(&self, args: PollPayment, context: JobContext) -> Outcome {
        outcome(self.0.poll(args.payment_id, args.once, &context).await)
    }
}

/// A gateway that says when it can be asked again is no failure of the job.
pub(super) fn outcome(next: Result<Next, PaymentError>) -> Outcome {
    match next {
        Ok(Next::Done) => Outcome::Done,
        Ok(Next::Again(wait)) => Outcome::Snooze(wait),
        Ok(Next::GiveUp(why)) => Outcome::Cancel(why),
        Err(error) => match error.wait() {
            Some(wait) => Outcome::Snooze(wait),
            None => Outcome::Retry(error.into()),
        },
    }
}
