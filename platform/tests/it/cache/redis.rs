//! Redis as a cache, and what becomes of it when Redis fails. A real one each.

use std::time::{Duration, Instant};

use domain::Hint;
use platform::cache::{self, Cache, CacheError, RedisCache, testing};
use platform::config::CacheConfig;
use platform::testing::{SilentSocket, TestRedis};
use secrecy::SecretString;
use tokio::net::{TcpListener, UnixListener};

use crate::eventually;

const LONG: Duration = Duration::from_secs(60);

/// What many reads may take in all while Redis is lost: one that waited for each would take minutes.
const SOON: Duration = Duration::from_secs(5);

fn open(url: &SecretString) -> RedisCache {
    RedisCache::open(url).expect("a cache")
}

/// Connecting takes a moment, and nobody is made to wait for it.
async fn connected(url: &SecretString) -> RedisCache {
    let cache = open(url);
    answers(&cache).await;
    cache
}

async fn answers(cache: &RedisCache) {
    eventually("Redis answers", async || cache.get("any").await.ok()).await;
    assert!(!cache.is_degraded());
}

/// Fails always, and soon without waiting.
async fn is_lost(cache: &RedisCache) {
    let began = Instant::now();
    for _ in 0..5_000 {
        let error = cache.get("any").await.expect_err("Redis is lost");
        assert!(matches!(error, CacheError::Unavailable(_)), "{error:?}");
        assert!(error.hint().is_some());
    }
    assert!(began.elapsed() < SOON, "5,000 reads took {:?}", began.elapsed());
    assert!(cache.is_degraded());
}

#[tokio::test]
async fn a_redis_conforms() {
    let redis = TestRedis::start();
    testing::conformance(&connected(&redis.url()).await).await;
}

#[tokio::test]
async fn the_settings_choose_the_cache() {
    let redis = TestRedis::start();
    let ours = connected(&redis.url()).await;
    let by_settings = cache::open(&CacheConfig { redis_url: Some(redis.url()), ..CacheConfig::default() }).expect("a cache");
    eventually("it connects", async || by_settings.set("a", b"1".to_vec(), LONG).await.ok()).await;
    assert_eq!(ours.get("a").await.expect("get"), Some(b"1".to_vec()), "they share one Redis");
    let embedded = cache::open(&CacheConfig::default()).expect("a cache");
    assert_eq!(embedded.get("a").await.expect("get"), None);
}

#[tokio::test]
async fn a_prefix_of_thousands_goes_and_the_rest_stays() {
    let redis = TestRedis::start();
    let cache = connected(&redis.url()).await;
    for number in 0..3_000 {
        cache.set(&format!("many:{number}"), b"1".to_vec(), LONG).await.expect("set");
    }
    cache.set("few:1", b"1".to_vec(), LONG).await.expect("set");
    cache.delete_prefix("many:").await.expect("delete_prefix");
    for number in 0..3_000 {
        assert_eq!(cache.get(&format!("many:{number}")).await.expect("get"), None, "{number}");
    }
    assert!(cache.get("few:1").await.expect("get").is_some());
}

#[tokio::test]
async fn a_killed_redis_costs_little_and_comes_back_by_itself() {
    let mut redis = TestRedis::start();
    let cache = connected(&redis.url()).await;
    redis.kill();
    is_lost(&cache).await;
    redis.restart();
    answers(&cache).await;
    cache.set("a", b"1".to_vec(), LONG).await.expect("set");
    assert_eq!(cache.get("a").await.expect("get"), Some(b"1".to_vec()));
}

#[tokio::test]
async fn a_redis_that_comes_later_is_found() {
    let mut redis = TestRedis::start();
    redis.kill();
    let cache = open(&redis.url());
    is_lost(&cache).await;
    redis.restart();
    answers(&cache).await;
}

/// The connection stays open and nothing comes through it any more: only a new one helps.
#[tokio::test]
async fn a_connection_that_falls_silent_is_given_up() {
    let redis = TestRedis::start();
    let path = redis.folder().join("between.sock");
    let between = SilentSocket::between(path.clone(), redis.socket()).expect("a socket");
    let cache = connected(&SecretString::from(format!("unix://{}", path.display()))).await;
    between.go_silent();
    let began = Instant::now();
    cache.get("any").await.expect_err("nothing comes through");
    assert!(began.elapsed() < SOON, "one read waited {:?}", began.elapsed());
    answers(&cache).await;
}

#[tokio::test]
async fn a_server_that_never_answers_costs_little() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("silent.sock");
    let listener = UnixListener::bind(&path).expect("a socket");
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((client, _)) = listener.accept().await {
            open.push(client);
        }
    });
    is_lost(&open(&SecretString::from(format!("unix://{}", path.display())))).await;
}

/// As by a slow command of somebody else: Redis does one thing at a time.
#[tokio::test]
async fn a_slow_redis_counts_as_lost_until_it_answers_in_time() {
    let redis = TestRedis::start();
    let cache = connected(&redis.url()).await;
    pause(&redis, Duration::from_secs(3)).await;
    is_lost(&cache).await;
    answers(&cache).await;
}

async fn pause(redis: &TestRedis, how_long: Duration) {
    use secrecy::ExposeSecret;
    let client = redis::Client::open(redis.url().expose_secret()).expect("a client");
    let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
    let mut pause = redis::cmd("CLIENT");
    pause.arg("PAUSE").arg(u64::try_from(how_long.as_millis()).expect("a short time")).arg("ALL");
    pause.exec_async(&mut connection).await.expect("a paused Redis");
}

/// Without a TLS provider this would be a panic.
#[tokio::test]
async fn a_server_without_tls_is_lost_to_who_wants_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let heard = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut client, _) = listener.accept().await.expect("a client");
        let mut first = [0];
        client.read_exact(&mut first).await.expect("a byte");
        client.write_all(b"-ERR no TLS here\r\n").await.expect("an answer");
        first[0]
    });
    let cache = open(&SecretString::from(format!("rediss://warung:rahasia@127.0.0.1:{port}")));
    cache.get("any").await.expect_err("it speaks no TLS");
    assert_eq!(heard.await.expect("a byte"), 0x16, "the first thing said is a TLS handshake, not the password");
}

#[tokio::test]
async fn passwords_are_never_shown() {
    let cache = open(&SecretString::from("redis://warung:rahasia@127.0.0.1:1/0"));
    let error = cache.get("any").await.expect_err("nobody is there");
    let shown = format!("{cache:?} {error:?} {}", domain::chain(&error));
    assert!(!shown.contains("rahasia"), "{shown}");
    let wrong = RedisCache::open(&SecretString::from("http://warung:rahasia@127.0.0.1")).expect_err("no Redis");
    let shown = format!("{wrong:?} {}", domain::chain(&wrong));
    assert!(!shown.contains("rahasia") && wrong.hint().is_some_and(|hint| hint.contains("redis://")), "{shown}");
}
