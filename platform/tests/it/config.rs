//! Settings: layers, origins, and refusals that say which setting and where.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use platform::config::{Config, ConfigError, Origin, Setting, reference};
use secrecy::ExposeSecret;
use tempfile::TempDir;

fn environment(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect()
}

fn file(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("viralcast.toml");
    std::fs::write(&path, text).expect("the file");
    (folder, path)
}

fn refusal(text: &str, pairs: &[(&str, &str)]) -> String {
    let (folder, path) = file(text);
    let error = Config::load_with(Some(&path), environment(pairs)).expect_err("a refusal");
    error.to_string().replace(&folder.path().display().to_string(), "FOLDER")
}

fn setting(config: &Config, key: &str) -> Setting {
    config.settings().into_iter().find(|setting| setting.key == key).expect("a known setting")
}

#[test]
fn nothing_has_to_be_set() {
    let config = Config::load_with(None, environment(&[("PATH", "/bin")])).expect("defaults");
    assert_eq!(config.http.address().to_string(), "127.0.0.1:4000");
    assert!(config.database.url.is_none());
    assert!(config.settings().iter().all(|setting| setting.origin == Origin::Default && setting.value == setting.default));
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_default() {
    let (_folder, path) = file("[http]\nport = 4001\nrequest_timeout_seconds = 5\n");
    let config = Config::load_with(Some(&path), environment(&[("VIRALCAST_HTTP__PORT", "4002")])).expect("loaded");
    assert_eq!((config.http.port, config.http.request_timeout_seconds, config.http.shutdown_seconds), (4002, 5, 20));
    let origins = ["http.port", "http.request_timeout_seconds", "http.shutdown_seconds"].map(|key| setting(&config, key).origin);
    assert_eq!(origins, [Origin::Environment, Origin::File, Origin::Default]);
    assert_eq!(config.file(), Some(path.as_path()));
}

#[test]
fn the_variable_names_the_file_unless_an_argument_does() {
    let (_folder, path) = file("[http]\nport = 4001\n");
    let named = environment(&[("VIRALCAST_CONFIG", path.to_str().expect("text"))]);
    assert_eq!(Config::load_with(None, named.clone()).expect("loaded").http.port, 4001);
    let (_other_folder, other) = file("[http]\nport = 4009\n");
    assert_eq!(Config::load_with(Some(&other), named).expect("loaded").http.port, 4009);
}

#[test]
fn a_variable_set_to_nothing_is_unset() {
    let config = Config::load_with(None, environment(&[("DATABASE_URL", ""), ("REDIS_URL", "")])).expect("loaded");
    assert!(config.database.url.is_none());
}

#[test]
fn secrets_are_read_but_never_shown() {
    let url = "postgres://me:hunter2@db.example/shop";
    let config = Config::load_with(None, environment(&[("DATABASE_URL", url)])).expect("loaded");
    assert_eq!(config.database.url.as_ref().map(|secret| secret.expose_secret()), Some(url));
    let shown = setting(&config, "database.url");
    assert_eq!((shown.value.as_deref(), shown.origin), (Some("(set, not shown)"), Origin::Environment));
    assert!(!format!("{config:?} {:?}", config.settings()).contains("hunter2"));
}

#[test]
fn a_value_can_be_in_a_file_of_its_own() {
    let (_folder, path) = file("postgres://warung:hunter2@db/app\n");
    let path = path.to_str().expect("text");
    let config = Config::load_with(None, environment(&[("DATABASE_URL_FILE", path)])).expect("a configuration");
    assert_eq!(config.database.url.as_ref().map(|secret| secret.expose_secret()), Some("postgres://warung:hunter2@db/app"));
    let twice = refusal("", &[("DATABASE_URL_FILE", path), ("DATABASE_URL", "postgres://db/app")]);
    assert!(twice.contains("DATABASE_URL and DATABASE_URL_FILE are both set"), "{twice}");
    let gone = refusal("", &[("VIRALCAST_AUTH__SECRET_FILE", "/nowhere/secret")]);
    assert!(gone.contains("`/nowhere/secret`, which VIRALCAST_AUTH__SECRET_FILE names"), "{gone}");
    let (_folder, empty) = file("\n");
    let empty = refusal("", &[("DATABASE_URL_FILE", empty.to_str().expect("text"))]);
    assert!(empty.contains("which DATABASE_URL_FILE names: it is empty"), "{empty}");
    let none = refusal("", &[("VIRALCAST_AUTH__SECRETS_FILE", path)]);
    assert!(none.contains("unknown environment variable"), "{none}");
}

#[test]
fn the_data_folder_can_be_set() {
    let config = Config::load_with(None, environment(&[("VIRALCAST_DATA_DIR", "/srv/shop")])).expect("loaded");
    assert_eq!(config.data_dir().expect("a folder").path(), Path::new("/srv/shop"));
}

/// What a person is told, for every way to get a setting wrong.
#[test]
fn refusals_name_setting_and_place() {
    let files = [
        "[http]\nprot = 4001",
        "[htpp]\nport = 4001",
        "port = 4001",
        "[http]\nport = [4001]",
        "[http]\nport = \"many\"",
        "[http]\nport = 70000",
        "[http\nport = 1",
        "[http]\nbind = \"0.0.0.0\"",
        "[telemetry]\nformat = \"loud\"",
        "[objects]\nurl = \"s3://\"",
    ];
    let variables = [
        ("VIRALCAST_HTTP__PROT", "4001"),
        ("VIRALCAST_HTPP__PORT", "4001"),
        ("VIRALCAST_HTTP__PORT", "many"),
        ("VIRALCAST_FORECAST__HORIZON_DAYS", "1"),
        ("REDIS_URL", "http://:secret@cache"),
        ("REDIS_URL", "redis://cache:many"),
        ("REDIS_URL", "redis://:secret@cache:6379/0"),
        ("PULSAR_URL", "pulsar://broker"),
        ("OBJECT_STORE_URL", "http://bucket"),
        ("SMTP_URL", "http://warung:secret@mail"),
        ("SMTP_URL", "smtp://warung:secret@mail:465"),
        ("SMTP_URL", "smtp://warung@mail"),
        ("SMTP_URL", "smtp://mail?tls=none"),
    ];
    let of_files = files.map(|text| format!("{}\n    {}", text.replace('\n', " / "), refusal(text, &[])));
    let of_variables = variables.map(|(name, value)| format!("{name}={value}\n    {}", refusal("", &[(name, value)])));
    assert!(of_variables.iter().all(|refusal| refusal.lines().skip(1).all(|line| !line.contains("secret"))), "{of_variables:?}");
    insta::assert_snapshot!([of_files.as_slice(), of_variables.as_slice()].concat().join("\n"));
}

#[test]
fn redis_goes_without_tls_where_nobody_listens() {
    let load = |more: &[(&str, &str)]| Config::load_with(None, environment(more)).map(|_| ());
    let address = |url| [("REDIS_URL", url)];
    for url in
        ["redis://localhost:6379/0", "redis://127.0.0.1", "redis://[::1]:6379", "rediss://:secret@cache:6379/0", "unix:///run/redis.sock"]
    {
        load(&address(url)).unwrap_or_else(|error| panic!("{url}: {error}"));
    }
    load(&address("redis://cache:6379")).expect_err("anybody between the two");
    load(&[("REDIS_URL", "redis://cache:6379"), ("VIRALCAST_CACHE__PLAIN_REDIS", "true")]).expect("somebody said so");
}

#[test]
fn nobody_outside_is_asked_in_the_clear() {
    let load = |more: &[(&str, &str)]| Config::load_with(None, environment(more)).map(|_| ());
    for (key, path) in [
        ("VIRALCAST_SOURCES__BMKG_URL", "/bmkg"),
        ("VIRALCAST_SOURCES__PIHPS_URL", "/pihps"),
        ("VIRALCAST_SOURCES__OPEN_METEO_URL", ""),
        ("VIRALCAST_SOURCES__BAPANAS_URL", "/api"),
        ("VIRALCAST_SOURCES__SERPER_URL", ""),
        ("VIRALCAST_XENDIT__URL", "/xendit"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
    ] {
        for base in ["https://elsewhere.example", "http://127.0.0.1:4100", "http://[::1]:4100"] {
            load(&[(key, &format!("{base}{path}"))]).unwrap_or_else(|error| panic!("{key} {base}: {error}"));
        }
        let error = load(&[(key, &format!("http://elsewhere.example{path}"))]).expect_err("anybody between the two");
        assert!(error.to_string().contains(key), "{error}");
    }
    let collector = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
    load(&[collector, ("VIRALCAST_TELEMETRY__PLAIN_OTLP", "true")]).expect("somebody said so");
}

#[test]
fn a_missing_file_is_an_error() {
    let error = Config::load_with(Some(Path::new("/nowhere/viralcast.toml")), []).expect_err("a refusal");
    assert!(matches!(error, ConfigError::Unreadable { .. }), "{error}");
    assert!(error.to_string().contains("/nowhere/viralcast.toml"), "{error}");
}

/// The page is what the code says. `UPDATE_DOCS=1` rewrites it.
#[test]
fn the_reference_page_is_up_to_date() {
    let path = Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where")).join("../docs/reference/config.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("docs/reference");
        std::fs::write(&path, reference()).expect("the page");
    }
    let page = std::fs::read_to_string(&path).expect("docs/reference/config.md; run this test with UPDATE_DOCS=1");
    assert_eq!(page, reference(), "docs/reference/config.md is out of date; run this test with UPDATE_DOCS=1");
}
