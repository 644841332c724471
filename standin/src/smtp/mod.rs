//! A mail server on the loopback that keeps what it is sent: a plain listener of its own, beside the HTTP services.
//!
//! After the RFCs and the replies the contract lists: EHLO and HELO, AUTH PLAIN and LOGIN, MAIL, RCPT (each recipient is
//! accepted or refused alone), DATA, RSET, NOOP, VRFY, QUIT, enhanced status codes, SIZE and 8BITMIME. The session is
//! reconstructed, as no provider was recorded: so are all texts of the replies.
//! Not offered: TLS. A real provider demands STARTTLS or port 465 and has no AUTH before it; here STARTTLS is answered 454 and
//! AUTH is offered in the clear, which nothing but the loopback may carry. Nor pipelining, SMTPUTF8, CHUNKING or DSN.
//!
//! [`Behaviour`] lets it have bad days. It is told in code, or by `POST /standin/smtp/behaviour`; `GET /standin/smtp/mails`
//! lists what came and `DELETE /standin/smtp/mails` forgets it.

mod behaviour;
mod command;
mod control;
mod login;
mod mailbox;
mod server;
mod session;
mod wire;

pub use self::behaviour::{Behaviour, Credentials};
pub(crate) use self::control::routes;
pub use self::mailbox::{Mail, Mailbox};
pub use self::server::MailServer;
