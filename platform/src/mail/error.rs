use domain::Hint;

/// Why a mail was not sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The text itself is left out: an address is personal data.
    #[error("the mail's {field} is not valid: {reason}")]
    Invalid { field: &'static str, reason: String },
    #[error("the mail could not be handed over to {station}")]
    Transport {
        /// A folder or a mail server.
        station: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Hint for MailError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Invalid { field, .. } => format!("correct the {field}; sending again as it is fails again"),
            Self::Transport { station, .. } => format!("see that {station} is there and writable: `viralcast doctor`"),
        })
    }
}
