//! How much the organisation may use of a model: requests by day, tokens by minute.
//!
//! The recorded numbers all follow from two buckets that drain evenly. 2 of 1,000 requests used up reset in `2m52.8s`, 73 of
//! 8,000 tokens in `547ms`; with 5,297 used, 4,702 more have to wait for 14.9925 s.

use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderValue};
use serde::Deserialize;

use super::refusal::Refusal;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MINUTE: Duration = Duration::from_secs(60);

/// What the organisation may use, of each model.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests in a day.
    pub requests: u32,
    /// Tokens in a minute.
    pub tokens: u32,
}

/// Those of a free account.
impl Default for Limits {
    fn default() -> Self {
        Limits { requests: 1_000, tokens: 8_000 }
    }
}

/// What it has used.
#[derive(Debug, Default)]
pub(super) struct Used {
    requests: Bucket,
    tokens: Bucket,
}

impl Used {
    pub(super) fn admit(&mut self, limits: Limits, model: &str, tokens: u32, now: Instant) -> Result<HeaderMap, Refusal> {
        let by_day = Rate::new(limits.requests, DAY);
        let by_minute = Rate::new(limits.tokens, MINUTE);
        if tokens > by_minute.limit {
            let place = place(model, "tokens per minute (TPM)");
            let message = format!(
                "Request too large for {place}: Limit {}, Requested {tokens}, please reduce your message size and try again.",
                by_minute.limit
            );
            return Err(Refusal::above_the_limit(message));
        }
        let day = ("requests", "requests per day (RPD)");
        let minute = ("tokens", "tokens per minute (TPM)");
        for (bucket, rate, wanted, (kind, unit)) in [(&self.requests, by_day, 1, day), (&self.tokens, by_minute, tokens, minute)] {
            let wait = bucket.wait(rate, wanted, now);
            if !wait.is_zero() {
                let message = exceeded(&place(model, unit), bucket.used(rate, now), rate, wanted, wait);
                return Err(Refusal::rate_limited(kind, message, whole_seconds(wait), self.headers(limits, now)));
            }
        }
        self.requests.add(by_day, 1, now);
        self.tokens.add(by_minute, tokens, now);
        Ok(self.headers(limits, now))
    }

    /// An answer is never held back: it may use up what later requests will miss.
    pub(super) fn spend(&mut self, limits: Limits, tokens: u32, now: Instant) {
        self.tokens.add(Rate::new(limits.tokens, MINUTE), tokens, now);
    }

    fn headers(&self, limits: Limits, now: Instant) -> HeaderMap {
        let (by_day, by_minute) = (Rate::new(limits.requests, DAY), Rate::new(limits.tokens, MINUTE));
        let mut headers = HeaderMap::new();
        headers.insert("x-ratelimit-limit-requests", by_day.limit.into());
        headers.insert("x-ratelimit-limit-tokens", by_minute.limit.into());
        headers.insert("x-ratelimit-remaining-requests", by_day.limit.saturating_sub(self.requests.used(by_day, now)).into());
        headers.insert("x-ratelimit-remaining-tokens", by_minute.limit.saturating_sub(self.tokens.used(by_minute, now)).into());
        headers.insert("x-ratelimit-reset-requests", reset(self.requests.busy(now)));
        headers.insert("x-ratelimit-reset-tokens", reset(self.tokens.busy(now)));
        headers
    }
}

fn place(model: &str, unit: &str) -> String {
    format!("model `{model}` in organization `org_standin` service tier `on_demand` on {unit}")
}

fn exceeded(place: &str, used: u32, rate: Rate, wanted: u32, wait: Duration) -> String {
    format!(
        "Rate limit reached for {place}: Limit {}, Used {used}, Requested {wanted}. Please try again in {}. Need more tokens? Upgrade to \
         Dev Tier today at https://console.groq.com/settings/billing",
        rate.limit,
        go_duration(wait)
    )
}

#[derive(Debug, Clone, Copy)]
struct Rate {
    limit: u32,
    period: Duration,
    each: Duration,
}

impl Rate {
    fn new(limit: u32, period: Duration) -> Self {
        let limit = limit.max(1);
        Rate { limit, period, each: period / limit }
    }
}

/// A bucket, kept as the time at which it will have drained.
#[derive(Debug, Default)]
struct Bucket {
    empty_at: Option<Instant>,
}

impl Bucket {
    fn busy(&self, now: Instant) -> Duration {
        self.empty_at.map_or(Duration::ZERO, |empty_at| empty_at.saturating_duration_since(now))
    }

    fn used(&self, rate: Rate, now: Instant) -> u32 {
        let used = self.busy(now).as_nanos().div_ceil(rate.each.as_nanos().max(1));
        u32::try_from(used).unwrap_or(u32::MAX)
    }

    /// How long until so much fits in.
    fn wait(&self, rate: Rate, amount: u32, now: Instant) -> Duration {
        (self.busy(now) + rate.each.saturating_mul(amount)).saturating_sub(rate.period)
    }

    fn add(&mut self, rate: Rate, amount: u32, now: Instant) {
        self.empty_at = now.checked_add(self.busy(now) + rate.each.saturating_mul(amount));
    }
}

/// For a client that waits in seconds: never too short.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// In a header, below a millisecond nothing is told.
fn reset(duration: Duration) -> HeaderValue {
    let whole = Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
    HeaderValue::from_str(&go_duration(whole)).unwrap_or(HeaderValue::from_static("0s"))
}

/// A duration as Go writes it: `2m52.8s`, `547ms`.
fn go_duration(duration: Duration) -> String {
    let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
    let decimal = |whole: u64, fraction: u32, places: usize| {
        let text = format!("{whole}.{fraction:0places$}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    match (seconds, nanos) {
        (0, 0) => "0s".to_owned(),
        (0, nanos) => format!("{}ms", decimal(u64::from(nanos / 1_000_000), nanos % 1_000_000, 6)),
        (seconds, nanos) => {
            let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
            let rest = format!("{}s", decimal(seconds % 60, nanos, 9));
            match (hours, minutes) {
                (0, 0) => rest,
                (0, minutes) => format!("{minutes}m{rest}"),
                (hours, minutes) => format!("{hours}h{minutes}m{rest}"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_give_the_recorded_numbers() {
        let (rate, now) = (Rate::new(8_000, MINUTE), Instant::now());
        let mut bucket = Bucket::default();
        bucket.add(rate, 5_297, now);
        assert_eq!(go_duration(bucket.wait(rate, 4_702, now)), "14.9925s");
        assert_eq!((bucket.used(rate, now), bucket.wait(rate, 2_703, now)), (5_297, Duration::ZERO));
        assert_eq!(bucket.used(rate, now + Duration::from_secs(30)), 1_297);
        let mut requests = Bucket::default();
        requests.add(Rate::new(1_000, DAY), 2, now);
        assert_eq!(reset(requests.busy(now)), "2m52.8s");
        let mut tokens = Bucket::default();
        tokens.add(rate, 73, now);
        assert_eq!(reset(tokens.busy(now)), "547ms");
    }

    #[test]
    fn durations_are_written_as_go_does() {
        let written =
            [0, 999_999, 1_000_000, 1_500_000_000, 60_000_000_000, 3_600_000_000_000].map(|n| go_duration(Duration::from_nanos(n)));
        assert_eq!(written, ["0s", "0.999999ms", "1ms", "1.5s", "1m0s", "1h0m0s"]);
    }
}
