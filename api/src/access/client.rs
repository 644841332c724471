//! From which address a request comes, past the proxies that we trust.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};
use platform::auth::InstallationSecret;

use crate::state::AppState;

/// Address of whoever asks; `None` in process, where there is no connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClientAddress(pub Option<IpAddr>);

impl ClientAddress {
    pub fn of(request: &Request, trusted: &[IpAddr]) -> Self {
        Self(resolve(request.extensions(), request.headers(), trusted))
    }

    pub fn text(self) -> Option<String> {
        self.0.map(|address| address.to_string())
    }

    /// What quotas count: of IPv6 the network of 64 bits, since whoever has one has all of its addresses.
    pub fn network(self) -> String {
        match self.0 {
            Some(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
            Some(address) => address.to_string(),
            None => String::new(),
        }
    }

    /// As log lines name it: two lines of one network say the same, and without the installation's secret nobody knows which it is.
    pub fn alias(self, secret: &InstallationSecret) -> String {
        hex::encode(&secret.sign("clients in logs", &[self.network().as_bytes()])[..6])
    }
}

/// How log lines name whoever asks from this address (`client.alias`).
#[must_use]
pub fn alias_of(address: IpAddr, secret: &InstallationSecret) -> String {
    ClientAddress(Some(address.to_canonical())).alias(secret)
}

/// The peer; where the peer is a proxy of ours, the last address in `X-Forwarded-For` that is not. What stands before it was written
/// by the client itself and says nothing.
fn resolve(extensions: &Extensions, headers: &HeaderMap, trusted: &[IpAddr]) -> Option<IpAddr> {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip().to_canonical();
    if !trusted.contains(&peer) {
        return Some(peer);
    }
    let forwarded = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let hops: Vec<Option<IpAddr>> = forwarded.map(|hop| hop.trim().parse::<IpAddr>().ok().map(|hop| hop.to_canonical())).collect();
    for hop in hops.into_iter().rev() {
        match hop {
            Some(hop) if trusted.contains(&hop) => {}
            Some(hop) => return Some(hop),
            None => break,
        }
    }
    Some(peer)
}

impl FromRequestParts<AppState> for ClientAddress {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().copied().unwrap_or(Self(None)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().expect("an address"), 50_000)));
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().expect("a header value"));
        }
        let trusted: Vec<IpAddr> = trusted.iter().map(|address| address.parse().expect("an address")).collect();
        resolve(&extensions, &headers, &trusted).expect("a connection").to_string()
    }

    #[test]
    fn all_addresses_of_an_ipv6_network_count_as_one() {
        let network = |text: &str| ClientAddress(Some(text.parse().expect("an address"))).network();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("203.0.113.9"), "203.0.113.9");
    }

    #[test]
    fn only_proxies_of_ours_may_say_who_asks() {
        assert_eq!(found("203.0.113.9", &["198.51.100.1"], &[]), "203.0.113.9");
        assert_eq!(found("203.0.113.9", &["198.51.100.1"], &["10.0.0.1"]), "203.0.113.9");
        assert_eq!(found("10.0.0.1", &["198.51.100.1"], &["10.0.0.1"]), "198.51.100.1");
        assert_eq!(found("::ffff:10.0.0.1", &["198.51.100.1"], &["10.0.0.1"]), "198.51.100.1");
    }

    #[test]
    fn an_alias_is_of_a_network_and_says_nothing_of_it() {
        let secret = InstallationSecret::of("d41fb7c3e2a84960b5f0c9d7813e6a52".into()).expect("random enough");
        let of = |address: &str| alias_of(address.parse().expect("an address"), &secret);
        assert_eq!(of("203.0.113.9"), of("::ffff:203.0.113.9"));
        assert_eq!(of("2001:db8:1:2::9"), of("2001:db8:1:2:ffff::1"), "one network");
        assert_ne!(of("203.0.113.9"), of("203.0.113.8"));
        let other = InstallationSecret::of("7e0c52a9f6d84b13a8e5917c3bd20f64".into()).expect("random enough");
        assert_ne!(of("203.0.113.9"), alias_of("203.0.113.9".parse().expect("an address"), &other));
    }

    #[test]
    fn what_the_client_wrote_itself_says_nothing() {
        let both = ["10.0.0.1", "10.0.0.2"];
        assert_eq!(found("10.0.0.1", &["1.1.1.1, 198.51.100.1, 10.0.0.2"], &both), "198.51.100.1");
        assert_eq!(found("10.0.0.1", &["1.1.1.1", "198.51.100.1, 10.0.0.2"], &both), "198.51.100.1");
        assert_eq!(found("10.0.0.1", &["198.51.100.1, nonsense"], &both), "10.0.0.1");
        assert_eq!(found("10.0.0.1", &[], &both), "10.0.0.1");
    }
}
