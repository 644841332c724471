//! Hold our books of payments against the gateway's.

use domain::job::{Outcome, ReconcilePayments};
use payments::{PaymentError, Payments};
use platform::queue::{JobContext, Worker};

use crate::nightly::Nightly;

/// The worker of [`ReconcilePayments`].
pub fn worker(nightly: Nightly) -> impl Worker<ReconcilePayments> {
    BooksWorker(nightly.outside.payments)
}

struct BooksWorker(Payments);

impl Worker<ReconcilePayments> for BooksWorker {
    async fn work(&self, _: ReconcilePayments, _: JobContext) -> Outcome {
        match self.0.reconcile().await {
            // Where no payments can be made there are no books.
            Ok(_) | Err(PaymentError::NotConfigured) => Outcome::Done,
            Err(error) => Outcome::Retry(error.into()),
        }
    }
}
