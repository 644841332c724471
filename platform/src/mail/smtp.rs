use std::time::Duration;

use async_trait::async_trait;
use lettre::address::Envelope;
use lettre::message::Mailbox;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands;
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use super::fault::Fault;
use super::message::address;
use super::server::{MailServer, Security};
use super::{Mail, MailError, Mailer, events};

/// What connecting, TLS and login together may take, and each later reply.
const PATIENCE: Duration = Duration::from_secs(30);
/// What the reply to the whole message may take, within which the server looks for viruses and the like.
const PATIENCE_AFTER_DOT: Duration = Duration::from_secs(120);
const PARTING: Duration = Duration::from_secs(5);

/// Hands mail to a server over SMTP, a connection each.
///
/// The conversation is led here rather than by the crate's transport, which does not tell at what point it broke off: only after the final dot
/// may the mail have gone out.
#[derive(Debug, Clone)]
pub struct SmtpMailer {
    server: MailServer,
    sender: Mailbox,
    /// A certificate to trust beside those of the machine, as PEM.
    trusted: Option<Vec<u8>>,
    patience: Duration,
    patience_after_dot: Duration,
}

impl SmtpMailer {
    /// `url` as `smtp://USER:PASSWORD@HOST:587` (STARTTLS; plain to this machine itself) or `smtps://USER:PASSWORD@HOST:465`. Nothing is asked yet.
    ///
    /// # Errors
    /// [`MailError::Invalid`] if `url` or `sender` makes no sense.
    pub fn new(url: &SecretString, sender: &str) -> Result<Self, MailError> {
        let no_server = |reason: &str| MailError::Invalid { field: "server in SMTP_URL", reason: reason.to_owned() };
        Ok(Self {
            server: MailServer::parse(url).map_err(no_server)?,
            sender: address("sender", sender)?,
            trusted: None,
            patience: PATIENCE,
            patience_after_dot: PATIENCE_AFTER_DOT,
        })
    }

    /// Trusts the certificate of a server of one's own, which no authority has signed.
    #[must_use]
    pub fn trusting(self, certificate_pem: &[u8]) -> Self {
        Self { trusted: Some(certificate_pem.to_owned()), ..self }
    }

    /// Waits no longer than this for each reply.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, patience_after_dot: patience, ..self }
    }

    /// Host and port, for messages.
    #[must_use]
    pub fn station(&self) -> String {
        format!("mail server `{}:{}`", self.server.host, self.server.port)
    }

    /// Connects and logs in as for a mail, and parts again.
    ///
    /// # Errors
    /// [`MailError::Transport`].
    pub async fn greet(&self) -> Result<(), MailError> {
        self.connect().await.map(part).map_err(|fault| fault.try_again(self.station()))
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Fault> {
        match timeout(self.patience, self.open()).await {
            Ok(opened) => opened,
            Err(_) => Err(Fault::silent(self.patience)),
        }
    }

    async fn open(&self) -> Result<AsyncSmtpConnection, Fault> {
        let MailServer { host, port, security, login } = &self.server;
        let hello = ClientId::Domain(self.sender.email.domain().to_owned());
        let wrapped = if *security == Security::Tls { Some(self.tls()?) } else { None };
        let mut connection =
            AsyncSmtpConnection::connect_tokio1((host.as_str(), *port), Some(self.patience), &hello, wrapped, None).await?;
        if *security == Security::StartTls {
            if !connection.can_starttls() {
                part(connection);
                return Err(Fault::NoTls);
            }
            connection.starttls(self.tls()?, &hello).await?;
        }
        if let Some((user, password)) = login {
            let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
            connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await?;
        }
        Ok(connection)
    }

    fn tls(&self) -> Result<TlsParameters, Error> {
        let mut parameters = TlsParameters::builder(self.server.host.clone());
        if let Some(pem) = &self.trusted {
            parameters = parameters.add_root_certificate(Certificate::from_pem(pem)?);
        }
        parameters.build_rustls()
    }

    async fn hand_over(&self, connection: &mut AsyncSmtpConnection, envelope: &Envelope, message: &[u8]) -> Result<(), MailError> {
        let again = |fault: Fault| fault.try_again(self.station());
        let refused = |fault: Fault| fault.refused(self.station());
        let parameters = parameters(connection, envelope, message)?;
        self.ask(connection, commands::Mail::new(envelope.from().cloned(), parameters)).await.map_err(|fault| {
            match fault.is_too_large() {
                true => refused(fault),
                // It is the sender that is not welcome: of all mails, so that giving each up would lose them all.
                false => again(fault),
            }
        })?;
        for recipient in envelope.to() {
            self.ask(connection, commands::Rcpt::new(recipient.clone(), Vec::new())).await.map_err(refused)?;
        }
        self.ask(connection, commands::Data).await.map_err(refused)?;
        let mut ended = false;
        // Whatever is asked for after the last part comes right before the dot.
        let parts = std::iter::once(message).chain(std::iter::from_fn(|| {
            ended = true;
            None
        }));
        let taken = match timeout(self.patience_after_dot, connection.message_iter(parts)).await {
            Ok(reply) => reply.map(drop).map_err(Fault::from),
            Err(_) => Err(Fault::silent(self.patience_after_dot)),
        };
        taken.map_err(|fault| match fault {
            Fault::Answered(_) => refused(fault),
            _ if ended => fault.maybe_sent(self.station()),
            _ => again(fault),
        })
    }

    async fn ask(&self, connection: &mut AsyncSmtpConnection, command: impl std::fmt::Display) -> Result<(), Fault> {
        match timeout(self.patience, connection.command(command)).await {
            Ok(reply) => Ok(reply.map(drop)?),
            Err(_) => Err(Fault::silent(self.patience)),
        }
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let composed = mail.compose(&self.sender)?;
        let sent = match self.connect().await {
            Ok(mut connection) => {
                let sent = self.hand_over(&mut connection, composed.envelope(), &composed.formatted()).await;
                part(connection);
                sent
            }
            Err(fault) => Err(fault.try_again(self.station())),
        };
        events::sent(&composed, &sent);
        sent
    }
}

fn parameters(connection: &AsyncSmtpConnection, envelope: &Envelope, message: &[u8]) -> Result<Vec<MailParameter>, MailError> {
    let mut parameters = Vec::new();
    let offers = |extension| connection.server_info().supports_feature(extension);
    if envelope.to().iter().chain(envelope.from()).any(|address| !AsRef::<str>::as_ref(address).is_ascii()) {
        if !offers(Extension::SmtpUtfEight) {
            return Err(MailError::Invalid { field: "address", reason: "the mail server takes only ASCII letters in it".to_owned() });
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !message.is_ascii() && offers(Extension::EightBitMime) {
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    Ok(parameters)
}

/// Says goodbye without making anybody wait for it.
fn part(mut connection: AsyncSmtpConnection) {
    tokio::spawn(async move { timeout(PARTING, connection.abort()).await.ok() });
}
