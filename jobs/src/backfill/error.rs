use domain::Hint;
use platform::backfills::MoveError;
use platform::db::DbError;
use platform::queue::QueueError;

use crate::nightly::NightError;

/// A backfill that could not be planned, started or changed.
#[derive(Debug, thiserror::Error)]
pub enum BackfillError {
    #[error("there is no asset `{name}`; there are {known}")]
    UnknownAsset { name: String, known: String },
    #[error("there is no store or other scope `{name}` to make anything for")]
    UnknownScope { name: String },
    #[error("{from} is not before {to}")]
    EmptyRange { from: chrono::NaiveDate, to: chrono::NaiveDate },
    #[error(transparent)]
    Moved(#[from] MoveError),
    #[error("the database failed")]
    Database(#[from] DbError),
    #[error("the database connection failed")]
    Connection(#[from] sqlx::Error),
    #[error("its jobs could not be queued")]
    Queue(#[from] QueueError),
    #[error("a partition could not be made")]
    Night(#[from] NightError),
}

impl Hint for BackfillError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::UnknownAsset { .. } => "name one of these".to_owned(),
            Self::UnknownScope { .. } => {
                "give slug or id of a store, or region or province of a source; without --store all are meant".to_owned()
            }
            Self::EmptyRange { .. } => "--to is the last day that is made".to_owned(),
            Self::Moved(source) => return source.hint(),
            Self::Database(source) => return source.hint(),
            Self::Night(source) => return source.hint(),
            Self::Queue(source) => return source.hint(),
            Self::Connection(_) => "see `viralcast doctor`".to_owned(),
        })
    }
}
