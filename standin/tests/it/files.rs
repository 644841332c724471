//! The written files: the same bytes each time, in the dialects of their owners.

use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};
use standin::world::SimulatedWorld;

use crate::{simulated, today, world};

/// SHA-256 over the sorted file names and bytes of a written world.
fn fingerprint(folder: &Path) -> String {
    let mut paths: Vec<_> = [folder.to_owned(), folder.join("truth")]
        .iter()
        .flat_map(|folder| fs::read_dir(folder).expect("folder").map(|entry| entry.expect("entry").path()))
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    let mut hash = Sha256::new();
    for path in paths {
        hash.update(path.file_name().expect("name").as_encoded_bytes());
        hash.update(fs::read(path).expect("file"));
    }
    hex::encode(hash.finalize())
}

fn written(world: &SimulatedWorld) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("folder");
    world.write(folder.path()).expect("writes");
    folder
}

#[test]
fn the_same_seed_and_day_give_the_same_bytes_everywhere() {
    let first = fingerprint(written(world()).path());
    let second = fingerprint(written(&simulated(today())).path());
    assert_eq!(first, second);
    // Changes whenever data/demo or the simulator changes: then look at what changed and pin the new value.
    assert_eq!(first, "72da4f5dfda01f0d9fe9026f747ce3ba6096cab05c0adda704e3104595efff87");
}

#[test]
fn owners_export_in_their_own_dialects() {
    let folder = written(world());
    let head = |name: &str, lines: usize| {
        let text = fs::read_to_string(folder.path().join(name)).expect("a file");
        text.lines().take(lines).collect::<Vec<_>>().join("\n")
    };
    let warung = head("sales_warung-imas.csv", 4);
    assert!(warung.starts_with('\u{feff}'));
    insta::assert_snapshot!("sales_warung", warung.trim_start_matches('\u{feff}'));
    insta::assert_snapshot!("sales_bakery", head("sales_roti-renon.csv", 4));
    insta::assert_snapshot!("sales_kiosk", head("sales_kios-yosina.csv", 4));
}

#[test]
fn the_export_maps_our_columns_to_the_owners() {
    let folder = written(world());
    for store in &world().definition.stores {
        let path = folder.path().join(SimulatedWorld::sales_file(store));
        let text = fs::read_to_string(path).expect("sales");
        let header = text.trim_start_matches('\u{feff}').lines().next().expect("header").to_owned();
        let mapped: Vec<&str> = store.export.columns.pairs().iter().map(|(_, header)| *header).collect();
        assert_eq!(header.split(store.export.delimiter).collect::<Vec<_>>(), mapped);
    }
}

#[test]
fn every_table_is_there_and_says_it_is_synthetic() {
    let folder = written(world());
    let mut heads = Vec::new();
    for name in [
        "calendar",
        "market_prices",
        "news_signals",
        "prices",
        "promos",
        "stockouts",
        "weather_actual",
        "weather_forecasts",
        "truth/effects",
    ] {
        let text = fs::read_to_string(folder.path().join(format!("{name}.csv"))).expect("a table");
        let lines: Vec<&str> = text.lines().take(3).collect();
        assert_eq!(lines.len(), 3, "{name} has rows");
        heads.push(format!("{name}\n{}", lines.join("\n")));
    }
    insta::assert_snapshot!("tables", heads.join("\n\n"));
    let notice = fs::read_to_string(folder.path().join("SYNTHETIC.txt")).expect("notice");
    assert!(notice.starts_with("SYNTHETIC DATA") && notice.contains("seed 7") && notice.contains("2026-11-23"));
    let text = fs::read_to_string(folder.path().join("truth/effects.json")).expect("truth");
    let truth: serde_json::Value = serde_json::from_str(&text).expect("json");
    assert_eq!(truth["synthetic"], true);
    assert_eq!(truth["products"].as_array().map(Vec::len), Some(world().truth.products.len()));
}
