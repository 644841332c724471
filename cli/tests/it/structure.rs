//! The shape of the workspace: which crate may know which, where SQL lives, that what is in a registry folder is registered.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

fn root() -> PathBuf {
    Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where")).parent().expect("the workspace").to_path_buf()
}

fn metadata() -> Metadata {
    // Only this platform's dependencies are on the disk.
    let host = std::process::Command::new("rustc").arg("-vV").output().expect("rustc").stdout;
    let host =
        String::from_utf8(host).expect("text").lines().find_map(|line| line.strip_prefix("host: ").map(str::to_owned)).expect("a host");
    let options = ["--offline".to_owned(), "--locked".to_owned(), "--filter-platform".to_owned(), host];
    MetadataCommand::new().manifest_path(root().join("Cargo.toml")).other_options(options).exec().expect("cargo metadata")
}

/// Arrows of docs/ARCHITECTURE.md: crate to the workspace crates it may use.
const ARROWS: [(&str, &[&str]); 10] = [
    ("domain", &[]),
    ("platform", &["domain"]),
    ("ingest", &["domain", "platform"]),
    ("pipeline", &["domain"]),
    ("models", &["domain"]),
    ("payments", &["domain", "platform"]),
    ("jobs", &["domain", "platform", "ingest", "pipeline", "models", "payments"]),
    ("api", &["domain", "platform", "payments"]),
    ("standin", &["domain"]),
    ("cli", &["domain", "platform", "ingest", "pipeline", "models", "payments", "jobs", "api", "standin"]),
];

fn folder(package: &str) -> &str {
    if package == "viralcast" { "cli" } else { package.trim_start_matches("viralcast-") }
}

#[test]
fn crates_know_only_what_the_arrows_allow() {
    let metadata = metadata();
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.into_iter().collect();
    for package in metadata.workspace_packages() {
        let name = folder(&package.name);
        let used = package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal && dependency.path.is_some());
        for dependency in used {
            assert!(allowed[name].contains(&folder(&dependency.name)), "{name} must not depend on {}", dependency.name);
        }
    }
}

#[test]
fn heavy_libraries_stay_in_their_rooms() {
    let metadata = metadata();
    let only = |library: &str, rooms: &[&str]| {
        for package in metadata.workspace_packages() {
            let uses = package.dependencies.iter().any(|dependency| dependency.name == library);
            assert!(!uses || rooms.contains(&folder(&package.name)), "{library} may be used only in {rooms:?}, not in {}", package.name);
        }
    };
    only("polars", &["pipeline"]);
    only("linfa", &["models"]);
    only("linfa-elasticnet", &["models"]);
    only("ndarray", &["models"]);
    only("anyhow", &["cli"]);
}

#[test]
fn the_api_links_neither_polars_nor_linfa() {
    let metadata = metadata();
    let resolve = metadata.resolve.as_ref().expect("a resolved graph");
    let nodes: BTreeMap<_, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let api = metadata.workspace_packages().into_iter().find(|package| package.name.as_str() == "viralcast-api").expect("api").id.clone();
    let (mut seen, mut open) = (BTreeSet::new(), vec![api]);
    while let Some(id) = open.pop() {
        if seen.insert(id.clone()) {
            let normal = nodes[&id].deps.iter().filter(|dep| dep.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal));
            open.extend(normal.map(|dep| dep.pkg.clone()));
        }
    }
    let names: BTreeSet<&str> = seen.iter().map(|id| metadata[id].name.as_str()).collect();
    assert!(names.contains("axum"), "the walk must have found something");
    for heavy in names {
        assert!(!heavy.starts_with("polars") && !heavy.starts_with("linfa"), "api links {heavy}");
    }
}

/// Every file of a registry folder is declared and added in its `mod.rs`.
#[test]
fn every_file_of_a_registry_folder_is_registered() {
    let registries = [
        "ingest/src/sources",
        "pipeline/src/features",
        "models/src/forecasters",
        "jobs/src/workers",
        "api/src/routes",
        "standin/src/services",
    ];
    for registry in registries {
        let folder = root().join(registry);
        let list = fs::read_to_string(folder.join("mod.rs")).unwrap_or_else(|error| panic!("{registry}/mod.rs: {error}"));
        let declared: BTreeSet<String> = list
            .lines()
            .filter_map(|line| line.trim().trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';').map(str::to_owned))
            .collect();
        let files = fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path());
        let files: Vec<String> =
            files.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).filter(|name| name != "mod").collect();
        assert!(!files.is_empty(), "{registry} is empty");
        for name in files {
            assert!(declared.contains(&name), "{registry}/{name} has no `mod` line in {registry}/mod.rs");
            assert!(list.contains(&format!("{name}::")), "{registry}/{name} is not added to the registry in {registry}/mod.rs");
        }
    }
}

fn sources(extension: &str) -> Vec<PathBuf> {
    let (mut files, mut open) = (Vec::new(), vec![root()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            if path.is_dir() && !name.starts_with('.') && name != "target" && name != "node_modules" {
                open.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                files.push(path);
            }
        }
    }
    files
}

#[test]
fn sql_lives_in_platform_only() {
    for file in sources("rs") {
        let name = file.strip_prefix(root()).expect("inside").to_string_lossy().into_owned();
        let exempt =
            name.starts_with("platform/") || name.contains("/tests/") || name.contains("/benches/") || name.ends_with("structure.rs");
        let text = fs::read_to_string(&file).expect("text");
        assert!(exempt || !text.contains("sqlx::query"), "{name} holds SQL; statements live in platform/src/db");
    }
}

#[test]
fn files_stay_small() {
    let mut lengths: Vec<(usize, PathBuf)> =
        sources("rs").into_iter().map(|file| (fs::read_to_string(&file).expect("text").lines().count(), file)).collect();
    lengths.sort();
    let (longest, file) = lengths.last().expect("files");
    assert!(*longest <= 600, "{} has {longest} lines; the ceiling is 600", file.display());
    let at = |share: f64| lengths[(lengths.len() as f64 * share) as usize].0;
    assert!(at(0.5) <= 160, "half of the files are longer than {} lines", at(0.5));
    assert!(at(0.9) <= 400, "a tenth of the files are longer than {} lines", at(0.9));
}
