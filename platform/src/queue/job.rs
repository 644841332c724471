use std::time::Duration;

use domain::ids::JobId;
use domain::job::Lane;
use serde::{Deserialize, Serialize};

/// Where a job is in its life; see the migration for the state machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Available,
    Scheduled,
    Running,
    Retryable,
    Completed,
    Cancelled,
    /// A dead letter: its attempts are used.
    Discarded,
}

impl State {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Scheduled => "scheduled",
            Self::Running => "running",
            Self::Retryable => "retryable",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Discarded => "discarded",
        }
    }

    /// `None` for a state of a newer program.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Available, Self::Scheduled, Self::Running, Self::Retryable, Self::Completed, Self::Cancelled, Self::Discarded]
            .into_iter()
            .find(|state| state.as_str() == text)
    }

    /// Whether nothing more will happen to the job by itself.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled | Self::Discarded)
    }
}

/// The right to work on a job, until its lease expires. Every claim has a higher token than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lease {
    pub id: JobId,
    pub token: i64,
}

/// A claimed job.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    pub lease: Lease,
    pub kind: String,
    pub args: serde_json::Value,
    pub lane: Lane,
    /// This attempt, from 1.
    pub attempt: u16,
    pub max_attempts: u16,
    /// W3C trace id of what caused the job.
    pub trace_id: Option<String>,
    /// Whether the row stays when it is completed.
    pub is_kept: bool,
    /// From when it was due to the claim.
    pub waited: Duration,
    /// In its lane: smaller is claimed first.
    pub place: f64,
}
