use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::ConfigError;
use super::setting::settings;

settings! {
    /// Where the API listens.
    pub struct HttpConfig in "http" {
        /// Address to listen on. Only addresses of this machine itself are allowed until the API has logins.
        bind: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST), "VIRALCAST_HTTP__BIND";
        /// TCP port to listen on; 0 lets the system choose one.
        port: u16 = 4000, "VIRALCAST_HTTP__PORT";
        /// Seconds after which a request that is still being worked on is answered with 503.
        request_timeout_seconds: u64 = 30, "VIRALCAST_HTTP__REQUEST_TIMEOUT_SECONDS";
        /// Seconds that running requests and jobs get to finish at shutdown.
        shutdown_seconds: u64 = 20, "VIRALCAST_HTTP__SHUTDOWN_SECONDS";
    }
}

impl HttpConfig {
    /// Address and port to listen on.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.bind, self.port)
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        match self.bind.is_loopback() {
            true => Ok(()),
            false => Err(ConfigError::Invalid {
                key: "http.bind",
                env: "VIRALCAST_HTTP__BIND",
                value: self.bind.to_string(),
                reason: "the API has no logins yet and must not be reachable from other machines",
                hint: "use 127.0.0.1 or ::1 and put a proxy with a login in front",
            }),
        }
    }
}
