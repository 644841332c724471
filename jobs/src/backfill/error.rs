use domain::Hint;
use platform::db::DbError;
use platform::queue::QueueError;
use uuid::Uuid;

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
    #[error("there is no backfill {id}")]
    NotFound { id: Uuid },
    #[error("backfill {id} is {state} and can't be {wanted}")]
    State { id: Uuid, state: String, wanted: &'static str },
    #[error("facts of `{asset}` are there for good: each says when it became known")]
    NoShadow { asset: String },
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
            Self::NotFound { .. } => "`viralcast backfill status` lists them".to_owned(),
            Self::State { state, .. } => match state.as_str() {
                "refused" => "its gates have not passed: `viralcast backfill status ID` says which; mend and start another".to_owned(),
                "running" => "wait until it is ready, or pause or cancel it".to_owned(),
                "ready" => "publish it, or start another".to_owned(),
                "published" => "it can be rolled back".to_owned(),
                _ => "start another one".to_owned(),
            },
            Self::NoShadow { .. } => "correct what is wrong at its source; a later telling takes its place".to_owned(),
            Self::Database(source) => return source.hint(),
            Self::Night(source) => return source.hint(),
            Self::Queue(source) => return source.hint(),
            Self::Connection(_) => "see `viralcast doctor`".to_owned(),
        })
    }
}
