//! One conversation with a client.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::sleep;

use super::behaviour::Behaviour;
use super::command::{Command, Path};
use super::login::login;
use super::mailbox::Mailbox;
use super::wire::{Received, Wire};

/// Messages are never taken beyond this, whatever the behaviour says.
const MOST_BYTES: usize = 32 * 1024 * 1024;
const MOST_RECIPIENTS: usize = 100;
const NAME: &str = "mail.standin.test";

/// Talks until the client or the behaviour has enough.
pub(super) async fn serve(stream: TcpStream, mailbox: Mailbox) -> io::Result<()> {
    let mut session = Session { wire: Wire::new(stream), mailbox, greeted: false, user: None, envelope: None };
    if session.mailbox.take(|behaviour| &mut behaviour.refuse_connections) {
        return session.say("421 4.3.2 Service not available, closing transmission channel").await;
    }
    session.say(&format!("220 {NAME} ESMTP stand-in")).await?;
    while let Some(line) = session.wire.line().await? {
        if session.follow(Command::parse(&line)).await? == Next::Close {
            break;
        }
    }
    Ok(())
}

/// The connection is over its number.
pub(super) async fn turn_away(stream: TcpStream) -> io::Result<()> {
    Wire::new(stream).say("421 4.7.0 Too many connections").await
}

struct Session {
    wire: Wire,
    mailbox: Mailbox,
    greeted: bool,
    user: Option<String>,
    envelope: Option<Envelope>,
}

#[derive(Default)]
struct Envelope {
    from: String,
    to: Vec<String>,
}

#[derive(PartialEq, Eq)]
enum Next {
    Go,
    Close,
}

impl Session {
    async fn follow(&mut self, command: Command<'_>) -> io::Result<Next> {
        let behaviour = self.mailbox.behaviour();
        match command {
            Command::Ehlo(_) => self.greet(&behaviour).await?,
            Command::Helo(_) => {
                (self.greeted, self.envelope) = (true, None);
                self.say(&format!("250 {NAME}")).await?;
            }
            Command::Auth { mechanism, initial } => self.log_in(mechanism, initial, &behaviour).await?,
            Command::Mail(path) => {
                let reply = self.begin(&path, &behaviour);
                self.say(reply).await?;
            }
            Command::Rcpt(path) => {
                let reply = self.address(&path, &behaviour);
                self.say(&reply).await?;
            }
            Command::Data => return self.data(&behaviour).await,
            Command::Rset => {
                self.envelope = None;
                self.say("250 2.0.0 OK").await?;
            }
            Command::Noop => self.say("250 2.0.0 OK").await?,
            Command::Vrfy => self.say("252 2.5.2 Cannot verify the user").await?,
            Command::StartTls => self.say("454 4.7.0 TLS not available").await?,
            Command::Quit => {
                self.say("221 2.0.0 Bye").await?;
                return Ok(Next::Close);
            }
            Command::Malformed => self.say("501 5.5.4 Syntax error in parameters").await?,
            Command::Unknown => self.say("500 5.5.2 Command unrecognized").await?,
        }
        Ok(Next::Go)
    }

    async fn greet(&mut self, behaviour: &Behaviour) -> io::Result<()> {
        (self.greeted, self.envelope) = (true, None);
        let size = behaviour.max_bytes.min(MOST_BYTES);
        self.say(&format!("250-{NAME}\r\n250-SIZE {size}\r\n250-8BITMIME\r\n250-AUTH PLAIN LOGIN\r\n250 ENHANCEDSTATUSCODES")).await
    }

    async fn log_in(&mut self, mechanism: &str, initial: Option<&str>, behaviour: &Behaviour) -> io::Result<()> {
        if !self.greeted || self.user.is_some() || self.envelope.is_some() {
            return self.say("503 5.5.1 Bad sequence of commands").await;
        }
        match login(&mut self.wire, mechanism, initial, behaviour).await? {
            Err(refusal) => self.say(refusal).await,
            Ok(user) => {
                self.user = Some(user);
                self.say("235 2.7.0 Authentication successful").await
            }
        }
    }

    fn begin(&mut self, path: &Path<'_>, behaviour: &Behaviour) -> &'static str {
        if !self.greeted || self.envelope.is_some() {
            return "503 5.5.1 Bad sequence of commands";
        }
        if behaviour.credentials.is_some() && self.user.is_none() {
            return "530 5.7.0 Authentication required";
        }
        for parameter in &path.parameters {
            match parameter.to_ascii_uppercase().split_once('=') {
                Some(("SIZE", size)) if size.parse::<usize>().is_ok_and(|size| size > behaviour.max_bytes.min(MOST_BYTES)) => {
                    return "552 5.3.4 Message size exceeds fixed limit";
                }
                Some(("SIZE" | "BODY" | "AUTH", _)) => {}
                _ => return "555 5.5.4 Parameter not recognized",
            }
        }
        self.envelope = Some(Envelope { from: path.address.to_owned(), to: Vec::new() });
        "250 2.1.0 OK"
    }

    /// Each recipient is judged alone: one may be refused while others are accepted.
    fn address(&mut self, path: &Path<'_>, behaviour: &Behaviour) -> String {
        let Some(envelope) = &mut self.envelope else {
            return "503 5.5.1 Bad sequence of commands".to_owned();
        };
        let address = path.address;
        if !address.contains('@') {
            return format!("501 5.1.3 Bad recipient address <{address}>");
        }
        if behaviour.unknown.iter().any(|unknown| unknown.eq_ignore_ascii_case(address)) {
            return format!("550 5.1.1 <{address}>: user unknown");
        }
        if envelope.to.len() >= MOST_RECIPIENTS {
            return "452 4.5.3 Too many recipients".to_owned();
        }
        if self.mailbox.greylists(address) {
            return format!("450 4.2.0 <{address}>: greylisted, try again later");
        }
        envelope.to.push(address.to_owned());
        "250 2.1.5 OK".to_owned()
    }

    async fn data(&mut self, behaviour: &Behaviour) -> io::Result<Next> {
        let Some(envelope) = self.envelope.take_if(|envelope| !envelope.to.is_empty()) else {
            self.say("503 5.5.1 No valid recipients").await?;
            return Ok(Next::Go);
        };
        sleep(Duration::from_millis(behaviour.slow_data_ms)).await;
        self.say("354 End data with <CR><LF>.<CR><LF>").await?;
        if self.mailbox.take(|behaviour| &mut behaviour.drop_in_data) {
            self.wire.first_of_message().await?;
            return Ok(Next::Close);
        }
        let reply = match self.wire.message(behaviour.max_bytes.min(MOST_BYTES)).await? {
            Received::TooLarge => "552 5.3.4 Message size exceeds fixed limit".to_owned(),
            Received::Message(_) if self.mailbox.take(|behaviour| &mut behaviour.refuse_after_dot) => {
                "451 4.3.0 Local error in processing, try again later".to_owned()
            }
            Received::Message(message) => {
                let number = self.mailbox.keep(self.user.clone(), envelope.from, envelope.to, message);
                if self.mailbox.take(|behaviour| &mut behaviour.drop_after_dot) {
                    return Ok(Next::Close);
                }
                format!("250 2.0.0 OK queued as {number:06X}")
            }
        };
        self.say(&reply).await?;
        Ok(Next::Go)
    }

    async fn say(&mut self, reply: &str) -> io::Result<()> {
        sleep(Duration::from_millis(self.mailbox.behaviour().slow_ms)).await;
        self.wire.say(reply).await
    }
}
