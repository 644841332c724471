use std::time::Duration;

use lettre::transport::smtp::Error;

use super::MailError;

/// A server's refusal, as far as it may be told: its text often repeats the recipient's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it answered {code}{}", enhanced.as_ref().map(|enhanced| format!(" {enhanced}")).unwrap_or_default())]
pub struct Reply {
    /// Three digits.
    pub code: String,
    /// The finer code of RFC 3463, as in `5.1.1`.
    pub enhanced: Option<String>,
}

/// Where a conversation with a mail server broke off.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Answered(Reply),
    #[error("it offers no STARTTLS, without which neither password nor mail is sent")]
    NoTls,
    #[error("it did not answer within {} s", waited.as_secs_f32())]
    Silent { waited: Duration },
    #[error("it answered what is no SMTP, or broke off in an answer")]
    Garbled,
    #[error("the connection failed")]
    Broken(#[source] Error),
}

impl Fault {
    pub fn silent(waited: Duration) -> Self {
        Self::Silent { waited }
    }

    pub fn is_too_large(&self) -> bool {
        matches!(self, Self::Answered(reply) if reply.code == "552")
    }

    pub fn try_again(self, station: String) -> MailError {
        MailError::Transport { station, source: self.into() }
    }

    /// For good where the server says so.
    pub fn refused(self, station: String) -> MailError {
        match self {
            Self::Answered(reply) if reply.code.starts_with('5') => MailError::Refused { station, reply },
            other => other.try_again(station),
        }
    }

    pub fn maybe_sent(self, station: String) -> MailError {
        MailError::MaybeSent { station, source: self.into() }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error.status() {
            Some(code) => Self::Answered(Reply { code: code.to_string(), enhanced: enhanced(&error) }),
            None if error.is_response() => Self::Garbled,
            None => Self::Broken(error),
        }
    }
}

/// The text of a refusal is the error's source, and begins with the enhanced code if there is one.
fn enhanced(error: &Error) -> Option<String> {
    let text = std::error::Error::source(error)?.to_string();
    let first = text.split_whitespace().next()?;
    let is_code =
        first.split('.').count() == 3 && first.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    is_code.then(|| first.to_owned())
}
