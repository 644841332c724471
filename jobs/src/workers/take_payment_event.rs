//! What the payment gateway has told changes payments and orders, once the gateway has confirmed it.

use domain::job::{Outcome, TakePaymentEvent};
use payments::Payments;
use platform::queue::{JobContext, Worker};

use super::poll_payment::outcome;
use crate::nightly::Nightly;

/// The worker of [`TakePaymentEvent`].
pub fn worker(nightly: Nightly) -> impl Worker<TakePaymentEvent> {
    EventWorker(nightly.outside.payments)
}

struct EventWorker(Payments);

impl Worker<TakePaymentEvent> for EventWorker {
    async fn work(&self, args: TakePaymentEvent, context: JobContext) -> Outcome {
        outcome(self.0.take(args.event_id, &context).await)
    }
}
