//! Why a sales file was not loaded.

use domain::Hint;
use domain::event::EventError;
use platform::bus::BusError;
use platform::db::DbError;
use platform::objects::ObjectError;

use crate::source::SourceError;
use crate::tabular::{CellErrors, TabularError};

/// Why a sales file was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("no row of `{file}` could be read:{errors}")]
    NothingGood { file: String, errors: CellErrors },
    #[error("more than {most} rows of `{file}` cannot be read:{errors}")]
    TooManyBad { file: String, most: usize, errors: CellErrors },
    #[error("store `{store}` has the time zone `{zone}`, which is no IANA name")]
    Zone { store: String, zone: String },
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("cannot {action}")]
    Transaction {
        action: &'static str,
        #[source]
        source: sqlx::Error,
    },
    #[error(transparent)]
    Objects(#[from] ObjectError),
    #[error(transparent)]
    Bus(#[from] BusError),
    #[error(transparent)]
    Event(#[from] EventError),
    #[error("the options cannot be stored with the file")]
    Options(#[source] serde_json::Error),
    #[error("the facts could not be stored, so reading the file ended")]
    GivenUp,
    #[error("reading the file was interrupted")]
    Interrupted(#[source] tokio::task::JoinError),
}

impl From<TabularError> for IngestError {
    fn from(error: TabularError) -> Self {
        Self::Source(error.into())
    }
}

impl Hint for IngestError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Source(error) => error.hint(),
            Self::Db(error) => error.hint(),
            Self::Objects(error) => error.hint(),
            Self::NothingGood { .. } | Self::TooManyBad { .. } => Some(
                "are the columns the right ones? name them: `--map ds=COLUMN,product=COLUMN,y=COLUMN`, and see with `--dry-run`".to_owned(),
            ),
            Self::Zone { store, .. } => Some(format!("set the zone of `{store}` to Asia/Jakarta, Asia/Makassar or Asia/Jayapura")),
            Self::Transaction { .. } => Some("see with `viralcast doctor` whether the database is reachable".to_owned()),
            Self::Bus(_) | Self::Event(_) | Self::Options(_) | Self::GivenUp | Self::Interrupted(_) => None,
        }
    }
}
