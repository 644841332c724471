//! Forecast a store's business day once more, since somebody asked for it.

use domain::failure::Failure;
use domain::job::{ForecastAfresh, MadeAfresh, Outcome};
use platform::queue::{JobContext, Worker};

use super::run_nightly::open_store;
use crate::asked;
use crate::nightly::{self, Nightly};

/// The worker of [`ForecastAfresh`].
pub fn worker(nightly: Nightly) -> impl Worker<ForecastAfresh> {
    AfreshWorker(nightly)
}

struct AfreshWorker(Nightly);

impl Worker<ForecastAfresh> for AfreshWorker {
    async fn work(&self, args: ForecastAfresh, context: JobContext) -> Outcome {
        let store = match open_store(&self.0, args.store_id).await {
            Ok(store) => store,
            Err(Outcome::Cancel(reason)) => return asked::refused(&self.0, &context, &Failure::StoreClosed, reason).await,
            Err(outcome) => return outcome,
        };
        match nightly::run_anew(&self.0, &store, context.job_id).await {
            Ok(report) if report.published => {
                let made =
                    MadeAfresh { run_id: report.run_id.0, business_date: report.date, rung: report.rung, is_unchanged: report.unchanged };
                asked::done(&self.0, &context, &made).await
            }
            Ok(report) => {
                let reason = format!("{} is no better than what {} shows, which stays", report.rung, store.slug);
                asked::refused(&self.0, &context, &Failure::NothingBetter, reason).await
            }
            Err(error) if error.may_pass() => asked::failed(&self.0, &context, error).await,
            Err(error) => asked::refused(&self.0, &context, &error.failure(), error.to_string()).await,
        }
    }
}
