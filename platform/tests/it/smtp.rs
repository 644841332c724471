//! Mail over SMTP: the suite, every bad day of the contract, and TLS.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::{Hint, chain};
use platform::config::{Config, MailConfig};
use platform::health::{self, Status};
use platform::mail::{self, Mail, MailError, Mailer, SmtpMailer, testing};
use secrecy::SecretString;
use standin::smtp::{Behaviour, Credentials, MailServer, Mailbox};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::mail::mail;

const SENDER: &str = "Viral Cast <noreply@example.id>";

/// A mail server until the test's runtime ends.
async fn serve(behaviour: Behaviour) -> (SocketAddr, Mailbox) {
    let mailbox = Mailbox::default();
    mailbox.behave(behaviour);
    let server = MailServer::bind("127.0.0.1:0".parse().expect("an address"), &mailbox).await.expect("a port");
    let address = server.address();
    tokio::spawn(server.run(std::future::pending()));
    (address, mailbox)
}

fn mailer(url: &str) -> SmtpMailer {
    SmtpMailer::new(&SecretString::from(url), SENDER).expect("a mailer").with_patience(Duration::from_secs(10))
}

async fn on_a_bad_day(behaviour: Behaviour) -> (SmtpMailer, Mailbox) {
    let (address, mailbox) = serve(behaviour).await;
    (mailer(&format!("smtp://{address}")), mailbox)
}

fn texts(mailbox: &Mailbox) -> Vec<String> {
    mailbox.mails().iter().map(|mail| String::from_utf8_lossy(&mail.message).into_owned()).collect()
}

/// The error, what it and its causes say, and that neither names the recipient or a password.
async fn fails(mailer: &SmtpMailer) -> (MailError, String) {
    let error = mailer.send(&mail()).await.expect_err("a bad day");
    let said = chain(&error);
    for secret in ["ibu.sari", "rahasia"] {
        assert!(!format!("{said} {error:?} {mailer:?}").contains(secret), "{error:?}");
    }
    assert!(error.hint().is_some());
    (error, said)
}

#[tokio::test]
async fn a_mail_server_conforms() {
    let (mailer, mailbox) = on_a_bad_day(Behaviour::default()).await;
    testing::conformance(&mailer, async || texts(&mailbox)).await;
    let mail = &mailbox.mails()[0];
    assert_eq!((mail.from.as_str(), mail.to.as_slice()), ("noreply@example.id", &["ibu.sari@example.id".to_owned()][..]));
}

#[tokio::test]
async fn the_login_is_used() {
    let credentials = Credentials { user: "warung@example.id".to_owned(), password: "p/ss w\u{f6}rd".to_owned() };
    let (address, mailbox) = serve(Behaviour { credentials: Some(credentials), ..Behaviour::default() }).await;
    let mailer = mailer(&format!("smtp://warung%40example.id:p%2Fss%20w%C3%B6rd@{address}"));
    mailer.send(&mail()).await.expect("sent");
    assert_eq!(mailbox.mails()[0].user.as_deref(), Some("warung@example.id"));
}

/// It is the settings that are wrong, not the mail: giving mails up would lose all of them.
#[tokio::test]
async fn a_wrong_login_is_worth_another_try() {
    let credentials = Credentials { user: "warung".to_owned(), password: "other".to_owned() };
    let (address, mailbox) = serve(Behaviour { credentials: Some(credentials), ..Behaviour::default() }).await;
    let (error, said) = fails(&mailer(&format!("smtp://warung:rahasia@{address}"))).await;
    assert!(
        matches!(error, MailError::Transport { .. }) && error.is_worth_another_try() && said.ends_with("it answered 535 5.7.8"),
        "{said}"
    );
    let (error, said) = fails(&mailer(&format!("smtp://{address}"))).await;
    assert!(matches!(error, MailError::Transport { .. }) && said.ends_with("it answered 530 5.7.0"), "{said}");
    assert!(mailbox.mails().is_empty());
}

#[tokio::test]
async fn a_server_that_turns_us_away_is_asked_again() {
    let (mailer, mailbox) = on_a_bad_day(Behaviour { refuse_connections: 1, ..Behaviour::default() }).await;
    let (error, said) = fails(&mailer).await;
    assert!(matches!(error, MailError::Transport { .. }) && said.ends_with("it answered 421 4.3.2"), "{said}");
    mailer.send(&mail()).await.expect("the second time");
    assert_eq!(mailbox.mails().len(), 1);
}

