use std::time::Duration;

use domain::Hint;

use super::Api;

/// Why the gateway has not done what it was asked for, or may not have.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    #[error("the payment gateway cannot be asked: the HTTP client cannot be set up")]
    Client(#[source] reqwest::Error),
    /// It is sure that nothing happened, and that asking again unchanged is useless.
    #[error("the payment gateway refuses to {doing}: {code} ({status})")]
    Refused { doing: &'static str, status: u16, code: String },
    /// It is sure that nothing happened.
    #[error("the payment gateway cannot {doing} now: {code}")]
    TryLater { doing: &'static str, code: String, wait: Option<Duration> },
    /// The question was sent and no answer was understood: whether it was followed, nobody knows.
    #[error("the payment gateway did not answer whether it could {doing}")]
    MayHaveHappened {
        doing: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("the gateway's API `{}` cannot {doing}", .api.as_str())]
    Unsupported { api: Api, doing: &'static str },
}

impl GatewayError {
    /// When to ask again, where it is known.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::TryLater { wait, .. } => *wait,
            _ => None,
        }
    }

    /// The gateway's own word for it.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Refused { code, .. } | Self::TryLater { code, .. } => code,
            Self::MayHaveHappened { .. } => "NO_ANSWER",
            Self::Unsupported { .. } => "UNSUPPORTED",
            Self::Client(_) => "NO_CLIENT",
        }
    }

    /// There is no such thing at the gateway.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }
}

impl Hint for GatewayError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Client(_) => "install the certificates of your system (ca-certificates)",
            Self::Refused { status: 401, .. } => "check XENDIT_SECRET_KEY; test and live keys see different payments",
            Self::Refused { code, .. } => match code.as_str() {
                "INVALID_MERCHANT_SETTINGS" => "activate QRIS in the dashboard of Xendit",
                "REFUND_NOT_SUPPORTED" => "the customer's app takes no money back: pay it back in cash",
                "INSUFFICIENT_BALANCE" => "top up the balance at Xendit, then ask again",
                "INELIGIBLE_TRANSACTION_STATUS" => "QRIS gives money back within seven days, and only what was paid",
                _ => "the dashboard of Xendit tells more",
            },
            Self::TryLater { .. } => "try again in a moment",
            Self::MayHaveHappened { .. } => "wait: what became of it is found out by itself, and asking twice could move money twice",
            Self::Unsupported { .. } => "wait until the code expires",
        };
        Some(hint.to_owned())
    }
}
