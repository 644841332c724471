//! Asking outside services, politely: within their quotas, not while they are out of order, and not again when they have said no.

mod ask;
mod error;
mod reply;

use std::time::Duration;

use sqlx::PgPool;

pub use crate::db::quota_leases::Quota;
pub use error::AskError;
pub use reply::Reply;

use crate::config::OutsideConfig;

/// What a source promises those it asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manners {
    /// Whose breaker it is.
    pub source: &'static str,
    /// Each is kept by all programs together.
    pub quotas: Vec<Quota>,
    /// Units of every quota that one question costs.
    pub units: u32,
    /// For the whole answer.
    pub timeout: Duration,
}

/// A question: everything of a request but the manners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub method: Method,
    /// Without query and fragment.
    pub url: String,
    pub query: Vec<(&'static str, String)>,
    /// Parts of the query that are never written down.
    pub secrets: Vec<(&'static str, String)>,
    /// Secrets among them are never written down.
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<serde_json::Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
}

impl Question {
    #[must_use]
    pub fn get(url: String) -> Self {
        Self { method: Method::Get, url, query: Vec::new(), secrets: Vec::new(), headers: Vec::new(), body: None }
    }

    #[must_use]
    pub fn post(url: String, body: serde_json::Value) -> Self {
        Self { method: Method::Post, body: Some(body), ..Self::get(url) }
    }

    #[must_use]
    pub fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// A key that travels in the query, where the service knows no better.
    #[must_use]
    pub fn secret(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.secrets.push((name, value.into()));
        self
    }

    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// The one client of a program. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Polite {
    client: reqwest::Client,
    /// Where quotas and breakers are shared.
    pool: PgPool,
    /// Who leases: host and process.
    holder: String,
    /// Between tries at least, and at most.
    pauses: (Duration, Duration),
}

const PAUSES: (Duration, Duration) = (Duration::from_millis(300), Duration::from_secs(10));

/// Keys travel in headers and queries that would go along.
fn within_the_host(attempt: reqwest::redirect::Attempt<'_>) -> reqwest::redirect::Action {
    let is_same = attempt.previous().last().is_some_and(|from| from.origin() == attempt.url().origin());
    if is_same && attempt.previous().len() <= 3 { attempt.follow() } else { attempt.stop() }
}

/// What every client of this product has in common.
pub fn client(config: &OutsideConfig) -> reqwest::ClientBuilder {
    reqwest::Client::builder().user_agent(&config.user_agent).connect_timeout(Duration::from_secs(5))
}

impl Polite {
    /// # Errors
    /// [`AskError::Client`] if TLS cannot be set up.
    pub fn new(pool: PgPool, config: &OutsideConfig) -> Result<Self, AskError> {
        let client = client(config)
            // A vendor that sends us elsewhere is not the vendor that we know.
            .redirect(reqwest::redirect::Policy::custom(within_the_host))
            .build()
            .map_err(AskError::Client)?;
        Ok(Self { client, pool, holder: format!("process {}", std::process::id()), pauses: PAUSES })
    }

    /// The same with other pauses between tries: for tests, which have no time.
    #[must_use]
    pub fn pausing(self, least: Duration, most: Duration) -> Self {
        Self { pauses: (least, most), ..self }
    }
}