#[tokio::test]
async fn greylisting_is_passed_by_asking_again() {
    let (mailer, mailbox) = on_a_bad_day(Behaviour { greylist: true, ..Behaviour::default() }).await;
    let (error, said) = fails(&mailer).await;
    assert!(matches!(error, MailError::Transport { .. }) && said.ends_with("it answered 450 4.2.0"), "{said}");
    mailer.send(&mail()).await.expect("the second time");
    assert_eq!(mailbox.mails().len(), 1);
}

#[tokio::test]
async fn an_unknown_recipient_is_refused_for_good() {
    let unknown = vec!["ibu.sari@example.id".to_owned()];
    let (mailer, mailbox) = on_a_bad_day(Behaviour { unknown, ..Behaviour::default() }).await;
    let (error, said) = fails(&mailer).await;
    assert!(!error.is_worth_another_try(), "{said}");
    let MailError::Refused { reply, .. } = error else { panic!("{error:?}") };
    assert_eq!((reply.code.as_str(), reply.enhanced.as_deref()), ("550", Some("5.1.1")));
    mailer.send(&Mail { to: "pak.budi@example.id".to_owned(), ..mail() }).await.expect("others are known");
    assert_eq!(mailbox.mails().len(), 1);
}

#[tokio::test]
async fn a_mail_that_is_too_large_is_refused_for_good() {
    let (mailer, mailbox) = on_a_bad_day(Behaviour { max_bytes: 100, ..Behaviour::default() }).await;
    let (error, said) = fails(&mailer).await;
    assert!(matches!(error, MailError::Refused { .. }) && said.ends_with("it answered 552 5.3.4"), "{said}");
    assert!(mailbox.mails().is_empty());
}

#[tokio::test]
async fn a_refusal_after_the_dot_is_one_like_any_other() {
    let (mailer, mailbox) = on_a_bad_day(Behaviour { refuse_after_dot: 1, ..Behaviour::default() }).await;
    let (error, said) = fails(&mailer).await;
    assert!(matches!(error, MailError::Transport { .. }) && said.ends_with("it answered 451 4.3.0"), "{said}");
    mailer.send(&mail()).await.expect("the second time");
    assert_eq!(mailbox.mails().len(), 1);
}

#[tokio::test]
async fn a_connection_lost_after_the_dot_may_have_sent_it_and_a_second_try_is_the_same_mail() {
    let (mailer, mailbox) = on_a_bad_day(Behaviour { drop_after_dot: 1, ..Behaviour::default() }).await;
    let keyed = Mail { key: Some("news:1".to_owned()), ..mail() };
    let error = mailer.send(&keyed).await.expect_err("no reply");
    assert!(matches!(error, MailError::MaybeSent { .. }) && error.is_worth_another_try(), "{error:?}");
    mailer.send(&keyed).await.expect("the second time");
    let ids: Vec<_> = mailbox.mails().iter().map(|mail| mail.header("Message-ID").expect("an id")).collect();
    assert_eq!((ids.len(), &ids[0]), (2, &ids[1]), "one mail, twice");
}

/// Larger than what the machine buffers, so that it is known that the dot was never said.
#[tokio::test]
async fn a_connection_lost_before_the_dot_has_not_sent_it() {
    let (mailer, mailbox) = on_a_bad_day(Behaviour { drop_in_data: 1, ..Behaviour::default() }).await;
    let error = mailer.send(&Mail { text: "Masak 85 ayam geprek.\r\n".repeat(400_000), ..mail() }).await.expect_err("it is lost");
    assert!(matches!(error, MailError::Transport { .. }), "{error:?}");
    assert!(mailbox.mails().is_empty());
}

