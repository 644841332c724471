//! TLS that ends here.

use std::sync::Arc;
use std::time::Duration;

use api::{Front, Services, Tls};
use axum::http::{StatusCode, Version};
use reqwest::{Certificate, Client};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::app::App;

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn with_a_certificate_the_port_speaks_tls_and_nothing_else() {
    let app = App::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let rcgen::CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let tls = Tls { certificate: folder.path().join("certificate.pem"), key: folder.path().join("key.pem") };
    std::fs::write(&tls.certificate, cert.pem()).expect("a certificate");
    std::fs::write(&tls.key, signing_key.serialize_pem()).expect("a key");
    let front = Arc::new(Front { tls: Some(tls), ..Front::default() });
    let state = Services { front, ..Services::clone(&app.state) }.into();

    let listener = api::bind("127.0.0.1:0".parse().expect("an address")).await.expect("a listener");
    let (address, shutdown) = (listener.local_addr().expect("an address"), CancellationToken::new());
    let ended = tokio::spawn(api::serve(listener, state, shutdown.clone()));

    let trusting = || {
        let ours = Certificate::from_pem(cert.pem().as_bytes()).expect("a certificate");
        Client::builder().tls_certs_only([ours]).timeout(PATIENCE)
    };
    let url = format!("https://localhost:{}/livez", address.port());
    let answer = trusting().build().expect("a client").get(&url).send().await.expect("an answer");
    assert_eq!((answer.status(), answer.version()), (StatusCode::OK, Version::HTTP_2), "both sides can, so they do");
    let answer = trusting().http1_only().build().expect("a client").get(&url).send().await.expect("an answer");
    assert_eq!((answer.status(), answer.version()), (StatusCode::OK, Version::HTTP_11));
    assert!(Client::new().get(&url).send().await.is_err(), "nobody vouches for this certificate");

    let mut plain = TcpStream::connect(address).await.expect("a connection");
    plain.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("sent");
    let mut said = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, plain.read_to_end(&mut said)).await.expect("it hangs up");
    assert!(!said.starts_with(b"HTTP"), "nothing in the clear");

    shutdown.cancel();
    ended.await.expect("no panic").expect("a clean end");
}

#[tokio::test]
async fn without_its_files_the_server_does_not_begin() {
    let app = App::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let tls = Tls { certificate: folder.path().join("certificate.pem"), key: folder.path().join("key.pem") };
    let front = Arc::new(Front { tls: Some(tls), ..Front::default() });
    let state = Services { front, ..Services::clone(&app.state) }.into();
    let listener = api::bind("127.0.0.1:0".parse().expect("an address")).await.expect("a listener");
    let error = api::serve(listener, state, CancellationToken::new()).await.expect_err("refused");
    assert!(error.to_string().contains("certificate.pem"), "{error}");
}
