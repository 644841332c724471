//! Reads through the cache: loaded once, never an error of the cache's, never an old value after an invalidation.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::future::join_all;
use metrics_exporter_prometheus::PrometheusBuilder;
use platform::cache::{Cache, Invalidation, Key, MemoryCache, ReadThrough, RedisCache};
use platform::testing::{SilentSocket, TestRedis};
use secrecy::SecretString;
use tokio::sync::oneshot;

use crate::eventually;

/// What the database says: a number that tests change, and how often it was asked.
#[derive(Default)]
pub struct Truth {
    value: AtomicU32,
    loads: AtomicU32,
}

impl Truth {
    pub fn set(&self, value: u32) {
        self.value.store(value, Ordering::SeqCst);
    }

    pub fn loads(&self) -> u32 {
        self.loads.load(Ordering::SeqCst)
    }

    pub async fn load(&self) -> Result<u32, String> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        Ok(self.value.load(Ordering::SeqCst))
    }

    /// Reads the value, and then waits before it answers with it.
    async fn load_slowly(&self, answer: oneshot::Receiver<()>) -> Result<u32, String> {
        let value = self.load().await;
        answer.await.map_err(|_| "the load was given up".to_owned())?;
        value
    }
}

/// No answer comes, and none is given up.
fn never() -> oneshot::Receiver<()> {
    let (answer, hold) = oneshot::channel();
    std::mem::forget(answer);
    hold
}

pub fn key() -> Key {
    Key { name: "predictions:read:1".to_owned(), time_to_live: Duration::from_secs(60) }
}

pub async fn read(cache: &ReadThrough, truth: &Truth) -> u32 {
    cache.get(&key(), truth.load()).await.expect("a value")
}

fn embedded() -> ReadThrough {
    ReadThrough::new(Arc::new(MemoryCache::default()))
}

async fn over(url: &SecretString) -> (ReadThrough, Arc<RedisCache>) {
    let redis = Arc::new(RedisCache::open(url).expect("a cache"));
    eventually("Redis answers", async || redis.get("any").await.ok()).await;
    (ReadThrough::new(redis.clone()), redis)
}

#[tokio::test]
async fn a_value_is_loaded_once_and_then_read() {
    let (cache, truth) = (embedded(), Truth::default());
    for _ in 0..3 {
        assert_eq!(read(&cache, &truth).await, 0);
    }
    assert_eq!(truth.loads(), 1);
    truth.set(1);
    cache.invalidate(Invalidation::key(&key())).await;
    assert_eq!((read(&cache, &truth).await, read(&cache, &truth).await, truth.loads()), (1, 1, 2));
    assert!(!cache.is_degraded());
}

#[tokio::test]
async fn of_many_who_want_it_at_once_one_loads() {
    let redis = TestRedis::start();
    for cache in [embedded(), over(&redis.url()).await.0] {
        let truth = Truth::default();
        let (answer, hold) = oneshot::channel();
        let key = key();
        let first = cache.get(&key, truth.load_slowly(hold));
        let others = join_all((0..100).map(|_| read(&cache, &truth)));
        let release = async {
            eventually("somebody loads", async || (truth.loads() > 0).then_some(())).await;
            answer.send(()).expect("the first waits");
        };
        let (first, others, ()) = tokio::join!(biased; first, others, release);
        assert_eq!(first, Ok(0));
        assert_eq!((others, truth.loads()), (vec![0; 100], 1));
    }
}

#[tokio::test]
async fn an_error_is_shared_and_not_kept() {
    let (cache, tries) = (embedded(), AtomicU32::new(0));
    let fail = || async {
        tokio::task::yield_now().await;
        Err::<u32, String>(format!("failure {}", tries.fetch_add(1, Ordering::SeqCst)))
    };
    let key = key();
    let errors = join_all((0..10).map(|_| cache.get(&key, fail()))).await;
    assert!(errors.iter().all(|error| error.as_ref().is_err_and(|error| error.as_str() == "failure 0")), "{errors:?}");
    let again = cache.get(&key, fail()).await;
    assert_eq!(again.map_err(|error| error.to_string()), Err("failure 1".to_owned()), "the next one tries again");
    assert_eq!(read(&cache, &Truth::default()).await, 0);
}

