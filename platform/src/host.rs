//! Names of machines.

use std::net::IpAddr;

/// Whether a host is this very machine, where nobody listens in between: by name or address, IPv6 with brackets or without.
pub(crate) fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether what is said to this address can be read on the way: it goes without TLS, and to another machine. What is no address at all is for
/// whoever asks there to refuse.
#[must_use]
pub fn is_read_on_the_way(address: &str) -> bool {
    let url = url::Url::parse(address).ok();
    url.is_some_and(|url| url.scheme() == "http" && !url.host_str().is_some_and(is_this_machine))
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

    #[test]
    fn what_goes_in_the_clear_to_others_is_read_on_the_way() {
        for address in ["http://collector:4318", "HTTP://10.0.0.1/x", "http://localhost.example"] {
            assert!(is_read_on_the_way(address), "{address}");
        }
        for address in ["https://api.bmkg.go.id", "http://127.0.0.1:4100/bmkg", "http://[::1]:4318", "http://localhost", "no address"] {
            assert!(!is_read_on_the_way(address), "{address}");
        }
    }
}
