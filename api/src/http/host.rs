//! Refuses requests that name another host than ours: the defence against DNS rebinding, where a page from the internet makes its
//! own name point to us and then asks as our own origin, and against links that are made from a name we never had.

use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri};

use crate::error::ApiError;
use crate::front::Front;

pub(super) fn require_ours(uri: &Uri, headers: &HeaderMap, front: &Front) -> Result<(), ApiError> {
    match named_host(uri, headers) {
        Some(host) if is_ours(&host, &front.hosts) => Ok(()),
        host => Err(ApiError::ForeignHost { host }),
    }
}

/// The target's authority if it has one (HTTP/2, absolute form), else the `Host` header, without port; the header must be
/// sent once.
fn named_host(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    if let Some(host) = uri.host() {
        return Some(host.to_owned());
    }
    let mut hosts = headers.get_all(HOST).iter();
    let (only, None) = (hosts.next()?, hosts.next()) else { return None };
    let authority: Authority = only.to_str().ok()?.parse().ok()?;
    (!authority.as_str().contains('@')).then(|| authority.host().to_owned())
}

fn is_ours(host: &str, ours: &[String]) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    ours.iter().any(|own| own.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_local(host: &str) -> bool {
        is_ours(host, &crate::Front::default().hosts)
    }

    fn named(hosts: &[&str]) -> Option<String> {
        let mut request = axum::http::Request::get("/livez");
        for host in hosts {
            request = request.header(HOST, *host);
        }
        let (head, ()) = request.body(()).expect("a request").into_parts();
        named_host(&head.uri, &head.headers)
    }

    #[test]
    fn this_machine_has_three_names() {
        for host in ["localhost", "LOCALHOST:4000", "127.0.0.1:4000", "[::1]:4000", "localhost."] {
            assert!(named(&[host]).is_some_and(|name| is_local(&name)), "{host}");
        }
    }

    #[test]
    fn everything_else_is_foreign() {
        let foreign =
            ["evil.example", "127.0.0.1.evil.example:4000", "localhost.evil.example", "localhost@evil.example", "0.0.0.0", "", "a b"];
        for host in foreign {
            assert!(!named(&[host]).is_some_and(|name| is_local(&name)), "{host}");
        }
        assert_eq!(named(&[]), None);
        assert_eq!(named(&["localhost", "evil.example"]), None);
    }
}
