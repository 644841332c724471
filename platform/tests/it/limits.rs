//! Rate limits: both limiters by one suite, and what becomes of a quota when Redis fails.

use std::time::{Duration, Instant};

use platform::config::CacheConfig;
use platform::limits::{self, MemoryLimiter, Quota, RateLimiter, RedisLimiter, testing};
use platform::testing::{SilentSocket, TestRedis};
use secrecy::{ExposeSecret, SecretString};

use crate::eventually;

const HOUR: Duration = Duration::from_secs(3600);
const TEN: Quota = Quota { requests: 10, window: HOUR };

/// Once it counts with Redis; until it is connected it counts for itself.
async fn connected(url: &SecretString) -> RedisLimiter {
    let limiter = RedisLimiter::open(url).expect("a limiter");
    counts_with_redis(&limiter, url).await;
    limiter
}

async fn counts_with_redis(limiter: &RedisLimiter, url: &SecretString) {
    let warm = Quota { requests: 1_000_000, window: Duration::from_secs(1) };
    eventually("it counts with Redis", async || {
        limiter.take("warming", warm).await;
        let known: bool = ask(url, redis::cmd("EXISTS").arg("api:rate_limit:warming")).await.unwrap_or(false);
        (known && !limiter.is_degraded()).then_some(())
    })
    .await;
}

async fn ask<T: redis::FromRedisValue>(url: &SecretString, command: &redis::Cmd) -> redis::RedisResult<T> {
    let mut connection = redis::Client::open(url.expose_secret())?.get_multiplexed_async_connection().await?;
    command.query_async(&mut connection).await
}

async fn allowed(limiter: &dyn RateLimiter, key: &str, asked: u32) -> u32 {
    let mut allowed = 0;
    for _ in 0..asked {
        allowed += u32::from(limiter.take(key, TEN).await.allowed);
    }
    allowed
}

#[tokio::test]
async fn the_memory_limiter_conforms() {
    testing::conformance(&MemoryLimiter::default()).await;
}

#[tokio::test]
async fn the_redis_limiter_conforms() {
    let redis = TestRedis::start();
    let limiter = connected(&redis.url()).await;
    testing::conformance(&limiter).await;
    assert!(!limiter.is_degraded(), "and all the while it was Redis that counted");
}

#[tokio::test]
async fn processes_share_a_quota_through_redis() {
    let redis = TestRedis::start();
    let (one, other) = (connected(&redis.url()).await, connected(&redis.url()).await);
    assert_eq!(allowed(&one, "shared", 6).await + allowed(&other, "shared", 20).await, 10);
    let by_settings = limits::open(&CacheConfig { redis_url: Some(redis.url()), ..CacheConfig::default() }).expect("a limiter");
    assert!(limits::open(&CacheConfig::default()).expect("a limiter").take("shared", TEN).await.allowed, "the embedded one does not");
    eventually("one that the settings name does", async || (!by_settings.take("shared", TEN).await.allowed).then_some(())).await;
}

#[tokio::test]
async fn a_key_goes_when_the_whole_quota_is_there_again() {
    let redis = TestRedis::start();
    let limiter = connected(&redis.url()).await;
    let verdict = limiter.take("going", TEN).await;
    let left: i64 = ask(&redis.url(), redis::cmd("PTTL").arg("api:rate_limit:going")).await.expect("a time");
    let left = Duration::from_millis(u64::try_from(left).expect("it goes some time"));
    assert!(left <= verdict.reset_after + Duration::from_millis(1) && left + Duration::from_secs(30) > verdict.reset_after, "{left:?}");
}

#[tokio::test]
async fn a_redis_that_has_forgotten_the_script_is_told_again() {
    let redis = TestRedis::start();
    let limiter = connected(&redis.url()).await;
    assert_eq!(allowed(&limiter, "script", 5).await, 5);
    ask::<()>(&redis.url(), redis::cmd("SCRIPT").arg("FLUSH")).await.expect("no scripts");
    assert_eq!(allowed(&limiter, "script", 20).await, 5);
    assert!(!limiter.is_degraded());
}

#[tokio::test]
async fn without_redis_the_same_quota_is_counted_at_once_and_not_anew() {
    let mut redis = TestRedis::start();
    let limiter = connected(&redis.url()).await;
    assert_eq!(allowed(&limiter, "half", 5).await, 5);
    redis.kill();
    let began = Instant::now();
    assert_eq!(allowed(&limiter, "half", 1_000).await, 5, "what was used up before counts");
    assert_eq!(allowed(&limiter, "new", 1_000).await, 10, "and a new key has its quota");
    assert!(began.elapsed() < Duration::from_secs(5), "2,000 requests took {:?}", began.elapsed());
    assert!(limiter.is_degraded());
    redis.restart();
    counts_with_redis(&limiter, &redis.url()).await;
}

#[tokio::test]
async fn a_redis_that_falls_silent_never_holds_a_request_up() {
    let redis = TestRedis::start();
    let path = redis.folder().join("between.sock");
    let between = SilentSocket::between(path.clone(), redis.socket()).expect("a socket");
    let url = SecretString::from(format!("unix://{}", path.display()));
    let limiter = connected(&url).await;
    between.go_silent();
    let began = Instant::now();
    assert_eq!(allowed(&limiter, "silent", 100).await, 10);
    assert!(began.elapsed() < Duration::from_secs(5), "100 requests took {:?}", began.elapsed());
    counts_with_redis(&limiter, &url).await;
}
