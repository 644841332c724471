use std::sync::Arc;

use domain::Hint;
use platform::objects::{Objects, StoredObjects, testing};

#[tokio::test]
async fn a_folder_conforms() {
    let folder = tempfile::tempdir().expect("a folder");
    testing::conformance(&StoredObjects::folder(&folder.path().join("objects")).expect("a store")).await;
}

#[tokio::test]
async fn a_bucket_conforms() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("viralcast")).expect("a bucket");
    let access = crate::s3_server::serve(folder.path()).await;
    for address in ["s3://viralcast/objects", "s3://viralcast"] {
        let objects = StoredObjects::bucket(address, &access).expect("a store");
        testing::conformance(&objects).await;
        for key in objects.list("").await.expect("list") {
            objects.delete(&key).await.expect("delete");
        }
    }
    let error = StoredObjects::bucket("viralcast/objects", &access).expect_err("no address of a bucket");
    assert!(error.hint().is_some_and(|hint| hint.contains("s3://")), "{:?}", error.hint());
}

/// The same code over another store.
#[tokio::test]
async fn any_store_of_the_crate_conforms() {
    testing::conformance(&StoredObjects::over(Arc::new(object_store::memory::InMemory::new()))).await;
}

#[tokio::test]
async fn a_folder_survives_the_program_and_leaves_no_scraps() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = StoredObjects::folder(folder.path()).expect("a store").put_content(b"bytes".to_vec()).await.expect("put");
    let again = StoredObjects::folder(folder.path()).expect("a store");
    assert_eq!(again.get(&key).await.expect("get"), b"bytes");
    let files = std::fs::read_dir(folder.path().join(key.as_str()).parent().expect("a parent")).expect("a listing").count();
    assert_eq!(files, 1, "nothing but the object lies beside it");
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_says_what_to_do() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let error = StoredObjects::folder(&file.path().join("objects")).expect_err("a file is no folder");
    assert!(error.to_string().contains(&file.path().display().to_string()), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("writable")), "{:?}", error.hint());
}
