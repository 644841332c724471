use std::path::{Path, PathBuf};

use async_trait::async_trait;
use lettre::message::Mailbox;
use lettre::{AsyncFileTransport, AsyncTransport, Tokio1Executor};

use super::message::address;
use super::{Mail, MailError, Mailer};

/// The embedded mailer: one `.eml` file per mail.
#[derive(Debug, Clone)]
pub struct FolderMailer {
    folder: PathBuf,
    sender: Mailbox,
}

impl FolderMailer {
    /// `sender` as in `Viral Cast <noreply@example.id>`. The folder is made with the first mail.
    ///
    /// # Errors
    /// [`MailError::Invalid`] if `sender` is no address.
    pub fn new(folder: &Path, sender: &str) -> Result<Self, MailError> {
        Ok(Self { folder: folder.to_owned(), sender: address("sender", sender)? })
    }
}

#[async_trait]
impl Mailer for FolderMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = mail.compose(&self.sender)?;
        // Written aside and then moved, so that whoever watches the folder never opens half a mail.
        let aside = self.folder.join(".unfinished");
        tokio::fs::create_dir_all(&aside).await.map_err(|source| self.failed(source))?;
        let transport = AsyncFileTransport::<Tokio1Executor>::new(&aside);
        let id = transport.send(message).await.map_err(|source| self.failed(source))?;
        let name = format!("{id}.eml");
        tokio::fs::rename(aside.join(&name), self.folder.join(&name)).await.map_err(|source| self.failed(source))
    }
}

impl FolderMailer {
    fn failed(&self, source: impl std::error::Error + Send + Sync + 'static) -> MailError {
        MailError::Transport { station: format!("folder `{}`", self.folder.display()), source: source.into() }
    }
}
