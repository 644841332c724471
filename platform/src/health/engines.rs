//! Engines beside the database: which they are, and whether they answer.

use std::time::Duration;

use domain::{Hint, chain};

use super::Check;
use crate::config::Config;
use crate::mail::SmtpMailer;
use crate::redis;

/// The oldest major version that we test with.
const OLDEST_REDIS: u32 = 7;
/// What a mail server may take for each answer while an operator waits.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn cache(config: &Config) -> Check {
    const NAME: &str = "cache";
    let Some(url) = &config.cache.redis_url else {
        return Check::ok(NAME, "in each process");
    };
    match redis::version(url).await {
        Ok(version) if major(&version) >= OLDEST_REDIS => Check::ok(NAME, format!("Redis {version}")),
        Ok(version) => Check::warning(NAME, format!("Redis {version}"), "use Redis 7 or newer: older ones are not tested"),
        Err(error) => Check::failed(
            NAME,
            chain(&error),
            "see that Redis runs and REDIS_URL is right, or unset it; meanwhile everything works, but slower and with limits that count per process",
        ),
    }
}

fn major(version: &str) -> u32 {
    version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or_default()
}

/// Connects and logs in; sends nothing.
pub(super) async fn mail(config: &Config) -> Check {
    const NAME: &str = "mail";
    let Some(url) = &config.mail.smtp_url else {
        return Check::ok(NAME, "written to the folder `mail` in the data folder");
    };
    let mailer = match SmtpMailer::new(url, &config.mail.from) {
        Ok(mailer) => mailer.with_patience(PATIENCE),
        Err(error) => return Check::failed(NAME, error.to_string(), error.hint().unwrap_or_default()),
    };
    match mailer.greet().await {
        Ok(()) => Check::ok(NAME, format!("{} lets us in", mailer.station())),
        Err(error) => {
            Check::failed(NAME, chain(&error), "see that SMTP_URL has the right host, port, user and password, and that the server runs")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_apart_by_their_first_number() {
        assert_eq!(["7.0.15", "10.2", "6.2.1", ""].map(major), [7, 10, 6, 0]);
    }
}
