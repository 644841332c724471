//! Why a night could not be forecast.

use chrono::NaiveDate;
use domain::failure::Failure;
use domain::{FeatureError, Hint};
use ingest::tabular::TabularError;
use models::ModelError;
use pipeline::PipelineError;
use platform::bus::BusError;
use platform::db::DbError;
use platform::objects::ObjectError;
use platform::queue::QueueError;

use super::ladder::Refusal;

/// A night that published nothing. What was published before stays.
#[derive(Debug, thiserror::Error)]
pub enum NightError {
    #[error("store `{store}` has sold nothing in the 56 days up to {last_day}, as far as was known that night")]
    NoSales { store: String, last_day: NaiveDate },
    #[error("store `{store}` has the time zone `{zone}`, which is not an IANA name")]
    TimeZone { store: String, zone: String },
    #[error("the database failed during the night")]
    Database(#[from] DbError),
    #[error("the database connection failed during the night")]
    Connection(#[from] sqlx::Error),
    #[error("the run's event could not be recorded")]
    Bus(#[from] BusError),
    #[error("the run's event could not be written down")]
    Event(#[from] domain::event::EventError),
    #[error("the mail that tells of a plan could not be queued")]
    Queue(#[from] QueueError),
    #[error("the facts of store `{store}` make no panel")]
    Pipeline {
        store: String,
        #[source]
        source: PipelineError,
    },
    #[error("features of store `{store}` could not be made")]
    Features {
        store: String,
        #[source]
        source: FeatureError,
    },
    #[error("features of store `{store}` could not be written as a table")]
    Table {
        store: String,
        #[source]
        source: TabularError,
    },
    #[error("no model could forecast store `{store}`")]
    Models {
        store: String,
        #[source]
        source: ModelError,
    },
    #[error("store `{store}` has no earlier models to forecast with: {reason}")]
    NoLastModel { store: String, reason: String },
    #[error("there is no store {id}")]
    NoStore { id: String },
    #[error("models of store `{store}` were not fitted by its deadline")]
    Late { store: String },
    #[error("no new forecast of store `{store}` passed its gates: {}", refused.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Refused { store: String, refused: Vec<Refusal> },
    #[error("kept models could not be read or written")]
    Objects(#[from] ObjectError),
    #[error("no forecast of store `{store}` passed its gates: `{gate}` says {detail}")]
    Gates { store: String, gate: String, detail: String },
    #[error("the forecasting task of store `{store}` ended abnormally: {reason}")]
    Task { store: String, reason: String },
}

/// Why models could not be kept or read back.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    #[error("the models could not be packed or unpacked")]
    Packing(#[from] std::io::Error),
    #[error("the kept models are not what this version of the program writes")]
    Format(#[from] serde_json::Error),
}

impl NightError {
    /// Whether the same run was finished by someone else meanwhile.
    pub(super) fn came_second(&self) -> bool {
        matches!(self, Self::Database(error) if error.rule() == Some("one_finished_run_per_input"))
    }

    /// As whoever asked for it reads it.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::NoSales { last_day, .. } => Failure::NoSales { last_day: *last_day },
            Self::NoStore { .. } => Failure::StoreClosed,
            Self::TimeZone { .. } => Failure::NoTimeZone,
            Self::Gates { .. } | Self::Refused { .. } => Failure::NothingBetter,
            _ => Failure::Internal,
        }
    }

    /// Whether trying again without any change can help.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        !matches!(self, Self::NoStore { .. } | Self::NoSales { .. } | Self::TimeZone { .. } | Self::Gates { .. } | Self::Pipeline { .. })
    }
}

impl Hint for NightError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoSales { store, .. } => {
                format!("load its sales: viralcast ingest sales_csv FILE --store {store}; for days long past give --date")
            }
            Self::NoStore { .. } => "`viralcast store list` shows those that there are".to_owned(),
            Self::TimeZone { .. } => "set the store's time zone to a name such as Asia/Jakarta".to_owned(),
            Self::Database(source) => return source.hint(),
            Self::Bus(source) => return source.hint(),
            Self::Queue(source) => return source.hint(),
            Self::Objects(source) => return source.hint(),
            Self::Connection(_) => "see `viralcast doctor`; the night can be run again at any time".to_owned(),
            Self::Features { source, .. } => return source.hint(),
            Self::Models { source, .. } => return source.hint(),
            Self::Pipeline { source, .. } => return source.hint(),
            Self::NoLastModel { .. } => "run a night first: its models are kept".to_owned(),
            Self::Gates { .. } | Self::Refused { .. } => {
                "what was published before stays; look for a gap in the sales of the last weeks".to_owned()
            }
            Self::Event(_) | Self::Table { .. } | Self::Task { .. } | Self::Late { .. } => {
                "run it again; if it repeats, report it with the log of this run".to_owned()
            }
        })
    }
}
