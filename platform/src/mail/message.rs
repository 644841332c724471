use lettre::Message;
use lettre::message::{Mailbox, MultiPart};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::MailError;

/// One mail to one person, as plain text and as HTML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// `name@host` or `Name <name@host>`.
    pub to: String,
    /// One line.
    pub subject: String,
    pub text: String,
    pub html: String,
    /// Names this mail among all that are ever sent: who tries again with the same key sends the same mail, by its Message-ID.
    pub key: Option<String>,
}

impl Mail {
    /// As it goes over the wire, from `sender`.
    ///
    /// # Errors
    /// [`MailError::Invalid`]: among others for line breaks in the address or subject, by which someone else's text could add
    /// headers of its own.
    pub fn compose(&self, sender: &Mailbox) -> Result<Message, MailError> {
        let to = address("recipient", &self.to)?;
        single_line("subject", &self.subject)?;
        Message::builder()
            .from(sender.clone())
            .to(to)
            .subject(self.subject.clone())
            .message_id(Some(format!("<{}@{}>", self.id(), sender.email.domain())))
            .multipart(MultiPart::alternative_plain_html(self.text.clone(), self.html.clone()))
            .map_err(|error| MailError::Invalid { field: "envelope", reason: error.to_string() })
    }

    /// A hash, since a key may hold what a header may not.
    fn id(&self) -> String {
        match &self.key {
            Some(key) => hex::encode(&Sha256::digest(key)[..16]),
            None => Uuid::now_v7().simple().to_string(),
        }
    }
}

/// Parses `name@host` or `Name <name@host>`.
pub(super) fn address(field: &'static str, text: &str) -> Result<Mailbox, MailError> {
    single_line(field, text)?;
    text.parse().map_err(|error: lettre::address::AddressError| MailError::Invalid { field, reason: error.to_string() })
}

fn single_line(field: &'static str, text: &str) -> Result<(), MailError> {
    if text.chars().any(char::is_control) {
        return Err(MailError::Invalid { field, reason: "it has a line break or another control character".to_owned() });
    }
    Ok(())
}
