//! One question from start to end.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::chain;
use rand::Rng as _;
use tokio::time::{sleep, timeout};

use super::error::SOON;
use super::reply::kept_headers;
use super::{AskError, Manners, Method, Polite, Question, Reply};
use crate::clock::Clock;
use crate::database::begin;
use crate::db::error::InTable as _;
use crate::db::quota_leases::{Leased, lease_quotas};
use crate::db::source_breakers::{close_breaker, note_failure, pass_breaker};

/// Times that a question is put before its failure is told.
const TRIES: u32 = 3;
/// Bytes of an answer.
const LIMIT: usize = 64 << 20;

impl Polite {
    /// Puts a question and waits for the answer. Failures that may pass are tried again with decorrelated jitter (Brooker 2015,
    /// "Exponential backoff and jitter"), each try within the quotas; what the service asks for (`Retry-After`) comes first. Any
    /// answer below 500 is an answer, but for 429 and for a page where data should be: what it means, the source knows.
    ///
    /// # Errors
    /// [`AskError`]. [`AskError::is_unasked`] tells whether anything left this machine.
    pub async fn ask(&self, manners: &Manners, clock: &dyn Clock, question: &Question) -> Result<Reply, AskError> {
        let (mut pause, mut tries) = (self.pauses.0, 0);
        loop {
            let error = match self.try_once(manners, clock, question).await {
                Ok(reply) => {
                    close_breaker(&self.pool, manners.source).await?;
                    return Ok(reply);
                }
                Err(error) if error.is_unasked() => return Err(error),
                Err(error) => error,
            };
            metrics::counter!("outside_failures_total", "source" => manners.source).increment(1);
            tries += 1;
            if tries == TRIES || !error.may_pass_soon() {
                note_failure(&self.pool, manners.source, &chain(&error), error.wait().filter(|wait| *wait > SOON)).await?;
                return Err(error);
            }
            pause = jittered(self.pauses, pause).max(error.wait().unwrap_or_default());
            sleep(pause).await;
        }
    }

    async fn try_once(&self, manners: &Manners, clock: &dyn Clock, question: &Question) -> Result<Reply, AskError> {
        let source_name = manners.source;
        if let Some(wait) = pass_breaker(&self.pool, source_name).await? {
            return Err(AskError::Open { source_name, wait });
        }
        self.lease(manners).await?;
        let answer = timeout(manners.timeout, self.send(source_name, clock, question)).await;
        let reply = answer.unwrap_or(Err(AskError::Server { source_name, status: 504 }))?;
        metrics::counter!("outside_requests_total", "source" => source_name, "status" => reply.status.to_string()).increment(1);
        let status = reply.status;
        match status {
            429 => Err(AskError::TooMany { source_name, wait: retry_after(&reply, clock.now()) }),
            500.. => Err(AskError::Server { source_name, status }),
            200..=299 if reply.bytes.is_empty() => Err(AskError::Empty { source_name }),
            _ if reply.is_page() => Err(AskError::Blocked { source_name, status }),
            _ => Ok(reply),
        }
    }

    /// A short wait for the quota is waited out here, a long one is the caller's.
    async fn lease(&self, manners: &Manners) -> Result<(), AskError> {
        loop {
            let mut transaction = begin(&self.pool).await.in_table("quota_leases", "lease a quota")?;
            let leased = lease_quotas(&mut transaction, &manners.quotas, manners.units, &self.holder).await?;
            transaction.commit().await.in_table("quota_leases", "lease a quota")?;
            match leased {
                Leased::Granted => return Ok(()),
                Leased::Wait(wait) if wait <= SOON => sleep(wait).await,
                Leased::Wait(wait) => return Err(AskError::Quota { source_name: manners.source, wait }),
            }
        }
    }

    async fn send(&self, source_name: &'static str, clock: &dyn Clock, question: &Question) -> Result<Reply, AskError> {
        let failed = |source: reqwest::Error| AskError::Transport { source_name, source: source.without_url() };
        let mut request = match question.method {
            Method::Get => self.client.get(&question.url),
            Method::Post => self.client.post(&question.url),
        };
        request = request.query(&question.query).query(&question.secrets);
        for (name, value) in &question.headers {
            request = request.header(*name, value);
        }
        if let Some(body) = &question.body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let mut response = request.send().await.map_err(failed)?;
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if bytes.len() + chunk.len() > LIMIT {
                return Err(AskError::TooLong { source_name, limit: LIMIT });
            }
            bytes.extend_from_slice(&chunk);
        }
        let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Reply {
            url: without(response.url(), &question.secrets),
            status: response.status().as_u16(),
            headers: kept_headers(response.headers()),
            content_type,
            bytes,
            fetched_at: clock.now(),
        })
    }
}

/// An address to be kept.
fn without(url: &reqwest::Url, secrets: &[(&'static str, String)]) -> String {
    if secrets.is_empty() {
        return url.to_string();
    }
    let mut kept = url.clone();
    let told = url.query_pairs().filter(|(name, _)| !secrets.iter().any(|(secret, _)| secret == name));
    kept.query_pairs_mut().clear().extend_pairs(told);
    kept.to_string()
}

/// Seconds, or a date of HTTP.
fn retry_after(reply: &Reply, now: DateTime<Utc>) -> Option<Duration> {
    let text = reply.headers.get("retry-after")?.as_str()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds.min(24 * 3600)));
    }
    let at = DateTime::parse_from_rfc2822(text).ok()?;
    Some((at.with_timezone(&Utc) - now).to_std().unwrap_or_default())
}

/// Somewhere between the least pause and three times the last one.
fn jittered((least, most): (Duration, Duration), last: Duration) -> Duration {
    let (least, most) = (least.as_secs_f64(), (last * 3).min(most).as_secs_f64());
    Duration::from_secs_f64(rand::thread_rng().gen_range(least..=most.max(least)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = DateTime::parse_from_rfc3339("2026-11-28T10:00:00Z").expect("a time").with_timezone(&Utc);
        let told = |text: &str| {
            let headers = [("retry-after".to_owned(), text.into())].into_iter().collect();
            let reply = Reply { url: String::new(), status: 429, headers, content_type: None, bytes: Vec::new(), fetched_at: now };
            retry_after(&reply, now).map(|wait| wait.as_secs())
        };
        assert_eq!(told("120"), Some(120));
        assert_eq!(told("Sat, 28 Nov 2026 10:01:00 GMT"), Some(60));
        assert_eq!(told("Sat, 28 Nov 2026 09:00:00 GMT"), Some(0), "a time that is past");
        assert_eq!(told("99999999999"), Some(24 * 3600));
        assert_eq!(told("soon"), None);
    }

    #[test]
    fn secrets_are_not_kept() {
        let url = "https://example.test/v1?latitude=-6.9&apikey=hush&daily=a%2Cb".parse().expect("a url");
        assert_eq!(without(&url, &[("apikey", "hush".to_owned())]), "https://example.test/v1?latitude=-6.9&daily=a%2Cb");
    }

    #[test]
    fn pauses_stay_in_their_bounds() {
        let bounds = (Duration::from_millis(300), Duration::from_secs(10));
        let mut pause = bounds.0;
        for _ in 0..1000 {
            pause = jittered(bounds, pause);
            assert!(pause >= bounds.0 && pause <= bounds.1, "{pause:?}");
        }
    }
}
