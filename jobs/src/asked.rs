//! How jobs end that somebody of a store asked for and waits for: with a result, or with words about why there is none.

use std::error::Error;

use domain::failure::Failure;
use domain::job::Outcome;
use platform::db::asked_jobs::{keep_failure, keep_result};
use platform::queue::JobContext;
use serde::Serialize;

use crate::nightly::Nightly;

/// Keeps what came of the job.
pub(crate) async fn done(nightly: &Nightly, context: &JobContext, result: &impl Serialize) -> Outcome {
    let kept = match serde_json::to_value(result) {
        Ok(result) => keep_result(&nightly.work, context.job_id.0, &result, nightly.clock.now()).await,
        Err(error) => return Outcome::Retry(Box::new(error)),
    };
    kept.map_or_else(|error| Outcome::Retry(Box::new(error)), |()| Outcome::Done)
}

/// Ends the job without a result that trying again could bring.
pub(crate) async fn refused(nightly: &Nightly, context: &JobContext, failure: &Failure, reason: String) -> Outcome {
    match keep_failure(&nightly.work, context.job_id.0, failure, nightly.clock.now()).await {
        Ok(()) => Outcome::Cancel(reason),
        Err(error) => Outcome::Retry(Box::new(error)),
    }
}

/// Lets the queue try again; whoever waits hears of it when the last attempt has failed.
pub(crate) async fn failed(nightly: &Nightly, context: &JobContext, error: impl Error + Send + Sync + 'static) -> Outcome {
    if context.attempt >= context.max_attempts
        && let Err(also) = keep_failure(&nightly.work, context.job_id.0, &Failure::Internal, nightly.clock.now()).await
    {
        // The job's own error is the one to tell; it will be found dead.
        tracing::warn!(job.id = %context.job_id, error = &also as &dyn Error, "the end of job {} could not be noted", context.job_id);
    }
    Outcome::Retry(Box::new(error))
}
