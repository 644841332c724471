//! The mail server stand-in: a session, logins, recipients one by one, size, bad days.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use standin::server::ServerError;
use standin::services;
use standin::smtp::{Behaviour, Credentials, MailServer, Mailbox};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tower::ServiceExt;

use crate::bmkg::context;

/// A client that speaks line by line.
struct Client(BufReader<TcpStream>);

impl Client {
    async fn connect(address: SocketAddr) -> Self {
        Client(BufReader::new(TcpStream::connect(address).await.expect("connects")))
    }

    async fn greeted(address: SocketAddr) -> Self {
        let mut client = Self::connect(address).await;
        assert!(client.reply().await.starts_with("220 "));
        assert!(client.ask("EHLO shop.test").await.starts_with("250-"));
        client
    }

    /// A whole reply; empty where the connection is closed.
    async fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let start = reply.len();
            if self.0.read_line(&mut reply).await.unwrap_or(0) == 0 || reply[start..].get(3..4) != Some("-") {
                return reply;
            }
        }
    }

    async fn raw(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).await.expect("sends");
    }

    async fn ask(&mut self, line: &str) -> String {
        self.raw(format!("{line}\r\n").as_bytes()).await;
        self.reply().await
    }

    /// Sends one mail; the last reply.
    async fn mail(&mut self, to: &str, message: &[u8]) -> String {
        assert!(self.ask("MAIL FROM:<laporan@example.test>").await.starts_with("250 2.1.0"));
        let answered = self.ask(&format!("RCPT TO:<{to}>")).await;
        if !answered.starts_with("250 2.1.5") {
            self.ask("RSET").await;
            return answered;
        }
        assert!(self.ask("DATA").await.starts_with("354 "));
        self.raw(message).await;
        self.raw(b"\r\n.\r\n").await;
        self.reply().await
    }
}

async fn server(behaviour: Behaviour) -> (SocketAddr, Mailbox) {
    let mailbox = Mailbox::default();
    mailbox.behave(behaviour);
    let server = MailServer::bind("127.0.0.1:0".parse().expect("an address"), &mailbox).await.expect("binds");
    let address = server.address();
    tokio::spawn(server.run(std::future::pending()));
    (address, mailbox)
}

const TO: &str = "pemilik@example.test";

#[tokio::test]
async fn a_session_ends_in_a_kept_mail() {
    let (address, mailbox) = server(Behaviour::default()).await;
    let mut client = Client::connect(address).await;
    assert!(client.reply().await.starts_with("220 "));
    let offered = client.ask("EHLO shop.test").await;
    assert!(
        ["SIZE 26214400", "8BITMIME", "AUTH PLAIN LOGIN", "ENHANCEDSTATUSCODES"].iter().all(|word| offered.contains(word)),
        "{offered}"
    );
    assert!(!offered.contains("STARTTLS"));
    assert!(client.ask("STARTTLS").await.starts_with("454 4.7.0"));
    let message = "Subject: Rencana besok\r\nMessage-ID: <1@example.test>\r\n\r\nMasak 85 ayam geprek.\r\n..titik dua";
    let answered = client.mail(TO, message.as_bytes()).await;
    assert!(answered.starts_with("250 2.0.0 OK queued as "), "{answered}");
    assert!(client.ask("NOOP").await.starts_with("250") && client.ask("VRFY x").await.starts_with("252"));
    assert!(client.ask("QUIT").await.starts_with("221 2.0.0") && client.reply().await.is_empty());
    let [mail] = &mailbox.mails()[..] else { panic!("one mail") };
    assert_eq!((mail.from.as_str(), &mail.to[..], mail.user.as_deref()), ("laporan@example.test", &[TO.to_owned()][..], None));
    assert_eq!(
        (mail.header("Subject").as_deref(), mail.header("message-id").as_deref()),
        (Some("Rencana besok"), Some("<1@example.test>"))
    );
    assert!(mail.message.ends_with(b"geprek.\r\n.titik dua\r\n"), "one dot less at the beginning of a line");
}

#[tokio::test]
async fn commands_have_an_order() {
    let (address, _) = server(Behaviour::default()).await;
    let mut client = Client::connect(address).await;
    client.reply().await;
    for (line, code) in [
        ("MAIL FROM:<a@example.test>", "503"),
        ("AUTH PLAIN AGEAYg==", "503"),
        ("HELO shop.test", "250"),
        ("RCPT TO:<b@example.test>", "503"),
        ("DATA", "503"),
        ("MAIL FROM:a@example.test", "501"),
        ("MAIL FROM:<a@example.test> RET=FULL", "555"),
        ("mail from:<> BODY=8BITMIME", "250"),
        ("MAIL FROM:<a@example.test>", "503"),
        ("RCPT TO:<nobody>", "501"),
        ("DATA", "503"),
        ("RSET", "250"),
        ("RCPT TO:<b@example.test>", "503"),
        ("GET / HTTP/1.1", "500"),
    ] {
        let reply = client.ask(line).await;
        assert!(reply.starts_with(code), "{line}: {reply}");
    }
    client.raw(&[b'x'; 10_000]).await;
    assert_eq!(client.reply().await, "", "a line without an end is not listened to");
}

