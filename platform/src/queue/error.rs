use domain::Hint;
use domain::ids::JobId;

/// What can go wrong between a program and the queue.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    #[error("the queue could not {action}")]
    Database {
        /// What was being done, as an infinitive.
        action: &'static str,
        #[source]
        source: sqlx::Error,
    },
    #[error("the queue could not complete a job: {reason}")]
    NotCompleted { reason: String },
    #[error("the arguments of job kind `{kind}` have no JSON form")]
    Arguments {
        kind: &'static str,
        #[source]
        source: serde_json::Error,
    },
    #[error("attempt of job {id} no longer holds its lease (token {token}); another worker may have it")]
    LeaseLost { id: JobId, token: i64 },
    #[error("job kind `{kind}` is registered twice")]
    DuplicateKind { kind: &'static str },
    #[error("a `{kind}` job with unique key `{key}` was finished and enqueued by others again and again")]
    Contended { kind: &'static str, key: String },
    #[error("job {id} does not exist")]
    NotFound { id: JobId },
    #[error("job {id} has state `{state}`, which this program does not know")]
    UnknownState { id: JobId, state: String },
    #[error("the worker framework stopped")]
    Monitor(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl QueueError {
    pub(super) fn database(action: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Database { action, source }
    }
}

impl Hint for QueueError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Database { .. } | Self::NotCompleted { .. } => {
                Some("see that the database is reachable and migrated: `viralcast doctor`".to_owned())
            }
            Self::Arguments { .. } => Some("give the arguments only types that serde can write as JSON".to_owned()),
            Self::LeaseLost { .. } => Some("drop what this attempt was about to write; the job runs again elsewhere".to_owned()),
            Self::DuplicateKind { kind } => Some(format!("register one worker for `{kind}`")),
            Self::Contended { .. } => Some("try again".to_owned()),
            Self::NotFound { .. } => Some("list jobs with `viralcast queue stats` or `viralcast dead list`".to_owned()),
            Self::UnknownState { .. } => Some("this program is older than the database: upgrade it".to_owned()),
            Self::Monitor(_) => Some("start the workers again; unfinished jobs are picked up by themselves".to_owned()),
        }
    }
}