/// The one who loads goes away, as a client does who closes the page.
#[tokio::test]
async fn who_waits_takes_over_from_who_is_cancelled() {
    let (cache, truth) = (embedded(), Truth::default());
    let key = key();
    let mut leader = Box::pin(cache.get(&key, truth.load_slowly(never())));
    let mut waiting = Box::pin(cache.get(&key, truth.load()));
    assert!(futures::poll!(&mut leader).is_pending() && futures::poll!(&mut waiting).is_pending());
    assert_eq!(truth.loads(), 1, "one loads, one waits");
    drop(leader);
    assert_eq!(waiting.await, Ok(0));
    assert_eq!((read(&cache, &truth).await, truth.loads()), (0, 2), "and what the second loaded is kept");
}

#[tokio::test]
async fn a_load_that_all_have_given_up_is_in_nobodys_way() {
    let redis = TestRedis::start();
    for cache in [embedded(), over(&redis.url()).await.0] {
        let truth = Truth::default();
        let key = key();
        let mut given_up = Box::pin(cache.get(&key, truth.load_slowly(never())));
        eventually("it loads", async || {
            assert!(futures::poll!(&mut given_up).is_pending());
            (truth.loads() == 1).then_some(())
        })
        .await;
        drop(given_up);
        eventually("the value is kept", async || {
            let before = truth.loads();
            read(&cache, &truth).await;
            (truth.loads() == before).then_some(())
        })
        .await;
    }
}

/// Values that were read before a change and arrive after it.
#[tokio::test]
async fn a_load_from_before_an_invalidation_is_not_stored() {
    let redis = TestRedis::start();
    for what in [Invalidation::key(&key()), Invalidation::prefix("predictions:read:"), Invalidation::prefix("")] {
        // Two processes over one Redis; and one process, alone.
        let alone = embedded();
        for (reader, writer) in [(alone.clone(), alone), (over(&redis.url()).await.0, over(&redis.url()).await.0)] {
            let truth = Truth::default();
            let (answer, hold) = oneshot::channel();
            let key = key();
            let late = reader.get(&key, truth.load_slowly(hold));
            let change = async {
                eventually("the load has read", async || (truth.loads() == 1).then_some(())).await;
                truth.set(1);
                writer.invalidate(what.clone()).await;
                answer.send(()).expect("the load waits");
            };
            let (late, ()) = tokio::join!(late, change);
            assert_eq!(late, Ok(0), "who asked before the change gets what was true then");
            assert_eq!(read(&reader, &truth).await, 1, "but nobody after it: {what:?}");
            assert_eq!(read(&writer, &truth).await, 1, "{what:?}");
            writer.invalidate(what.clone()).await;
        }
    }
}

/// Who asks after a change does not get what somebody else was loading before it.
#[tokio::test]
async fn nobody_joins_a_load_from_before_an_invalidation() {
    let (cache, truth) = (embedded(), Truth::default());
    let (answer, hold) = oneshot::channel();
    let key = key();
    let mut old = Box::pin(cache.get(&key, truth.load_slowly(hold)));
    eventually("the load has read", async || {
        assert!(futures::poll!(&mut old).is_pending());
        (truth.loads() == 1).then_some(())
    })
    .await;
    truth.set(1);
    cache.invalidate(Invalidation::key(&key)).await;
    assert_eq!(read(&cache, &truth).await, 1);
    answer.send(()).expect("the old load waits");
    assert_eq!(old.await, Ok(0));
    assert_eq!((read(&cache, &truth).await, truth.loads()), (1, 2));
}

#[tokio::test]
async fn without_redis_every_read_is_a_load_and_none_fails() {
    let mut redis = TestRedis::start();
    let (cache, _) = over(&redis.url()).await;
    let truth = Truth::default();
    read(&cache, &truth).await;
    redis.kill();
    for value in 1..=100 {
        truth.set(value);
        assert_eq!(read(&cache, &truth).await, value);
    }
    assert!(cache.is_degraded());
    redis.restart();
    eventually("the cache is used again", async || {
        let before = truth.loads();
        read(&cache, &truth).await;
        read(&cache, &truth).await;
        (truth.loads() <= before + 1).then_some(())
    })
    .await;
    assert!(!cache.is_degraded());
}

