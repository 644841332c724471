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
    adds_only_where_nothing_is(cache).await;
    replaces_only_what_is_expected(cache).await;
    lets_one_of_many_replace(cache).await;
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
    for prefix in ["odd?", "odd[a-z]", "odd\\", "odd^\u{e9}"] {
        set(cache, &format!("{prefix}:1"), b"1", LONG).await;
        cache.delete_prefix(prefix).await.expect("delete_prefix");
        assert_eq!(get(cache, &format!("{prefix}:1")).await, None, "`{prefix}` is taken literally");
    }
    cache.delete_prefix("").await.expect("delete_prefix");
    assert_eq!(get(cache, "prefix:10:a").await, None, "every key begins with nothing");
}

async fn adds_only_where_nothing_is(cache: &dyn Cache) {
    assert!(cache.add("add:a", b"1".to_vec(), LONG).await.expect("add"), "nothing was there");
    assert!(!cache.add("add:a", b"2".to_vec(), LONG).await.expect("add"), "something is");
    assert_eq!(get(cache, "add:a").await, Some(b"1".to_vec()), "and it stays");
    cache.delete("add:a").await.expect("delete");
    assert!(cache.add("add:a", b"3".to_vec(), LONG).await.expect("add"), "what was deleted is not there");
    set(cache, "add:short", b"1", Duration::from_millis(1)).await;
    let began = Instant::now();
    while !cache.add("add:short", b"2".to_vec(), LONG).await.expect("add") {
        assert!(began.elapsed() < Duration::from_secs(10), "what has expired is not there");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(get(cache, "add:short").await, Some(b"2".to_vec()), "what was added lives as long as it was given");
}

async fn replaces_only_what_is_expected(cache: &dyn Cache) {
    let replace = async |expected: &[u8], value: &[u8]| cache.replace("replace:a", expected, value.to_vec(), LONG).await.expect("replace");
    assert!(!replace(b"", b"1").await, "nothing is not an empty value");
    set(cache, "replace:a", b"1", LONG).await;
    assert!(!replace(b"2", b"3").await, "another value is there");
    assert_eq!(get(cache, "replace:a").await, Some(b"1".to_vec()), "and it stays");
    let odd: Vec<u8> = (0..=255).collect();
    assert!(replace(b"1", &odd).await && replace(&odd, b"").await && replace(b"", b"2").await, "any bytes can be expected");
    assert_eq!(get(cache, "replace:a").await, Some(b"2".to_vec()));
    cache.delete("replace:a").await.expect("delete");
    assert!(!replace(b"2", b"3").await, "what was deleted does not come back");
}

async fn lets_one_of_many_replace(cache: &dyn Cache) {
    for _ in 0..20 {
        set(cache, "replace:many", b"0", LONG).await;
        let attempts = (1..=20_u8).map(|number| cache.replace("replace:many", b"0", vec![number], LONG));
        let done = futures::future::join_all(attempts).await;
        assert_eq!(done.into_iter().filter(|done| *done.as_ref().expect("replace")).count(), 1, "one of many sees what it expects");
    }
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
