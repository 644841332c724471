//! What every object store must do; an implementation calls [`conformance`] from its tests.

use super::{ObjectError, ObjectKey, Objects};

/// Runs all checks against an empty store.
///
/// # Panics
/// With the rule that is broken.
pub async fn conformance(objects: &dyn Objects) {
    answers_what_was_put(objects).await;
    keeps_equal_content_once(objects).await;
    keeps_files(objects).await;
    notices_corruption(objects).await;
    lists_a_folder(objects).await;
    forgets_what_is_deleted(objects).await;
    never_shows_a_part(objects).await;
}

async fn answers_what_was_put(objects: &dyn Objects) {
    let key = key("put/a.bin");
    assert!(!objects.exists(&key).await.expect("exists"), "what was never put does not exist");
    assert!(matches!(objects.get(&key).await, Err(ObjectError::NotFound { .. })), "and cannot be read");
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    objects.put(&key, bytes.clone()).await.expect("put");
    assert_eq!(objects.get(&key).await.expect("get"), bytes, "any bytes come back as they are");
    assert!(objects.exists(&key).await.expect("exists"), "what was put exists");
    objects.put(&key, Vec::new()).await.expect("put");
    assert_eq!(objects.get(&key).await.expect("get"), b"", "the last bytes count, and none are bytes too");
}

async fn keeps_equal_content_once(objects: &dyn Objects) {
    let first = objects.put_content(b"nasi uduk".to_vec()).await.expect("put_content");
    let second = objects.put_content(b"nasi uduk".to_vec()).await.expect("put_content");
    let other = objects.put_content(b"nasi kuning".to_vec()).await.expect("put_content");
    assert_eq!(first, second, "the same bytes have the same key");
    assert_ne!(first, other, "other bytes have another");
    assert_eq!(objects.get(&first).await.expect("get"), b"nasi uduk", "content comes back by its key");
    assert_eq!(objects.list("sha256").await.expect("list").len(), 2, "the same bytes are kept once");
}

/// A file of several pieces is the same object as its bytes.
async fn keeps_files(objects: &dyn Objects) {
    let path = std::env::temp_dir().join(format!("viralcast-object-{}", uuid::Uuid::now_v7()));
    let bytes: Vec<u8> = (0..=250).cycle().take(17 << 20).collect();
    std::fs::write(&path, &bytes).expect("a file");
    let (key, size) = objects.put_file(&path).await.expect("put_file");
    assert_eq!((&key, size), (&ObjectKey::of_content(&bytes), bytes.len() as u64), "a file is kept under its hash");
    assert_eq!(objects.get(&key).await.expect("get"), bytes, "and comes back by it");
    assert_eq!(objects.put_file(&path).await.expect("put_file"), (key.clone(), size), "a second time as well");
    if let Some(local) = objects.local_path(&key) {
        assert_eq!(std::fs::read(local).expect("an object"), bytes, "where it is said to lie");
    }
    std::fs::remove_file(&path).expect("removed");
    assert!(matches!(objects.put_file(&path).await, Err(ObjectError::File { .. })), "a file that is gone is told");
    objects.delete(&key).await.expect("delete");
}

async fn notices_corruption(objects: &dyn Objects) {
    let key = ObjectKey::of_content(b"as stored");
    objects.put(&key, b"as found".to_vec()).await.expect("put");
    assert!(matches!(objects.get(&key).await, Err(ObjectError::Corrupt { .. })), "other bytes under a hash are refused");
}

async fn lists_a_folder(objects: &dyn Objects) {
    for name in ["list/b/2", "list/b/1", "list/a", "list-not/c"] {
        objects.put(&key(name), b"x".to_vec()).await.expect("put");
    }
    let expected = [key("list/a"), key("list/b/1"), key("list/b/2")];
    assert_eq!(objects.list("list").await.expect("list"), expected, "everything inside, sorted, and no neighbour");
    assert_eq!(objects.list("list/").await.expect("list"), expected, "with or without the slash");
    assert_eq!(objects.list("list/none").await.expect("list"), [], "a folder that does not exist is empty");
    assert!(objects.list("").await.expect("list").len() >= 4, "the empty prefix is all");
}

async fn forgets_what_is_deleted(objects: &dyn Objects) {
    let (gone, stays) = (key("delete/gone"), key("delete/stays"));
    for key in [&gone, &stays] {
        objects.put(key, b"x".to_vec()).await.expect("put");
    }
    objects.delete(&gone).await.expect("delete");
    assert!(matches!(objects.get(&gone).await, Err(ObjectError::NotFound { .. })), "what was deleted cannot be read");
    assert!(objects.exists(&stays).await.expect("exists"), "its neighbour stays");
    objects.delete(&gone).await.expect("deleting what is gone changes nothing");
}

/// Readers during 50 replacements by objects of one repeated byte.
async fn never_shows_a_part(objects: &dyn Objects) {
    let key = key("atomic");
    objects.put(&key, vec![0; 200_000]).await.expect("put");
    let write = async {
        for byte in 1..=50 {
            objects.put(&key, vec![byte; 200_000]).await.expect("put");
        }
    };
    let read = async {
        for _ in 0..50 {
            let bytes = objects.get(&key).await.expect("get");
            assert!(bytes.len() == 200_000 && bytes.iter().all(|byte| *byte == bytes[0]), "a reader sees one whole object");
        }
    };
    futures::join!(write, read);
}

fn key(text: &str) -> ObjectKey {
    text.parse().expect("a key")
}
