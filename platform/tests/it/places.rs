//! Folders and buckets in which others leave files.

use domain::Hint;
use platform::config::S3Config;
use platform::objects::{ObjectError, Place};
use tempfile::TempDir;

use crate::s3_server;

/// Names as people give them.
const NAMES: [&str; 3] = ["warung/laporan penjualan #2 (Nov).csv", "warung/2026/11/hari-ini.csv", "warung/ikan & es\u{e9} 100%.csv"];

fn left(root: &std::path::Path) {
    for name in NAMES {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, format!("isi {name}")).expect("written");
    }
}

async fn shows_what_lies_there(place: &Place) {
    let files = place.list().await.expect("a listing");
    let mut paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    paths.sort_unstable();
    let mut expected = NAMES;
    expected.sort_unstable();
    assert_eq!(paths, expected);
    let scratch = TempDir::new().expect("a folder");
    for file in &files {
        let local = place.bring(file, scratch.path()).await.expect("brought");
        let bytes = std::fs::read(&local).expect("a local file");
        assert_eq!(bytes, format!("isi {}", file.path).into_bytes());
        assert_eq!(file.size, bytes.len() as u64);
        assert_eq!(local.file_name(), std::path::Path::new(&file.path).file_name(), "it keeps its name");
        assert_eq!(place.read(&file.path).await.expect("read"), Some(bytes));
    }
    assert_eq!(place.read("warung/sales_csv.toml").await.expect("read"), None);
    assert_eq!(place.list().await.expect("a listing"), files, "nothing changed, so no version did");
}

#[tokio::test]
async fn a_folder_shows_what_lies_there() {
    let folder = TempDir::new().expect("a folder");
    left(folder.path());
    let place = Place::open(&folder.path().display().to_string(), &S3Config::default()).expect("a place");
    assert!(!place.is_atomic());
    shows_what_lies_there(&place).await;
    let before = place.list().await.expect("a listing");
    std::fs::write(folder.path().join(NAMES[1]), "isi lain").expect("written");
    let changed = place.list().await.expect("a listing");
    let version = |files: &[platform::objects::FileSeen]| files.iter().find(|file| file.path == NAMES[1]).expect("it").version.clone();
    assert_ne!(version(&before), version(&changed));
}

#[tokio::test]
async fn a_prefix_of_a_bucket_shows_what_lies_there() {
    let folder = TempDir::new().expect("a folder");
    left(&folder.path().join("toko/masuk"));
    std::fs::write(folder.path().join("toko/di-luar.csv"), "x").expect("written");
    let access = s3_server::serve(folder.path()).await;
    let place = Place::open("s3://toko/masuk/", &access).expect("a place");
    assert!(place.is_atomic());
    assert_eq!(place.name(), "s3://toko/masuk");
    shows_what_lies_there(&place).await;
}

#[tokio::test]
async fn what_is_not_there_is_told() {
    let error = Place::open("/no/such/folder", &S3Config::default()).expect_err("no folder");
    assert!(matches!(error, ObjectError::NoFolder { .. }) && error.hint().is_some(), "{error}");
    let folder = TempDir::new().expect("a folder");
    let access = s3_server::serve(folder.path()).await;
    let nobody = S3Config { secret_access_key: Some("salah".into()), ..access.clone() };
    for (address, access) in [("s3://tidak-ada", &access), ("s3://tidak-ada", &nobody)] {
        let error = Place::open(address, access).expect("a place").list().await.expect_err("nothing to list");
        assert!(error.to_string().contains("s3://tidak-ada"), "{error}");
    }
}
