//! Why a night could not be forecast.

use chrono::NaiveDate;
use domain::{FeatureError, Hint};
use models::ModelError;
use pipeline::PipelineError;
use platform::bus::BusError;
use platform::db::DbError;

/// A night that published nothing. What was published before stays.
#[derive(Debug, thiserror::Error)]
pub enum NightError {
    #[error("store `{store}` has no sales up to {last_day}")]
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
    #[error("no model could forecast store `{store}`")]
    Models {
        store: String,
        #[source]
        source: ModelError,
    },
    #[error("the forecasting task of store `{store}` ended abnormally: {reason}")]
    Task { store: String, reason: String },
}

impl Hint for NightError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoSales { store, .. } => format!("load its history first: viralcast ingest sales_csv FILE --store {store}"),
            Self::TimeZone { .. } => "set the store's time zone to a name such as Asia/Jakarta".to_owned(),
            Self::Database(source) => return source.hint(),
            Self::Bus(source) => return source.hint(),
            Self::Connection(_) => "see `viralcast doctor`; the night can be run again at any time".to_owned(),
            Self::Features { source, .. } => return source.hint(),
            Self::Models { source, .. } => return source.hint(),
            Self::Pipeline { source, .. } => return source.hint(),
            Self::Event(_) | Self::Task { .. } => "run it again; if it repeats, report it with the log of this run".to_owned(),
        })
    }
}
