//! What the engine may spend.

use serde::{Deserialize, Serialize};

/// How a forecast is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineConfig {
    /// Steps to forecast.
    pub horizon: u16,
    /// Seasonal period in steps; 1 for none.
    pub season: u16,
    pub effort: Effort,
    pub seed: u64,
    /// Forecasters to enter, by name, beside the baseline; empty for all that the effort pays for.
    pub models: Vec<String>,
    /// Folds in memory at a time.
    pub parallel_folds: usize,
}

/// Folds in memory at a time, unless told otherwise: enough for two cores, one matrix each.
const PARALLEL_FOLDS: usize = 2;

impl EngineConfig {
    #[must_use]
    pub fn new(horizon: u16, season: u16) -> Self {
        Self { horizon, season: season.max(1), effort: Effort::default(), seed: 0, models: Vec::new(), parallel_folds: PARALLEL_FOLDS }
    }

    #[must_use]
    pub fn with_effort(self, effort: Effort) -> Self {
        Self { effort, ..self }
    }

    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    #[must_use]
    pub fn with_models(self, models: Vec<String>) -> Self {
        Self { models, ..self }
    }
}

/// Accuracy against time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    Fast,
    #[default]
    Normal,
    Max,
}

/// What an [`Effort`] buys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget {
    /// Feature rows per step group.
    pub rows: usize,
    /// Of them, rows that a fold in the past fits its models across series to.
    pub fold_rows: usize,
    /// Past folds at least (history permitting) and at most.
    pub folds: (usize, usize),
}

/// Errors that calibration should rest on; small panels get more folds to reach it.
pub(crate) const WANTED_ERRORS: usize = 4_500;

impl Effort {
    pub(crate) fn budget(self) -> Budget {
        match self {
            Self::Fast => Budget { rows: 60_000, fold_rows: 20_000, folds: (2, 4) },
            Self::Normal => Budget { rows: 150_000, fold_rows: 40_000, folds: (3, 10) },
            Self::Max => Budget { rows: 1_000_000, fold_rows: 250_000, folds: (5, 12) },
        }
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Normal => "normal",
            Self::Max => "max",
        }
    }
}

impl std::fmt::Display for Effort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Effort {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = [Self::Fast, Self::Normal, Self::Max];
        known.into_iter().find(|effort| effort.as_str() == text).ok_or_else(|| format!("`{text}` is not fast, normal or max"))
    }
}
