//! Mail: written to a folder by default, one `.eml` file each that any mail program opens; or handed to a server over SMTP.

mod error;
mod events;
mod fault;
mod folder;
mod message;
mod server;
mod smtp;
pub mod testing;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

use crate::config::MailConfig;

pub use error::MailError;
pub use fault::Reply;
pub use folder::FolderMailer;
pub use message::Mail;
pub(crate) use server::MailServer;
pub use smtp::SmtpMailer;

/// The mailer that the settings name: an SMTP server, or `folder`.
///
/// # Errors
/// [`MailError::Invalid`] if the sender or the server makes no sense.
pub fn open(config: &MailConfig, folder: &Path) -> Result<Arc<dyn Mailer>, MailError> {
    Ok(match &config.smtp_url {
        Some(url) => Arc::new(SmtpMailer::new(url, &config.from)?),
        None => Arc::new(FolderMailer::new(folder, &config.from)?),
    })
}

/// Sends mail.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Returns when the next station has taken the mail over. Sending the same mail twice is two mails; if it has a [`Mail::key`], they have one
    /// Message-ID.
    ///
    /// # Errors
    /// [`MailError::Invalid`] for an address or subject that no mail can carry, [`MailError::Refused`] for what the station will never take:
    /// trying again is useless. [`MailError::MaybeSent`] if only the reply is missing. [`MailError::Transport`] otherwise: try again.
    async fn send(&self, mail: &Mail) -> Result<(), MailError>;
}
