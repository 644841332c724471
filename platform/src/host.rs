//! Names of machines.

use std::net::IpAddr;

/// Whether a host is this very machine, where nobody listens in between: by name or address, IPv6 with brackets or without.
pub(crate) fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_few_names() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.1.2.3", "::1", "[::1]"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in ["", "redis", "10.0.0.1", "localhost.example", "127.0.0.1.example", "0.0.0.0", "[::2]"] {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
