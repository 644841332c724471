//! What the outside knows of this server.

use std::net::IpAddr;

use platform::config::HttpConfig;
use secrecy::SecretString;

use crate::access::Cookies;
use crate::tls::Tls;

/// Address, names and neighbours; by default those of a server that serves its own machine alone.
#[derive(Debug, Clone)]
pub struct Front {
    /// Scheme, host and port as people type them.
    pub origin: String,
    /// Hosts that requests may name.
    pub hosts: Vec<String>,
    /// Other sites whose scripts may ask.
    pub other_origins: Vec<String>,
    pub trusted_proxies: Vec<IpAddr>,
    /// Where TLS ends here.
    pub tls: Option<Tls>,
    pub metrics_token: Option<SecretString>,
    /// Whom to tell of a hole.
    pub security_contact: Option<String>,
    /// Whether people on other machines are served.
    pub is_public: bool,
}

impl Front {
    pub(crate) fn cookies(&self) -> Cookies {
        Cookies { is_secure: self.origin.starts_with("https://") }
    }
}

impl From<&HttpConfig> for Front {
    fn from(config: &HttpConfig) -> Self {
        Self {
            origin: config.public_origin(),
            hosts: config.hosts(),
            other_origins: config.other_origins(),
            trusted_proxies: config.proxies(),
            tls: config.tls().map(|(certificate, key)| Tls { certificate: certificate.to_owned(), key: key.to_owned() }),
            metrics_token: config.metrics_token.clone(),
            security_contact: config.security_contact.clone(),
            is_public: config.public_url.is_some(),
        }
    }
}

impl Default for Front {
    fn default() -> Self {
        Self::from(&HttpConfig::default())
    }
}
