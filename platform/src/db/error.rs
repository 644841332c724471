//! What can go wrong between us and Postgres.

/// A statement that failed, with the table and the operation it belongs to.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// A named CHECK, UNIQUE, foreign key or trigger refused the rows.
    #[error("cannot {operation}: `{table}` refuses it by its rule `{rule}`")]
    Rule {
        table: &'static str,
        operation: &'static str,
        rule: String,
        #[source]
        source: sqlx::Error,
    },
    /// The statement could not be run.
    #[error("cannot {operation} (table `{table}`)")]
    Statement {
        table: &'static str,
        operation: &'static str,
        #[source]
        source: sqlx::Error,
    },
    /// The rows handed in contradict what is stored.
    #[error("cannot {operation} (table `{table}`): {reason}")]
    Refused { table: &'static str, operation: &'static str, reason: String, hint: &'static str },
}

impl DbError {
    /// The database could not be reached, or had no connection free: the same call may succeed in a moment.
    pub fn is_unavailable(&self) -> bool {
        let (Self::Rule { source, .. } | Self::Statement { source, .. }) = self else { return false };
        match source {
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => true,
            // Class 57P: shutting down or starting up; 53300: too many connections; class 08: connection lost.
            sqlx::Error::Database(error) => {
                error.code().is_some_and(|code| code.starts_with("57P") || code.starts_with("08") || code == "53300")
            }
            _ => false,
        }
    }

    /// The name of the rule that was broken, where one was.
    pub fn rule(&self) -> Option<&str> {
        match self {
            Self::Rule { rule, .. } => Some(rule),
            _ => None,
        }
    }
}

impl domain::Hint for DbError {
    fn hint(&self) -> Option<String> {
        let general = match self {
            Self::Refused { hint, .. } => return Some((*hint).to_owned()),
            Self::Rule { .. } => "correct the value that breaks the rule and try again; nothing of this load was stored",
            Self::Statement { source, .. } => match source {
                sqlx::Error::PoolTimedOut => "the database is busy: try again, or raise the number of connections",
                sqlx::Error::Database(_) => "bring the schema up to date with `viralcast migrate`",
                _ => "see with `viralcast doctor` whether the database is reachable",
            },
        };
        Some(self.told_by_database().unwrap_or(general).to_owned())
    }
}

impl DbError {
    /// The hint that a trigger or Postgres itself gave.
    fn told_by_database(&self) -> Option<&str> {
        match self {
            Self::Rule { source, .. } | Self::Statement { source, .. } => {
                source.as_database_error()?.try_downcast_ref::<sqlx::postgres::PgDatabaseError>()?.hint()
            }
            Self::Refused { .. } => None,
        }
    }
}

/// Adds table and operation to a driver's error.
pub(crate) trait InTable<T> {
    fn in_table(self, table: &'static str, operation: &'static str) -> Result<T, DbError>;
}

impl<T> InTable<T> for Result<T, sqlx::Error> {
    fn in_table(self, table: &'static str, operation: &'static str) -> Result<T, DbError> {
        self.map_err(|source| match source.as_database_error().and_then(|error| error.constraint()).map(str::to_owned) {
            Some(rule) => DbError::Rule { table, operation, rule, source },
            None => DbError::Statement { table, operation, source },
        })
    }
}
