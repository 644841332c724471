use domain::Hint;

use super::Reply;

/// Why a mail was not sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The text itself is left out: an address is personal data.
    #[error("the mail's {field} is not valid: {reason}")]
    Invalid { field: &'static str, reason: String },
    /// The mail server will not take this mail, whenever it is asked: no such address, too large, unwanted.
    #[error("{station} refused the mail")]
    Refused {
        station: String,
        #[source]
        reply: Reply,
    },
    /// The connection was lost between the whole mail and the reply to it.
    #[error("{station} got the whole mail but did not say whether it took it")]
    MaybeSent {
        station: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("the mail could not be handed over to {station}")]
    Transport {
        /// A folder or a mail server.
        station: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl MailError {
    /// Whether sending the same mail again may do better. After [`MailError::MaybeSent`] it may arrive twice, under one Message-ID if it has a
    /// [`super::Mail::key`].
    #[must_use]
    pub fn is_worth_another_try(&self) -> bool {
        match self {
            Self::Invalid { .. } | Self::Refused { .. } => false,
            Self::MaybeSent { .. } | Self::Transport { .. } => true,
        }
    }
}

impl Hint for MailError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Invalid { field, .. } => format!("correct the {field}; sending again as it is fails again"),
            Self::Refused { .. } => "see that the address is right and the mail not too large; sending it again fails again".to_owned(),
            Self::MaybeSent { .. } => "send it again under the same key: most mailboxes show a Message-ID once".to_owned(),
            Self::Transport { station, .. } => format!("see that {station} is there and lets us in: `viralcast doctor`"),
        })
    }
}