#[tokio::test]
async fn a_server_that_takes_its_time_is_waited_for_and_a_silent_one_is_not() {
    let slow = Behaviour { slow_data_ms: 300, ..Behaviour::default() };
    let (patient, mailbox) = on_a_bad_day(slow.clone()).await;
    patient.send(&mail()).await.expect("it takes its time");
    assert_eq!(mailbox.mails().len(), 1);
    for silent in [Behaviour { slow_data_ms: 60_000, ..slow.clone() }, Behaviour { slow_ms: 60_000, ..slow }] {
        let (mailer, mailbox) = on_a_bad_day(silent).await;
        let began = Instant::now();
        let (error, said) = fails(&mailer.with_patience(Duration::from_millis(200))).await;
        assert!(matches!(error, MailError::Transport { .. }) && said.contains("did not answer within"), "{said}");
        assert!(began.elapsed() < Duration::from_secs(10) && mailbox.mails().is_empty());
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_asked_again() {
    let (error, _) = fails(&mailer("smtp://warung:rahasia@127.0.0.1:1")).await;
    assert!(matches!(error, MailError::Transport { .. }), "{error:?}");
}

/// Neither password nor mail goes over a connection that should have been encrypted and is not.
#[tokio::test]
async fn without_the_tls_that_is_demanded_nothing_is_said() {
    let (address, mailbox) = serve(Behaviour::default()).await;
    let (error, said) = fails(&mailer(&format!("smtp://warung:rahasia@{address}?tls=required"))).await;
    assert!(matches!(error, MailError::Transport { .. }) && said.contains("STARTTLS"), "{said}");
    let (error, _) = fails(&mailer(&format!("smtps://warung:rahasia@{address}")).with_patience(Duration::from_secs(1))).await;
    assert!(matches!(error, MailError::Transport { .. }), "{error:?}");
    assert!(mailbox.mails().is_empty());
}

#[tokio::test]
async fn mail_goes_out_over_tls_to_a_server_that_is_known() {
    let (plain, mailbox) = serve(Behaviour::default()).await;
    for (scheme, tls) in [("smtps", Tls::FromTheStart), ("smtp", Tls::WhenAsked)] {
        let (address, certificate) = behind_tls(plain, tls).await;
        let url = format!("{scheme}://warung:rahasia@localhost:{}?tls=required", address.port());
        let before = mailbox.mails().len();
        mailer(&url).trusting(certificate.as_bytes()).send(&mail()).await.unwrap_or_else(|error| panic!("{scheme}: {}", chain(&error)));
        assert_eq!((mailbox.mails().len(), mailbox.mails()[before].user.as_deref()), (before + 1, Some("warung")));
        let (error, _) = fails(&mailer(&url)).await;
        assert!(matches!(error, MailError::Transport { .. }), "an unknown certificate is no reason to go on: {error:?}");
    }
    assert_eq!(mailbox.mails().len(), 2);
}

#[tokio::test]
async fn the_settings_choose_the_mailer_and_doctor_says_which() {
    let (address, mailbox) = serve(Behaviour::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let settings = |url: Option<String>| MailConfig { smtp_url: url.map(SecretString::from), ..MailConfig::default() };
    mail::open(&settings(None), folder.path()).expect("a mailer").send(&mail()).await.expect("sent");
    assert_eq!((mailbox.mails().len(), std::fs::read_dir(folder.path()).expect("a folder").count()), (0, 2), "a mail and `.unfinished`");
    let smtp = settings(Some(format!("smtp://{address}")));
    mail::open(&smtp, folder.path()).expect("a mailer").send(&mail()).await.expect("sent");
    assert_eq!(mailbox.mails().len(), 1);

    for (url, status, said) in [
        (None, Status::Ok, "folder `mail`".to_owned()),
        (Some(format!("smtp://{address}")), Status::Ok, format!("mail server `{address}` lets us in")),
        (Some("smtp://warung:rahasia@127.0.0.1:1".to_owned()), Status::Failed, "mail server `127.0.0.1:1`".to_owned()),
    ] {
        let environment = url.map(|url| ("SMTP_URL".into(), url.into()));
        let config = Config::load_with(None, environment).expect("valid settings");
        let check = health::of_engines(&config).await.into_iter().find(|check| check.name == "mail").expect("a check of mail");
        assert!(check.status == status && check.detail.contains(&said) && !check.detail.contains("rahasia"), "{check:?}");
    }
    assert_eq!(mailbox.mails().len(), 1, "looking sends nothing");
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tls {
    FromTheStart,
    WhenAsked,
}

/// The server at `plain`, with the certificate that is returned.
async fn behind_tls(plain: SocketAddr, tls: Tls) -> (SocketAddr, String) {
    let rcgen::CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).expect("a TLS server");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(session(client, plain, tls, acceptor.clone()));
        }
    });
    (address, cert.pem())
}

/// Ends with whichever side ends first; an unknown certificate ends it at once.
async fn session(client: TcpStream, plain: SocketAddr, tls: Tls, acceptor: TlsAcceptor) -> std::io::Result<()> {
    let mut server = BufStream::new(TcpStream::connect(plain).await?);
    let client = match tls {
        Tls::FromTheStart => client,
        Tls::WhenAsked => {
            let mut greeting = String::new();
            server.read_line(&mut greeting).await?;
            let mut client = BufStream::new(client);
            for reply in [greeting.as_str(), "250-mail.standin.test\r\n250 STARTTLS\r\n", "220 2.0.0 Go ahead\r\n"] {
                client.write_all(reply.as_bytes()).await?;
                client.flush().await?;
                if !reply.starts_with("220 2.0.0") {
                    client.read_line(&mut String::new()).await?;
                }
            }
            client.into_inner()
        }
    };
    let mut client = acceptor.accept(client).await?;
    tokio::io::copy_bidirectional(&mut client, server.get_mut()).await.map(drop)
}