/// One process loses Redis just when it has something to tell it.
#[tokio::test]
async fn an_invalidation_that_redis_did_not_hear_is_told_later() {
    let redis = TestRedis::start();
    let path = redis.folder().join("between.sock");
    let between = SilentSocket::between(path.clone(), redis.socket()).expect("a socket");
    let (writer, _) = over(&SecretString::from(format!("unix://{}", path.display()))).await;
    let (reader, _) = over(&redis.url()).await;
    let truth = Truth::default();
    read(&reader, &truth).await;
    between.go_silent();
    truth.set(1);
    writer.invalidate(Invalidation::key(&key())).await;
    assert!(writer.is_degraded());
    assert_eq!(read(&writer, &truth).await, 1, "who knows of the change does not read the old value");
    eventually("the others are told", async || (read(&reader, &truth).await == 1).then_some(())).await;
    eventually("nothing is owed any more", async || (!writer.is_degraded()).then_some(())).await;
}

/// A handler is cancelled when its client goes away: the change is committed all the same.
#[tokio::test]
async fn an_invalidation_goes_on_when_its_caller_is_cancelled() {
    let (cache, truth) = (embedded(), Truth::default());
    read(&cache, &truth).await;
    truth.set(1);
    let mut invalidation = Box::pin(cache.invalidate(Invalidation::key(&key())));
    let _ = futures::poll!(&mut invalidation);
    drop(invalidation);
    eventually("it is forgotten", async || (read(&cache, &truth).await == 1).then_some(())).await;
}

#[tokio::test]
async fn what_another_version_wrote_is_replaced() {
    let memory = Arc::new(MemoryCache::default());
    let (cache, truth) = (ReadThrough::new(memory.clone()), Truth::default());
    for odd in [&b"{\"older\":true}"[..], b"", b"not json"] {
        memory.set(&key().name, odd.to_vec(), Duration::from_secs(60)).await.expect("set");
        let before = truth.loads();
        assert_eq!((read(&cache, &truth).await, read(&cache, &truth).await), (0, 0));
        assert_eq!(truth.loads(), before + 1);
    }
}

#[tokio::test]
async fn values_live_no_longer_than_their_key_says_and_not_all_equally_long() {
    let redis = TestRedis::start();
    let (cache, _) = over(&redis.url()).await;
    let client = redis::Client::open(secrecy::ExposeSecret::expose_secret(&redis.url())).expect("a client");
    let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
    let mut lives = Vec::new();
    for number in 0..20 {
        let key = Key { name: format!("jitter:{number}"), time_to_live: Duration::from_secs(1_000) };
        cache.get(&key, async { Ok::<_, String>(1) }).await.expect("a value");
        lives.push(redis::cmd("TTL").arg(&key.name).query_async::<u64>(&mut connection).await.expect("a time"));
    }
    assert!(lives.iter().all(|life| (890..=1_000).contains(life)), "{lives:?}");
    lives.sort_unstable();
    lives.dedup();
    assert!(lives.len() > 1, "twenty values that would all go together: {lives:?}");
}

#[tokio::test]
async fn outcomes_are_counted() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let counted = recorder.handle();
    let _here = metrics::set_default_local_recorder(&recorder);
    let mut redis = TestRedis::start();
    let (cache, _) = over(&redis.url()).await;
    let truth = Truth::default();
    for _ in 0..3 {
        read(&cache, &truth).await;
    }
    redis.kill();
    read(&cache, &truth).await;
    let page = counted.render();
    for line in ["{outcome=\"miss\"} 1", "{outcome=\"hit\"} 2", "{outcome=\"unavailable\"} 1"] {
        assert!(page.contains(&format!("cache_requests_total{line}")), "{line}:\n{page}");
    }
}
