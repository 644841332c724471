//! What every limiter must do; an implementation calls [`conformance`] from its tests.

use std::time::Duration;

use futures::future::join_all;

use super::{Quota, RateLimiter, Verdict};

const HOUR: Duration = Duration::from_secs(3600);

/// Runs all checks against a limiter that nobody else uses. Takes about a second: it waits for quotas to refill.
///
/// # Panics
/// With the rule that is broken.
pub async fn conformance(limiter: &dyn RateLimiter) {
    allows_the_quota_and_no_more(limiter).await;
    keeps_keys_apart(limiter).await;
    allows_the_quota_to_many_at_once(limiter).await;
    keeps_its_word(limiter).await;
    keeps_odd_quotas(limiter).await;
}

async fn allows_the_quota_and_no_more(limiter: &dyn RateLimiter) {
    let quota = Quota { requests: 5, window: HOUR };
    for left in (0..5).rev() {
        let verdict = limiter.take("quota", quota).await;
        assert_eq!(
            (verdict.allowed, verdict.limit, verdict.remaining, verdict.retry_after),
            (true, 5, left, Duration::ZERO),
            "{verdict:?}"
        );
        assert_about(verdict.reset_after, HOUR / 5 * (5 - left), "each request takes its share of the window");
    }
    for _ in 0..3 {
        let verdict = limiter.take("quota", quota).await;
        assert_eq!((verdict.allowed, verdict.remaining), (false, 0), "the quota is used up: {verdict:?}");
        assert_about(verdict.retry_after, HOUR / 5, "one is back after its share of the window; asking in vain does not move that");
        assert_about(verdict.reset_after, HOUR, "and all after the window");
    }
}

async fn keeps_keys_apart(limiter: &dyn RateLimiter) {
    let quota = Quota { requests: 1, window: HOUR };
    for key in ["apart", "apart:1", "", "Ibu Sari \u{1f336}", "a b\r\nDEL *"] {
        assert!(limiter.take(key, quota).await.allowed, "`{key}` has a quota of its own");
        assert!(!limiter.take(key, quota).await.allowed, "and no more than that");
    }
}

async fn allows_the_quota_to_many_at_once(limiter: &dyn RateLimiter) {
    let quota = Quota { requests: 10, window: HOUR };
    let verdicts = join_all((0..100).map(|_| limiter.take("many", quota))).await;
    let mut left: Vec<u32> = verdicts.iter().filter(|verdict| verdict.allowed).map(|verdict| verdict.remaining).collect();
    left.sort_unstable();
    assert_eq!(left, (0..10).collect::<Vec<_>>(), "ten of a hundred are allowed, and each is told what is left after it");
}

async fn keeps_its_word(limiter: &dyn RateLimiter) {
    let quota = Quota { requests: 2, window: Duration::from_millis(600) };
    let refused = exhaust(limiter, "word", quota).await;
    tokio::time::sleep(refused.retry_after).await;
    assert!(limiter.take("word", quota).await.allowed, "one is allowed when it was told to come back");
    let refused = exhaust(limiter, "word", quota).await;
    tokio::time::sleep(refused.reset_after).await;
    let verdict = limiter.take("word", quota).await;
    assert_eq!((verdict.allowed, verdict.remaining), (true, 1), "the whole quota is there again after the reset");
}

async fn keeps_odd_quotas(limiter: &dyn RateLimiter) {
    let never = limiter.take("never", Quota { requests: 0, window: HOUR }).await;
    assert_eq!((never.allowed, never.remaining, never.retry_after), (false, 0, HOUR), "a quota of none allows none");
    for window in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        let verdict = limiter.take(&format!("odd {window:?}"), Quota { requests: u32::MAX, window }).await;
        assert!(verdict.allowed, "{window:?}: {verdict:?}");
    }
    let wide = Quota { requests: 10, window: HOUR };
    exhaust(limiter, "narrowed", wide).await;
    let narrowed = limiter.take("narrowed", Quota { requests: 1, window: Duration::from_secs(1) }).await;
    assert!(!narrowed.allowed && narrowed.retry_after <= Duration::from_secs(1), "a smaller quota counts at once: {narrowed:?}");
}

async fn exhaust(limiter: &dyn RateLimiter, key: &str, quota: Quota) -> Verdict {
    loop {
        let verdict = limiter.take(key, quota).await;
        if !verdict.allowed {
            return verdict;
        }
    }
}

/// A test takes some time itself.
fn assert_about(found: Duration, expected: Duration, rule: &str) {
    let slack = Duration::from_secs(30);
    assert!(found <= expected + slack && found + slack >= expected, "{rule}: {found:?}, not about {expected:?}");
}
