use std::net::IpAddr;

use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

const STARTTLS_PORT: u16 = 587;
const TLS_PORT: u16 = 465;

/// Where mail is handed over, and how: `smtp://USER:PASSWORD@HOST:587` with STARTTLS, `smtps://USER:PASSWORD@HOST:465` with TLS from the first byte.
#[derive(Debug, Clone)]
pub(crate) struct MailServer {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub login: Option<(String, SecretString)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    /// To this very machine only, where nobody can listen in.
    Plain,
    /// Demanded, not just taken where offered: else whoever is in between could make both sides go without.
    StartTls,
    Tls,
}

impl MailServer {
    /// What is wrong is said without the address, which holds a password.
    pub fn parse(address: &SecretString) -> Result<Self, &'static str> {
        let url = Url::parse(address.expose_secret()).map_err(|_| "it is no URL")?;
        // Of schemes that it does not know, the crate takes IP addresses for names.
        let host = url.host_str().and_then(|host| Host::parse(host).ok()).ok_or("it names no host")?;
        let demands_tls = match url.query() {
            None => false,
            Some("tls=required") => true,
            Some(_) => return Err("all that may follow `?` is `tls=required`"),
        };
        let security = match url.scheme() {
            "smtps" => Security::Tls,
            "smtp" if is_loopback(&host) && !demands_tls => Security::Plain,
            "smtp" => Security::StartTls,
            _ => return Err("it begins with neither smtp:// nor smtps://"),
        };
        let usual = if security == Security::Tls { TLS_PORT } else { STARTTLS_PORT };
        let port = url.port().unwrap_or(usual);
        if security == Security::StartTls && port == TLS_PORT {
            return Err("port 465 speaks TLS from the first byte: begin with smtps://");
        }
        Ok(Self { host: bare(&host), port, security, login: login(&url)? })
    }
}

fn login(url: &Url) -> Result<Option<(String, SecretString)>, &'static str> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(String::from).map_err(|_| "user or password is not UTF-8");
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) | (_, None) => Err("user and password go together"),
        (user, Some(password)) => Ok(Some((decoded(user)?, SecretString::from(decoded(password)?)))),
    }
}

fn is_loopback(host: &Host) -> bool {
    match host {
        Host::Domain(name) => name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback()),
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    }
}

/// As connecting wants it: an IPv6 address without brackets.
fn bare(host: &Host) -> String {
    match host {
        Host::Domain(name) => name.clone(),
        Host::Ipv4(ip) => ip.to_string(),
        Host::Ipv6(ip) => ip.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(address: &str) -> Result<MailServer, &'static str> {
        MailServer::parse(&SecretString::from(address.to_owned()))
    }

    #[test]
    fn only_the_loopback_goes_without_tls() {
        let security = |address: &str| parse(address).map(|server| (server.security, server.port));
        for near in ["smtp://localhost:25", "smtp://127.0.0.1:25", "smtp://[::1]:25"] {
            assert_eq!(security(near), Ok((Security::Plain, 25)), "{near}");
            assert_eq!(security(&format!("{near}?tls=required")), Ok((Security::StartTls, 25)), "{near}");
        }
        for far in ["smtp://mail.example.id", "smtp://192.0.2.1", "smtp://[2001:db8::1]", "smtp://localhost.example.id"] {
            assert_eq!(security(far), Ok((Security::StartTls, 587)), "{far}");
        }
        assert_eq!(security("smtps://mail.example.id"), Ok((Security::Tls, 465)));
        assert_eq!(security("smtps://127.0.0.1:1465"), Ok((Security::Tls, 1465)));
    }

    #[test]
    fn a_login_may_hold_any_letters() {
        let (user, password) = parse("smtp://a%40b:p%2Fss+w%3A%C3%A9@mail.example.id").expect("an address").login.expect("a login");
        assert_eq!((user.as_str(), password.expose_secret()), ("a@b", "p/ss+w:\u{e9}"));
        assert!(parse("smtp://mail.example.id").expect("an address").login.is_none());
    }

    #[test]
    fn the_rest_is_refused() {
        for wrong in [
            "mail.example.id:587",
            "smtp://",
            "http://mail.example.id",
            "smtp://mail.example.id:465",
            "smtp://mail.example.id?tls=none",
            "smtp://user@mail.example.id",
            "smtp://:pass@mail.example.id",
            "smtp://a:%FF@mail.example.id",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
