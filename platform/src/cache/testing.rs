//! What every cache must do; an implementation calls [`conformance`] from its tests.

use std::time::{Duration, Instant};

use super::{Cache, Json, Key};

const LONG: Duration = Duration::from_secs(60);

/// Runs all checks against a cache that nobody else uses.
///
/// # Panics
/// With the rule that is broken.
pub async fn conformance(cache: &dyn Cache) {
    answers_what_was_set(cache).await;
    forgets_what_was_deleted(cache).await;
    deletes_by_literal_prefix(cache).await;
    expires_each_entry_by_its_own_time(cache).await;
    treats_another_shape_as_absent(cache).await;
}

async fn answers_what_was_set(cache: &dyn Cache) {
    assert_eq!(get(cache, "set:never").await, None, "a key that was never set is absent");
    let bytes: Vec<u8> = (0..=255).collect();
    set(cache, "set:bytes", &bytes, LONG).await;
    assert_eq!(get(cache, "set:bytes").await, Some(bytes), "any bytes come back as they are");
    set(cache, "set:bytes", b"", LONG).await;
    assert_eq!(get(cache, "set:bytes").await, Some(Vec::new()), "the last value counts, and an empty one is a value");
}

async fn forgets_what_was_deleted(cache: &dyn Cache) {
    set(cache, "delete:a", b"1", LONG).await;
    cache.delete("delete:a").await.expect("delete");
    cache.delete("delete:a").await.expect("deleting what is not there is fine");
    assert_eq!(get(cache, "delete:a").await, None, "a deleted key is absent");
    set(cache, "delete:b", b"1", LONG).await;
    set(cache, "delete:b", b"2", Duration::ZERO).await;
    assert_eq!(get(cache, "delete:b").await, None, "a time to live of zero deletes");
}

async fn deletes_by_literal_prefix(cache: &dyn Cache) {
    for key in ["prefix:1:a", "prefix:1:b", "prefix:10:a", "prefix:*:a"] {
        set(cache, key, b"1", LONG).await;
    }
    cache.delete_prefix("prefix:1:").await.expect("delete_prefix");
    assert_eq!(get(cache, "prefix:1:a").await, None, "a key with the prefix goes");
    assert_eq!(get(cache, "prefix:1:b").await, None, "and so does the other");
    assert!(get(cache, "prefix:10:a").await.is_some(), "a neighbour stays");
    cache.delete_prefix("prefix:*").await.expect("delete_prefix");
    assert_eq!(get(cache, "prefix:*:a").await, None, "a star is a star");
    assert!(get(cache, "prefix:10:a").await.is_some(), "and not a pattern");
}

async fn expires_each_entry_by_its_own_time(cache: &dyn Cache) {
    let short = Duration::from_millis(300);
    set(cache, "expire:long", b"1", LONG).await;
    set(cache, "expire:longer", b"1", short).await;
    set(cache, "expire:longer", b"2", LONG).await;
    let began = Instant::now();
    set(cache, "expire:short", b"1", short).await;
    while get(cache, "expire:short").await.is_some() {
        assert!(began.elapsed() < Duration::from_secs(10), "an entry is gone after its time to live");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Redis counts in milliseconds, so an entry may go a moment early.
    assert!(began.elapsed() + Duration::from_millis(5) >= short, "an entry lives as long as its time to live");
    assert!(get(cache, "expire:long").await.is_some(), "others live on");
    assert_eq!(get(cache, "expire:longer").await, Some(b"2".to_vec()), "setting again sets the time to live again");
}

async fn treats_another_shape_as_absent(cache: &dyn Cache) {
    let key = Key { name: "json:value".to_owned(), time_to_live: LONG };
    let json = Json(cache);
    json.set(&key, &vec![1.5, 2.5]).await.expect("set");
    assert_eq!(json.get::<Vec<f64>>(&key).await.expect("get"), Some(vec![1.5, 2.5]), "a value comes back as it was");
    assert_eq!(json.get::<String>(&key).await.expect("get"), None, "a value of another shape is absent");
    json.delete(&key).await.expect("delete");
    assert_eq!(json.get::<Vec<f64>>(&key).await.expect("get"), None, "a deleted value is absent");
}

async fn get(cache: &dyn Cache, key: &str) -> Option<Vec<u8>> {
    cache.get(key).await.expect("get")
}

async fn set(cache: &dyn Cache, key: &str, value: &[u8], time_to_live: Duration) {
    cache.set(key, value.to_vec(), time_to_live).await.expect("set");
}