#[tokio::test]
async fn only_a_whole_line_end_ends_a_mail() {
    let (address, mailbox) = server(Behaviour::default()).await;
    let mut client = Client::greeted(address).await;
    let message = b"Subject: x\r\n\r\nhidden\n.\nMAIL FROM:<thief@example.test>\n.\r\nrest\r\n.\nend";
    assert!(client.mail(TO, message).await.starts_with("250"));
    assert_eq!(mailbox.mails().len(), 1);
    assert!(mailbox.mails()[0].message.ends_with(b"\n.\r\nrest\r\n\nend\r\n"), "{:?}", mailbox.mails());
}

#[tokio::test]
async fn logins_are_checked_where_there_are_users() {
    let credentials = Credentials { user: "toko".to_owned(), password: "rahasia".to_owned() };
    let behaviour = Behaviour { credentials: Some(credentials), ..Behaviour::default() };
    assert!(!format!("{behaviour:?}").contains("rahasia"));
    let (address, mailbox) = server(behaviour).await;
    let plain = |password: &str| STANDARD.encode(format!("\0toko\0{password}"));
    let mut client = Client::greeted(address).await;
    assert!(client.ask("MAIL FROM:<a@example.test>").await.starts_with("530 5.7.0"));
    assert!(client.ask(&format!("AUTH PLAIN {}", plain("salah"))).await.starts_with("535 5.7.8"));
    assert!(client.ask("AUTH PLAIN ???").await.starts_with("501 5.5.2"));
    assert!(client.ask("AUTH CRAM-MD5").await.starts_with("504 5.5.4"));
    assert!(client.ask("AUTH PLAIN").await.starts_with("334 ") && client.ask("*").await.starts_with("501"));
    assert!(client.ask(&format!("AUTH PLAIN {}", plain("rahasia"))).await.starts_with("235 2.7.0"));
    assert!(client.ask(&format!("AUTH PLAIN {}", plain("rahasia"))).await.starts_with("503"));
    assert!(client.mail(TO, b"Subject: x\r\n\r\n").await.starts_with("250"));
    assert_eq!(mailbox.mails()[0].user.as_deref(), Some("toko"));
    let mut client = Client::greeted(address).await;
    assert_eq!(client.ask("AUTH LOGIN").await, "334 VXNlcm5hbWU6\r\n");
    assert_eq!(client.ask(&STANDARD.encode("toko")).await, "334 UGFzc3dvcmQ6\r\n");
    assert!(client.ask(&STANDARD.encode("rahasia")).await.starts_with("235"));
}

#[tokio::test]
async fn one_recipient_may_fail_while_another_passes() {
    let (address, mailbox) = server(Behaviour { unknown: vec!["lama@example.test".to_owned()], ..Behaviour::default() }).await;
    let mut client = Client::greeted(address).await;
    client.ask("MAIL FROM:<a@example.test>").await;
    assert!(client.ask("RCPT TO:<Lama@example.test>").await.starts_with("550 5.1.1"));
    assert!(client.ask(&format!("RCPT TO:<{TO}>")).await.starts_with("250 2.1.5"));
    client.ask("DATA").await;
    assert!(client.ask("Subject: x\r\n\r\n.").await.starts_with("250"));
    assert_eq!(mailbox.mails()[0].to, [TO]);
}

