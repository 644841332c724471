//! Caches inside several processes, kept in step over the database.

use std::sync::Arc;

use platform::cache::{Invalidation, MemoryCache, ReadThrough, RedisCache};
use platform::embedded::Role;
use platform::testing::{SilentSocket, TestDb, TestRedis};
use secrecy::SecretString;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::read_through::{Truth, key, read};
use crate::eventually;

/// One process; it stops following when the guard is dropped.
async fn process(db: &TestDb, direct: PgPool) -> (ReadThrough, DropGuard) {
    let stop = CancellationToken::new();
    let cache = ReadThrough::in_step(Arc::new(MemoryCache::default()), db.work().clone(), direct, stop.clone());
    eventually("it hears the others", async || (!cache.is_degraded()).then_some(())).await;
    (cache, stop.drop_guard())
}

#[tokio::test]
async fn what_one_process_invalidates_all_forget() {
    let db = TestDb::new().await;
    let ((one, _one), (other, _other)) = (process(&db, db.serve().clone()).await, process(&db, db.work().clone()).await);
    let truth = Truth::default();
    for (value, what) in [(1, Invalidation::key(&key())), (2, Invalidation::prefix("predictions:read:")), (3, Invalidation::prefix(""))] {
        let loads = truth.loads();
        let before = (read(&one, &truth).await, read(&other, &truth).await);
        assert_eq!((read(&one, &truth).await, read(&other, &truth).await), before);
        assert!(truth.loads() <= loads + 2, "both read from their caches");
        truth.set(value);
        one.invalidate(what).await;
        assert_eq!(read(&one, &truth).await, value, "at once where it was done");
        eventually("the other forgets", async || (read(&other, &truth).await == value).then_some(())).await;
    }
    drop((one, other));
}

/// What was said while nobody listened is unknown: everything may be old.
#[tokio::test]
async fn who_could_not_hear_forgets_everything() {
    let db = TestDb::new().await;
    let (cache, _follows) = process(&db, db.work().clone()).await;
    let truth = Truth::default();
    read(&cache, &truth).await;
    truth.set(1);
    let ended: i64 = sqlx::query_scalar("select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and query ilike 'listen%viralcast_cache%'")
        .fetch_one(db.work())
        .await
        .unwrap_or_else(|error| panic!("the listener can be ended: {error}"));
    assert_eq!(ended, 1);
    eventually("the new value is read", async || (read(&cache, &truth).await == 1).then_some(())).await;
    eventually("it hears again", async || (!cache.is_degraded()).then_some(())).await;
    let loads = truth.loads();
    assert_eq!((read(&cache, &truth).await, read(&cache, &truth).await), (1, 1), "what it held before is gone for good");
    assert!(truth.loads() <= loads + 1, "and its cache is in use again");
}

/// The connection is open and dead. Takes as long as it takes to notice.
#[tokio::test]
async fn a_connection_that_falls_silent_is_noticed() {
    let db = TestDb::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let between = SilentSocket::start(folder.path(), &db.options(Role::Work)).expect("a socket");
    let through = PgPoolOptions::new().max_connections(1).connect_lazy_with(between.through(db.options(Role::Work)));
    let ((deaf, _deaf), (other, _other)) = (process(&db, through).await, process(&db, db.work().clone()).await);
    let truth = Truth::default();
    read(&deaf, &truth).await;
    between.go_silent();
    truth.set(1);
    other.invalidate(Invalidation::key(&key())).await;
    eventually("the new value is read", async || (read(&deaf, &truth).await == 1).then_some(())).await;
    eventually("it hears again", async || (!deaf.is_degraded()).then_some(())).await;
    assert_eq!(read(&deaf, &truth).await, 1, "what it held before is gone for good");
}

/// Whoever cannot tell the others keeps trying.
#[tokio::test]
async fn a_word_that_could_not_be_sent_is_sent_later() {
    let db = TestDb::new().await;
    let (other, _other) = process(&db, db.work().clone()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let nobody = db.options(Role::Work).socket(folder.path());
    let pool = PgPoolOptions::new().acquire_timeout(std::time::Duration::from_millis(200)).connect_lazy_with(nobody);
    let stop = CancellationToken::new();
    let _stops = stop.clone().drop_guard();
    let one = ReadThrough::in_step(Arc::new(MemoryCache::default()), pool, db.work().clone(), stop);
    let truth = Truth::default();
    read(&other, &truth).await;
    truth.set(1);
    one.invalidate(Invalidation::key(&key())).await;
    assert!(one.is_degraded());
    assert_eq!((read(&one, &truth).await, read(&other, &truth).await), (1, 0), "who knows of it believes no cache");
    let _between = SilentSocket::start(folder.path(), &db.options(Role::Work)).expect("the way is free");
    eventually("the other is told", async || (read(&other, &truth).await == 1).then_some(())).await;
}

/// The database says what has changed just when one who hears it cannot reach the Redis that all read.
#[tokio::test]
async fn what_is_heard_while_redis_is_away_is_told_it_later() {
    let (db, redis) = (TestDb::new().await, TestRedis::start());
    let path = redis.folder().join("between.sock");
    let between = SilentSocket::between(path.clone(), redis.socket()).expect("a socket");
    let (hears, _hears) = over(&db, &SecretString::from(format!("unix://{}", path.display()))).await;
    let reader = ReadThrough::new(Arc::new(RedisCache::open(&redis.url()).expect("a cache")));
    let truth = Truth::default();
    eventually("the value is kept", async || {
        let before = truth.loads();
        read(&hears, &truth).await;
        read(&reader, &truth).await;
        (truth.loads() == before).then_some(())
    })
    .await;
    between.go_silent();
    truth.set(1);
    sqlx::query("select pg_notify('viralcast_cache', '^predictions:read:')").execute(db.work()).await.expect("said");
    eventually("who hears it does not read the old value", async || (read(&hears, &truth).await == 1).then_some(())).await;
    eventually("nor do others, soon", async || (read(&reader, &truth).await == 1).then_some(())).await;
    eventually("nothing is owed any more", async || (!hears.is_degraded()).then_some(())).await;
}

#[tokio::test]
async fn a_process_that_begins_without_redis_uses_it_once_it_is_there() {
    let (db, mut redis) = (TestDb::new().await, TestRedis::start());
    redis.kill();
    let stop = CancellationToken::new();
    let _stops = stop.clone().drop_guard();
    let shared = Arc::new(RedisCache::open(&redis.url()).expect("a cache"));
    let cache = ReadThrough::in_step(shared, db.work().clone(), db.work().clone(), stop);
    let truth = Truth::default();
    for value in 1..=10 {
        truth.set(value);
        assert_eq!(read(&cache, &truth).await, value);
    }
    redis.restart();
    eventually("it is in order", async || (!cache.is_degraded()).then_some(())).await;
    let loads = truth.loads();
    assert_eq!((read(&cache, &truth).await, read(&cache, &truth).await), (10, 10));
    assert!(truth.loads() <= loads + 1, "and its cache is in use");
}

/// A process over this Redis that hears the database.
async fn over(db: &TestDb, url: &SecretString) -> (ReadThrough, DropGuard) {
    let stop = CancellationToken::new();
    let shared = Arc::new(RedisCache::open(url).expect("a cache"));
    let cache = ReadThrough::in_step(shared, db.work().clone(), db.work().clone(), stop.clone());
    eventually("it hears the others", async || (!cache.is_degraded()).then_some(())).await;
    (cache, stop.drop_guard())
}
