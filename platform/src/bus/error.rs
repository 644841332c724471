use domain::Hint;
use domain::ids::EventId;

/// What can go wrong between a program and the bus.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    #[error("the bus could not {action}")]
    Database {
        /// What was being done, as an infinitive.
        action: &'static str,
        #[source]
        source: sqlx::Error,
    },
    #[error("event {id} in the outbox has version {version}, which no envelope can carry")]
    Version { id: EventId, version: i32 },
    #[error("consumer `{consumer}` could not handle event {id} (`{name}`)")]
    Handler {
        consumer: String,
        id: EventId,
        name: String,
        #[source]
        source: super::HandlerError,
    },
}

impl BusError {
    pub(super) fn database(action: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Database { action, source }
    }
}

impl Hint for BusError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Database { .. } => "see that the database is reachable and migrated: `viralcast doctor`".to_owned(),
            Self::Version { .. } => "a newer program wrote it: upgrade this one".to_owned(),
            Self::Handler { .. } => "the event is tried again until it succeeds; later ones of this consumer wait for it".to_owned(),
        })
    }
}
