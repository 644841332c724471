//! One POST over plain HTTP to this machine: all that a webhook needs.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use axum::http::Uri;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long a receiver may take. What the real service allows is not known.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a webhook goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    host: String,
    port: u16,
    path: String,
}

impl Target {
    /// None for another scheme or another machine: what is simulated here must not leave it.
    pub(super) fn parse(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let host = uri.host()?.trim_matches(['[', ']']).to_owned();
        let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        (uri.scheme_str() == Some("http") && is_here).then(|| Target { host, port: uri.port_u16().unwrap_or(80), path })
    }

    /// The status of the answer; the rest of it is not read.
    pub(super) async fn post(&self, token: &str, body: &str) -> io::Result<u16> {
        let asked = tokio::time::timeout(PATIENCE, self.ask(token, body));
        asked.await.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "no answer in time")))
    }

    async fn ask(&self, token: &str, body: &str) -> io::Result<u16> {
        let mut stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        // A token from a setting must not become a second header.
        let token: String = token.chars().filter(|letter| letter.is_ascii_graphic()).collect();
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: {host}:{}\r\ncontent-type: application/json\r\nx-callback-token: {token}\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n",
            self.path,
            self.port,
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body.as_bytes()).await?;
        let mut line = [0; 12];
        stream.read_exact(&mut line).await?;
        let status = line.strip_prefix(b"HTTP/1.1 ").and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        status.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP/1.1"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_posted_to() {
        let target = Target::parse("http://127.0.0.1:4000/webhooks?a=1").expect("a target");
        assert_eq!((target.host.as_str(), target.port, target.path.as_str()), ("127.0.0.1", 4000, "/webhooks?a=1"));
        assert_eq!(Target::parse("http://[::1]").map(|target| (target.host, target.port)), Some(("::1".to_owned(), 80)));
        for wrong in ["https://127.0.0.1/", "http://192.0.2.1/", "http://example.test/", "/webhooks", "", "http://127.0.0.1.example.test/"]
        {
            assert_eq!(Target::parse(wrong), None, "{wrong}");
        }
    }
}
