use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use url::{Position, Url};

use super::ConfigError;
use super::setting::settings;

settings! {
    /// Where the API listens, and for whom.
    pub struct HttpConfig in "http" {
        /// Address to listen on. Other machines can reach the API only if it also knows its public address.
        bind: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST), "VIRALCAST_HTTP__BIND";
        /// TCP port to listen on; 0 lets the system choose one.
        port: u16 = 4000, "VIRALCAST_HTTP__PORT";
        /// Address under which people reach the API, as in `https://app.example.id`: links in mails, cookies and the host check follow
        /// it. TLS ends here (`tls_certificate`), or in a proxy before us (`trusted_proxies`). Unset: this machine alone is served.
        public_url: Option<String> = None, "VIRALCAST_HTTP__PUBLIC_URL";
        /// File with the certificate and those that vouch for it, in PEM, as in `/etc/letsencrypt/live/app.example.id/fullchain.pem`. With
        /// `tls_key` the port speaks TLS and nothing else; when the files change they are read again. Unset: the port speaks plain HTTP.
        tls_certificate: Option<PathBuf> = None, "VIRALCAST_HTTP__TLS_CERTIFICATE";
        /// File with the certificate's private key, in PEM.
        tls_key: Option<PathBuf> = None, "VIRALCAST_HTTP__TLS_KEY";
        /// Other sites whose scripts may ask with a bearer token, as in `https://a.example,https://b.example`. None by default.
        allowed_origins: Option<String> = None, "VIRALCAST_HTTP__ALLOWED_ORIGINS";
        /// Addresses of proxies whose `X-Forwarded-For` is believed, as in `10.0.0.5,10.0.0.6`. None by default.
        trusted_proxies: Option<String> = None, "VIRALCAST_HTTP__TRUSTED_PROXIES";
        /// Requests that one user, or one address without a sign-in, may make in a minute.
        requests_a_minute: u32 = 300, "VIRALCAST_HTTP__REQUESTS_A_MINUTE";
        /// Live streams that one user may have open: tabs and phones.
        streams_a_person: usize = 10, "VIRALCAST_HTTP__STREAMS_A_PERSON";
        /// Bearer token with which a collector reads `/metrics`. Without it operators do, and on a server of this machine alone everyone.
        metrics_token: Option<SecretString> = None, "VIRALCAST_HTTP__METRICS_TOKEN";
        /// Whom to tell of a hole, as in `mailto:keamanan@app.example.id`: what `/.well-known/security.txt` says. Unset: there is none.
        security_contact: Option<String> = None, "VIRALCAST_HTTP__SECURITY_CONTACT";
        /// Seconds after which a request that is still being worked on is answered with 503.
        request_timeout_seconds: u64 = 30, "VIRALCAST_HTTP__REQUEST_TIMEOUT_SECONDS";
        /// Seconds that running requests and jobs get to finish at shutdown.
        shutdown_seconds: u64 = 20, "VIRALCAST_HTTP__SHUTDOWN_SECONDS";
    }
}

/// Names of this machine itself.
const LOCAL_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

