//! The listener of the mail server.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::mailbox::Mailbox;
use super::session;
use crate::server::ServerError;

/// Conversations at one time; others are turned away.
const MOST_SESSIONS: usize = 64;

/// A mail server that holds its port and does not answer yet.
pub struct MailServer {
    listener: TcpListener,
    address: SocketAddr,
    mailbox: Mailbox,
}

impl MailServer {
    /// Takes the address (port 0: any free one). Mails go to `mailbox`.
    ///
    /// # Errors
    /// An address off the loopback, or one that is taken.
    pub async fn bind(address: SocketAddr, mailbox: &Mailbox) -> Result<Self, ServerError> {
        if !address.ip().is_loopback() {
            return Err(ServerError::NotLoopback(address));
        }
        let listener = TcpListener::bind(address).await.map_err(|source| ServerError::Bind { address, source })?;
        let address = listener.local_addr().map_err(|source| ServerError::Bind { address, source })?;
        Ok(MailServer { listener, address, mailbox: mailbox.clone() })
    }

    /// The address that was taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown` is ready; open conversations end with it.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) {
        tracing::info!(address = %self.address, "stand-in mail server is listening");
        let mut shutdown = pin!(shutdown);
        let mut sessions = JoinSet::new();
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                Some(_) = sessions.join_next() => {}
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) if sessions.len() < MOST_SESSIONS => {
                        sessions.spawn(session::serve(stream, self.mailbox.clone()));
                    }
                    Ok((stream, _)) => drop(session::turn_away(stream).await),
                    Err(error) => {
                        // No file descriptors, for instance: trying again at once would only spin.
                        tracing::warn!(%error, "stand-in mail server cannot accept");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
            }
        }
    }
}
