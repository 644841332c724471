//! Why a forecast could not be made.

use domain::{FeatureError, Hint, Ordinal};

/// Errors of fitting, predicting and evaluating.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("the panel has no observation at or before period {cutoff}")]
    EmptyPanel { cutoff: Ordinal },
    #[error("the horizon is zero steps")]
    NoHorizon,
    #[error("no backtest window was asked for")]
    NoWindows,
    #[error("`{model}` needs {needed} training rows, the panel has {found} as of period {cutoff}")]
    TooFewRows { model: &'static str, needed: usize, found: usize, cutoff: Ordinal },
    #[error("features as of period {cutoff} could not be made")]
    Features {
        cutoff: Ordinal,
        #[source]
        source: FeatureError,
    },
    #[error("`{model}` could not be fitted as of period {cutoff}")]
    Fit {
        model: &'static str,
        cutoff: Ordinal,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("the matrix to predict from has no column `{column}`, which `{model}` was fitted on")]
    MissingColumn { model: &'static str, column: String },
    #[error("the artifact of `{model}` could not be {action}")]
    Artifact {
        model: String,
        action: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("no forecaster is called `{name}`; there are {known}")]
    UnknownForecaster { name: String, known: String },
}

impl ModelError {
    /// Whether the model may be left out, the others going on: too little data, not a broken source.
    #[must_use]
    pub fn leaves_out_the_model(&self) -> bool {
        matches!(self, Self::TooFewRows { .. } | Self::Fit { .. })
    }
}

impl Hint for ModelError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::EmptyPanel { .. } => {
                Some("check that the target column holds numbers and that the cutoff is not before the first row".into())
            }
            Self::NoHorizon => Some("ask for a horizon of at least 1".into()),
            Self::NoWindows => Some("ask for at least one window".into()),
            Self::TooFewRows { .. } => Some("give more history, or let `seasonal_naive` do it".into()),
            Self::Features { source, .. } => source.hint(),
            Self::MissingColumn { .. } => Some("fit again: the panel's columns have changed since the artifact was made".into()),
            Self::Fit { .. } | Self::Artifact { .. } | Self::UnknownForecaster { .. } => None,
        }
    }
}