impl HttpConfig {
    /// Address and port to listen on.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.bind, self.port)
    }

    /// What the port speaks.
    pub fn scheme(&self) -> &'static str {
        if self.tls().is_some() { "https" } else { "http" }
    }

    /// Certificate and key, where TLS ends here.
    pub fn tls(&self) -> Option<(&Path, &Path)> {
        self.tls_certificate.as_deref().zip(self.tls_key.as_deref())
    }

    /// Where people reach us, without a slash at the end.
    pub fn public_origin(&self) -> String {
        match self.public_url.as_deref().and_then(origin) {
            Some(url) => url[..Position::BeforePath].to_owned(),
            None => format!("{}://localhost:{}", self.scheme(), self.port),
        }
    }

    /// Host names that requests may name.
    pub fn hosts(&self) -> Vec<String> {
        let public = self.public_url.as_deref().and_then(origin).and_then(|url| url.host_str().map(str::to_owned));
        LOCAL_HOSTS.map(str::to_owned).into_iter().chain(public).collect()
    }

    /// Origins of other sites that may ask.
    pub fn other_origins(&self) -> Vec<String> {
        listed(self.allowed_origins.as_deref()).filter_map(origin).map(|url| url[..Position::BeforePath].to_owned()).collect()
    }

    pub fn proxies(&self) -> Vec<IpAddr> {
        listed(self.trusted_proxies.as_deref()).filter_map(|text| text.parse().ok()).collect()
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let invalid = |key, env, value: &str, reason, hint| Err(ConfigError::Invalid { key, env, value: value.to_owned(), reason, hint });
        if let Some(text) = &self.public_url {
            let (key, env) = ("http.public_url", "VIRALCAST_HTTP__PUBLIC_URL");
            let Some(url) = origin(text) else {
                return invalid(key, env, text, "it is not the address of a site", "write it as https://app.example.id, without a path");
            };
            if url.scheme() == "http" && !url.host_str().is_some_and(|host| LOCAL_HOSTS.contains(&host)) {
                return invalid(
                    key,
                    env,
                    text,
                    "passwords would cross the network in the clear",
                    "set VIRALCAST_HTTP__TLS_CERTIFICATE and _TLS_KEY or let a proxy speak TLS, and write https://",
                );
            }
        }
        if self.tls_certificate.is_some() != self.tls_key.is_some() {
            let (key, env, hint) = match self.tls_key {
                None => ("http.tls_key", "VIRALCAST_HTTP__TLS_KEY", "name the file with its private key"),
                Some(_) => ("http.tls_certificate", "VIRALCAST_HTTP__TLS_CERTIFICATE", "name the file with its certificate"),
            };
            return invalid(key, env, "(unset)", "a certificate and its key belong together", hint);
        }
        if self.public_origin().starts_with("https://") && self.tls().is_none() && self.trusted_proxies.is_none() {
            return invalid(
                "http.trusted_proxies",
                "VIRALCAST_HTTP__TRUSTED_PROXIES",
                "(unset)",
                "with TLS in a proxy before us, everybody would come from the proxy's address and share one quota",
                "name the proxy's address, as in 127.0.0.1, or let TLS end here by VIRALCAST_HTTP__TLS_CERTIFICATE and _TLS_KEY",
            );
        }
        if !self.bind.is_loopback() && self.public_url.is_none() {
            return invalid(
                "http.bind",
                "VIRALCAST_HTTP__BIND",
                &self.bind.to_string(),
                "other machines would reach an API that does not know its own address",
                "set VIRALCAST_HTTP__PUBLIC_URL as well, or use 127.0.0.1",
            );
        }
        if let Some(text) = &self.security_contact
            && !Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "mailto" | "https" | "tel"))
        {
            let (key, env) = ("http.security_contact", "VIRALCAST_HTTP__SECURITY_CONTACT");
            return invalid(
                key,
                env,
                text,
                "it is no way to reach anybody",
                "write mailto:keamanan@app.example.id, or an https:// address",
            );
        }
        if let Some(text) = listed(self.allowed_origins.as_deref()).find(|text| origin(text).is_none()) {
            let (key, env) = ("http.allowed_origins", "VIRALCAST_HTTP__ALLOWED_ORIGINS");
            return invalid(key, env, text, "it is not the address of a site", "write it as https://a.example,https://b.example");
        }
        if let Some(text) = listed(self.trusted_proxies.as_deref()).find(|text| text.parse::<IpAddr>().is_err()) {
            let (key, env) = ("http.trusted_proxies", "VIRALCAST_HTTP__TRUSTED_PROXIES");
            return invalid(key, env, text, "it is not an address", "write addresses as in 10.0.0.5,10.0.0.6");
        }
        Ok(())
    }
}

