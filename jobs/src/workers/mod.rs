//! Every worker, one file each: the code of a kind of job whose arguments are in `domain::job`.

mod add_up_orders;
mod fill_partitions;
mod forecast_afresh;
mod ingest_source;
mod ingest_window;
mod judge_backfill;
mod keep_promise;
mod mail_link;
mod mail_news;
mod poll_payment;
mod poll_refund;
mod prune;
mod reconcile_payments;
mod replan;
mod run_nightly;
mod suppose;
mod take_payment_event;
mod take_push;
mod take_sales_files;

use domain::job::{
    AddUpOrders, FillPartitions, ForecastAfresh, IngestSource, IngestWindow, JobArgs, JudgeBackfill, KeepPromise, MailLink, MailNews,
    PollPayment, PollRefund, Prune, ReconcilePayments, Replan, RunNightly, Suppose, TakePaymentEvent, TakePush, TakeSalesFiles,
};
use platform::queue::{EnqueueOptions, NewJob, Workers};

use crate::nightly::Nightly;

/// All workers of this program.
#[must_use]
pub fn all(nightly: &Nightly) -> Workers {
    Workers::new()
        .add(run_nightly::worker(nightly.clone()))
        .add(keep_promise::worker(nightly.clone()))
        .add(forecast_afresh::worker(nightly.clone()))
        .add(replan::worker(nightly.clone()))
        .add(suppose::worker(nightly.clone()))
        .add(fill_partitions::worker(nightly.clone()))
        .add(judge_backfill::worker(nightly.clone()))
        .add(add_up_orders::worker(nightly.clone()))
        .add(ingest_source::worker(nightly.clone()))
        .add(ingest_window::worker(nightly.clone()))
        .add(take_push::worker(nightly.clone()))
        .add(take_sales_files::worker(nightly.clone()))
        .add(mail_link::worker(nightly.clone()))
        .add(mail_news::worker(nightly.clone()))
        .add(take_payment_event::worker(nightly.clone()))
        .add(poll_payment::worker(nightly.clone()))
        .add(poll_refund::worker(nightly.clone()))
        .add(reconcile_payments::worker(nightly.clone()))
        .add(prune::worker(nightly.work.clone(), nightly.clock.clone()))
}

pub use keep_promise::worker as keep_promise;
pub use mail_link::worker as mail_link;
pub use mail_news::worker as mail_news;

/// Kinds that schedules and operators may name.
pub const KINDS: [Kind; 19] = [
    Kind::of::<RunNightly>(),
    Kind::of::<KeepPromise>(),
    Kind::of::<ForecastAfresh>(),
    Kind::of::<Replan>(),
    Kind::of::<Suppose>(),
    Kind::of::<FillPartitions>(),
    Kind::of::<JudgeBackfill>(),
    Kind::of::<AddUpOrders>(),
    Kind::of::<IngestSource>(),
    Kind::of::<IngestWindow>(),
    Kind::of::<TakePush>(),
    Kind::of::<TakeSalesFiles>(),
    Kind::of::<MailLink>(),
    Kind::of::<MailNews>(),
    Kind::of::<TakePaymentEvent>(),
    Kind::of::<PollPayment>(),
    Kind::of::<PollRefund>(),
    Kind::of::<ReconcilePayments>(),
    Kind::of::<Prune>(),
];

/// A kind of job by its name.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    pub name: &'static str,
    make: fn(serde_json::Value, EnqueueOptions) -> Result<NewJob, KindError>,
}

/// Arguments that do not fit a kind.
#[derive(Debug, thiserror::Error)]
pub enum KindError {
    #[error("the arguments do not fit")]
    Arguments(#[from] serde_json::Error),
    #[error("the job can't be made")]
    Queue(#[from] platform::queue::QueueError),
}

impl Kind {
    /// The kind of these arguments.
    #[must_use]
    pub const fn of<A: JobArgs>() -> Self {
        Self { name: A::KIND, make: |args, options| Ok(NewJob::of(&serde_json::from_value::<A>(args)?, options)?) }
    }

    /// A job with these arguments.
    ///
    /// # Errors
    /// [`KindError`] if they do not fit.
    pub fn job(self, args: serde_json::Value, options: EnqueueOptions) -> Result<NewJob, KindError> {
        (self.make)(args, options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_worker_and_every_file_is_registered() {
        let folder = std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where") + "/src/workers";
        let files = std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path());
        let mut names: Vec<String> = files.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
        names.retain(|name| name != "mod");
        names.sort();
        let mut kinds = KINDS.map(|kind| kind.name.to_owned());
        kinds.sort();
        assert_eq!(names, kinds);
    }
}