#[tokio::test]
async fn a_greylisted_recipient_is_taken_the_second_time() {
    let (address, mailbox) = server(Behaviour { greylist: true, ..Behaviour::default() }).await;
    let mut client = Client::greeted(address).await;
    assert!(client.mail(TO, b"x").await.starts_with("450 4.2.0"));
    assert!(client.mail("other@example.test", b"x").await.starts_with("450 4.2.0"));
    assert!(client.mail(TO, b"x").await.starts_with("250"));
    assert_eq!(mailbox.mails().len(), 1);
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_and_after() {
    let (address, mailbox) = server(Behaviour { max_bytes: 100, ..Behaviour::default() }).await;
    let mut client = Client::greeted(address).await;
    assert!(client.ask("MAIL FROM:<a@example.test> SIZE=101").await.starts_with("552 5.3.4"));
    assert!(client.mail(TO, &[b'x'; 200_000]).await.starts_with("552 5.3.4"));
    assert!(client.mail(TO, b"Subject: short\r\n").await.starts_with("250"), "the conversation goes on");
    assert_eq!(mailbox.mails().len(), 1);
}

#[tokio::test]
async fn connections_are_refused_dropped_or_left_in_doubt() {
    let behaviour = Behaviour { refuse_connections: 1, drop_in_data: 1, drop_after_dot: 1, refuse_after_dot: 1, ..Behaviour::default() };
    let (address, mailbox) = server(behaviour).await;
    let mut client = Client::connect(address).await;
    assert!(client.reply().await.starts_with("421 4.3.2") && client.reply().await.is_empty());

    let mut client = Client::greeted(address).await;
    client.ask("MAIL FROM:<a@example.test>").await;
    client.ask(&format!("RCPT TO:<{TO}>")).await;
    assert!(client.ask("DATA").await.starts_with("354"));
    assert_eq!(client.ask("Subject: x").await, "", "dropped inside the message");
    assert!(mailbox.mails().is_empty());

    let mut client = Client::greeted(address).await;
    assert!(client.mail(TO, b"Subject: x").await.starts_with("451 4.3.0"));
    assert!(mailbox.mails().is_empty());
    assert_eq!(client.mail(TO, b"Subject: x").await, "", "kept, and the client cannot know");
    assert_eq!(mailbox.mails().len(), 1);
    let mut client = Client::greeted(address).await;
    assert!(client.mail(TO, b"Subject: x").await.starts_with("250"));
}

#[tokio::test]
async fn replies_can_be_slow() {
    let (address, _) = server(Behaviour { slow_ms: 5, slow_data_ms: 60, ..Behaviour::default() }).await;
    let mut client = Client::greeted(address).await;
    let began = Instant::now();
    assert!(client.mail(TO, b"Subject: x").await.starts_with("250"));
    assert!(began.elapsed() >= Duration::from_millis(75));
}

#[tokio::test]
async fn mails_are_listed_over_http() {
    let context = context();
    let router = services::all().router(&context);
    let send = async |method: &str, path: &str, body: String| {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json").body(Body::from(body));
        let response = router.clone().oneshot(request.expect("a request")).await.expect("an answer");
        let (status, body) = (response.status(), to_bytes(response.into_body(), usize::MAX).await.expect("a body"));
        (status, serde_json::from_slice::<Value>(&body).unwrap_or_default())
    };
    let server = MailServer::bind("127.0.0.1:0".parse().expect("an address"), &context.mailbox).await.expect("binds");
    let address = server.address();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(server.run(async {
        stopped.await.ok();
    }));
    let told = json!({"unknown": ["lama@example.test"]}).to_string();
    assert_eq!(send("POST", "/standin/smtp/behaviour", told).await.0, StatusCode::NO_CONTENT);
    let mut client = Client::greeted(address).await;
    assert!(client.mail("lama@example.test", b"x").await.starts_with("550"));
    assert!(client.mail(TO, b"Subject: x\r\n\r\nisi").await.starts_with("250"));
    let (_, mails) = send("GET", "/standin/smtp/mails", String::new()).await;
    assert_eq!((&mails[0]["to"], &mails[0]["message"]), (&json!([TO]), &json!("Subject: x\r\n\r\nisi\r\n")));
    assert_eq!(send("DELETE", "/standin/smtp/mails", String::new()).await.0, StatusCode::NO_CONTENT);
    assert_eq!(send("GET", "/standin/smtp/mails", String::new()).await.1, json!([]));
    stop.send(()).expect("still running");
    running.await.expect("a clean end");
    assert_eq!(client.ask("NOOP").await, "", "open conversations end with the server");
}

#[tokio::test]
async fn too_many_clients_are_turned_away() {
    let (address, _) = server(Behaviour::default()).await;
    let mut clients = Vec::new();
    for _ in 0..64 {
        clients.push(Client::greeted(address).await);
    }
    assert!(Client::connect(address).await.reply().await.starts_with("421 4.7.0"));
    clients[0].ask("QUIT").await;
    clients[0].reply().await;
    for _ in 0..500 {
        if Client::connect(address).await.reply().await.starts_with("220 ") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no one takes the place of the client that has gone");
}

#[tokio::test]
async fn other_machines_are_not_served() {
    let refused = MailServer::bind("0.0.0.0:0".parse().expect("an address"), &Mailbox::default()).await;
    assert!(matches!(refused, Err(ServerError::NotLoopback(_))));
}
