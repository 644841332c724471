//! What can go wrong while defining, simulating or writing the demo world.

use std::path::PathBuf;

use chrono::NaiveDate;

/// Errors of the demo world; each names the file or value and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// One of the TOML files cannot be read as what it should be.
    #[error("demo world file `{file}` does not parse: fix the line named below")]
    Parse {
        /// The file under `data/demo`.
        file: &'static str,
        /// The reason with line and column.
        #[source]
        source: toml::de::Error,
    },
    /// A name or number in the definition has no meaning.
    #[error("demo world definition: {what}; correct it in `{file}`")]
    Definition {
        /// The file under `data/demo`.
        file: &'static str,
        /// What is wrong and where.
        what: String,
    },
    /// `today` lies outside the years whose holidays are written down.
    #[error("cannot simulate up to {today}: choose a day from {first} to {last}, or extend `calendar.toml`")]
    UnsupportedDay {
        /// The requested day.
        today: NaiveDate,
        /// The first day that works.
        first: NaiveDate,
        /// The last day that works.
        last: NaiveDate,
    },
    /// A file of the demo world could not be written.
    #[error("cannot write `{path}`: check that the folder is writable and has space")]
    Write {
        /// The file.
        path: PathBuf,
        /// The reason.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl WorldError {
    pub(crate) fn definition(file: &'static str, what: impl Into<String>) -> Self {
        WorldError::Definition { file, what: what.into() }
    }
}