/// Scheme, host and port, and nothing else.
fn origin(text: &str) -> Option<Url> {
    let url = Url::parse(text.trim()).ok()?;
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    (matches!(url.scheme(), "http" | "https") && url.has_host() && is_bare).then_some(url)
}

fn listed(text: Option<&str>) -> impl Iterator<Item = &str> {
    text.unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl FnOnce(&mut HttpConfig)) -> HttpConfig {
        let mut config = HttpConfig::default();
        change(&mut config);
        config
    }

    #[test]
    fn a_server_for_others_knows_its_address_and_speaks_tls() {
        let refused = |config: HttpConfig| config.check().err().map(|error| error.to_string());
        let public = |text: &str| with(|config| config.public_url = Some(text.to_owned()));
        assert!(refused(with(|config| config.bind = "0.0.0.0".parse().expect("an address"))).expect("refused").contains("http.bind"));
        assert!(refused(public("http://app.example.id")).is_some());
        assert!(refused(public("https://app.example.id/app")).is_some());
        assert!(refused(public("app.example.id")).is_some());
        assert_eq!(refused(public("http://localhost:4000")), None);
        let mut served = public("https://app.example.id");
        assert!(refused(served.clone()).expect("refused").contains("http.trusted_proxies"));
        served.trusted_proxies = Some("127.0.0.1".to_owned());
        served.bind = "0.0.0.0".parse().expect("an address");
        assert_eq!(refused(served.clone()), None);
        assert_eq!(served.public_origin(), "https://app.example.id");
        assert!(served.hosts().contains(&"app.example.id".to_owned()));
        assert_eq!(HttpConfig::default().public_origin(), "http://localhost:4000");
    }

    #[test]
    fn where_tls_ends_here_no_proxy_is_needed_and_a_certificate_has_a_key() {
        let (certificate, key) = (Some(PathBuf::from("certificate.pem")), Some(PathBuf::from("key.pem")));
        let half = with(|config| config.tls_certificate.clone_from(&certificate));
        assert!(half.check().expect_err("refused").to_string().contains("http.tls_key"));
        let half = with(|config| config.tls_key.clone_from(&key));
        assert!(half.check().expect_err("refused").to_string().contains("http.tls_certificate"));
        let mut whole = HttpConfig { tls_certificate: certificate, tls_key: key, ..HttpConfig::default() };
        assert_eq!(whole.public_origin(), "https://localhost:4000");
        whole.public_url = Some("https://app.example.id".to_owned());
        whole.bind = "0.0.0.0".parse().expect("an address");
        assert!(whole.check().is_ok());
    }

    #[test]
    fn whom_to_tell_of_a_hole_can_be_reached() {
        for contact in ["mailto:keamanan@app.example.id", "https://app.example.id/keamanan", "tel:+62-21-5550100"] {
            assert!(with(|config| config.security_contact = Some(contact.to_owned())).check().is_ok(), "{contact}");
        }
        for contact in ["keamanan@app.example.id", "http://app.example.id", "javascript:alert(1)"] {
            let error = with(|config| config.security_contact = Some(contact.to_owned())).check().expect_err(contact).to_string();
            assert!(error.contains("http.security_contact"), "{error}");
        }
    }

    #[test]
    fn lists_are_checked_part_by_part() {
        let origins = with(|config| config.allowed_origins = Some("https://a.example, https://b.example:8443".to_owned()));
        assert_eq!(origins.other_origins(), ["https://a.example", "https://b.example:8443"]);
        assert!(with(|config| config.allowed_origins = Some("https://a.example,*".to_owned())).check().is_err());
        assert!(with(|config| config.trusted_proxies = Some("10.0.0.5,proxy".to_owned())).check().is_err());
        assert_eq!(with(|config| config.trusted_proxies = Some("10.0.0.5".to_owned())).proxies().len(), 1);
    }
}
