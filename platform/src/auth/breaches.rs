//! Passwords that others have lost: known to a service that learns the first 20 bits of a hash and nothing else (k-anonymity, as in version 3
//! of haveibeenpwned.com, "Searching by range"; OWASP ASVS 5.0 6.2.12).

use std::time::Duration;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use reqwest::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};

use crate::config::{AuthConfig, OutsideConfig};
use crate::http;

/// Somebody with a new password in mind waits for it.
const PATIENCE: Duration = Duration::from_secs(2);
/// Hexadecimal digits of the hash that are told.
const TOLD: usize = 5;

/// Asks it, where there is one.
#[derive(Debug, Clone, Default)]
pub struct Breaches(Option<Service>);

#[derive(Debug, Clone)]
struct Service {
    client: reqwest::Client,
    /// Without a slash at the end.
    address: String,
}

impl Breaches {
    /// The service that the settings name, if they name one.
    ///
    /// # Errors
    /// If no TLS can be had.
    pub fn open(config: &AuthConfig, outside: &OutsideConfig) -> Result<Self, reqwest::Error> {
        let Some(address) = &config.breached_passwords_url else { return Ok(Self::default()) };
        let client = http::client(outside).timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self(Some(Service { client, address: address.trim_end_matches('/').to_owned() })))
    }

    /// Whether somebody has lost this password. Where the service does not answer nobody is kept out; the log and a counter tell of it.
    pub async fn have(&self, password: &SecretString) -> bool {
        let Some(service) = &self.0 else { return false };
        let hash = hex::encode_upper(digest(&SHA1_FOR_LEGACY_USE_ONLY, password.expose_secret().as_bytes()));
        let (told, kept) = hash.split_at(TOLD);
        match service.ask(told).await {
            Ok(lines) => lines.lines().any(|line| is_lost(line, kept)),
            Err(why) => {
                metrics::counter!("breached_passwords_unanswered_total").increment(1);
                tracing::warn!(why, "a new password could not be looked up among those that were lost");
                false
            }
        }
    }
}

impl Service {
    /// Why not does not say what was told.
    async fn ask(&self, told: &str) -> Result<String, String> {
        // Padded, whoever sees how long the answer is does not know what was asked either.
        let asked = self.client.get(format!("{}/range/{told}", self.address)).header("add-padding", "true");
        let unanswered = |error: reqwest::Error| domain::chain(&error.without_url());
        let answer = asked.send().await.map_err(unanswered)?;
        // It might have moved.
        if answer.status() != StatusCode::OK {
            return Err(format!("it answered {}", answer.status()));
        }
        answer.text().await.map_err(unanswered)
    }
}

/// Of a line as in `0018A45C4D1DEF81644B54AB7F969B88D65:21`. Padding was lost by nobody.
fn is_lost(line: &str, kept: &str) -> bool {
    let Some((hash, count)) = line.trim().split_once(':') else { return false };
    hash.eq_ignore_ascii_case(kept) && count.parse::<u64>().is_ok_and(|count| count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_and_nonsense_say_nothing() {
        let kept = "0018A45C4D1DEF81644B54AB7F969B88D65";
        assert!(is_lost(&format!("{kept}:21\r"), kept) && is_lost(&format!("{}:1", kept.to_lowercase()), kept));
        for line in [format!("{kept}:0"), format!("{kept}:much"), kept.to_owned(), String::new(), format!("{}:5", &kept[1..])] {
            assert!(!is_lost(&line, kept), "{line}");
        }
    }

    #[tokio::test]
    async fn without_a_service_nothing_is_asked() {
        assert!(!Breaches::default().have(&"password".into()).await);
    }
}
