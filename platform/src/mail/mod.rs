//! Mail: written to a folder by default, one `.eml` file each that any mail program opens.

mod error;
mod folder;
mod message;
pub mod testing;

use async_trait::async_trait;

pub use error::MailError;
pub use folder::FolderMailer;
pub use message::Mail;

/// Sends mail.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Returns when the next station has taken the mail over. Sending the same mail twice is two mails.
    ///
    /// # Errors
    /// [`MailError::Invalid`] for an address or subject that no mail can carry: trying again is useless.
    /// [`MailError::Transport`] otherwise: try again.
    async fn send(&self, mail: &Mail) -> Result<(), MailError>;
}
