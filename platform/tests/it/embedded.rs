//! The private cluster: started, shared, killed and found again. Every test has a data folder of its own.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use platform::data_dir::DataDir;
use platform::embedded::{Cluster, Departure, EmbeddedError, Role};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

/// A folder that the server's account may pass through, which is not this one when root runs the tests.
fn open_tempdir() -> TempDir {
    tempdir_with_mode(0o711)
}

fn tempdir_with_mode(mode: u32) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).expect("permissions");
    folder
}

fn data_in(folder: &TempDir) -> DataDir {
    DataDir::at(folder.path().join("viralcast")).expect("an absolute path")
}

async fn number(cluster: &Cluster, role: Role, sql: &'static str) -> i64 {
    let mut connection = PgConnection::connect_with(&cluster.options(role)).await.expect("a connection");
    let value = sqlx::query_scalar(sql).fetch_one(&mut connection).await.expect("one number");
    connection.close().await.expect("closed");
    value
}

fn postmaster_file(data: &DataDir) -> PathBuf {
    data.join("postgres/data/postmaster.pid")
}

fn server_pid(data: &DataDir) -> u32 {
    let text = std::fs::read_to_string(postmaster_file(data)).expect("a running server");
    text.lines().next().and_then(|line| line.parse().ok()).expect("a pid")
}

async fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !happened() {
        assert!(Instant::now() < deadline, "waited a minute for: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn data_outlives_stop_and_start() {
    let folder = open_tempdir();
    let data = data_in(&folder);
    let cluster = Cluster::start(&data).await.expect("a first start");
    let mut owner = PgConnection::connect_with(&cluster.options(Role::Owner)).await.expect("a connection");
    sqlx::raw_sql("create table shops (id bigint); insert into shops values (7)").execute(&mut owner).await.expect("a table");
    owner.close().await.expect("closed");
    assert_eq!(cluster.stop().await.expect("a stop"), Departure::Stopped);
    assert!(!postmaster_file(&data).exists(), "an orderly stop removes postmaster.pid");

    let again = Cluster::start(&data).await.expect("a second start");
    assert_eq!(number(&again, Role::Owner, "select id from shops").await, 7);
    assert_eq!(again.stop().await.expect("a stop"), Departure::Stopped);
}

#[tokio::test]
async fn the_roles_have_exactly_the_rights_they_need() {
    let folder = open_tempdir();
    let cluster = Cluster::start(&data_in(&folder)).await.expect("a start");
    let supers = "select count(*) from pg_roles where rolname like 'viralcast\\_%' and rolsuper";
    assert_eq!(number(&cluster, Role::Owner, supers).await, 0);
    let bypass = "select count(*) from pg_roles where rolname = current_user and rolbypassrls";
    assert_eq!(number(&cluster, Role::Owner, bypass).await, 0);
    assert_eq!(number(&cluster, Role::Work, bypass).await, 1);
    assert_eq!(number(&cluster, Role::Serve, bypass).await, 0);
    let owns = "select count(*) from pg_database d join pg_roles r on r.oid = d.datdba where datname = current_database() and rolname = current_user";
    assert_eq!(number(&cluster, Role::Owner, owns).await, 1);
    cluster.stop().await.expect("a stop");
}

#[tokio::test]
async fn nothing_listens_on_the_network_and_others_cannot_reach_the_socket() {
    let folder = open_tempdir();
    let data = data_in(&folder);
    let cluster = Cluster::start(&data).await.expect("a start");
    let open = "select count(*) from pg_settings where name = 'listen_addresses' and setting <> ''";
    assert_eq!(number(&cluster, Role::Superuser, open).await, 0);
    let mode = std::fs::metadata(data.join("postgres")).expect("the folder").mode();
    assert_eq!(mode & 0o777, 0o700);
    cluster.stop().await.expect("a stop");
}

#[tokio::test]
async fn two_users_share_one_server_and_the_first_may_leave_first() {
    let folder = open_tempdir();
    let data = data_in(&folder);
    let (first, second) = tokio::join!(Cluster::start(&data), Cluster::start(&data));
    let (first, second) = (first.expect("a start"), second.expect("a share"));
    assert_eq!(first.stop().await.expect("a stop"), Departure::StillUsed);
    assert_eq!(number(&second, Role::Work, "select 1::bigint").await, 1);
    assert_eq!(second.stop().await.expect("a stop"), Departure::Stopped);
}

#[tokio::test]
async fn dropping_the_last_share_stops_the_server() {
    let folder = open_tempdir();
    let data = data_in(&folder);
    drop(Cluster::start(&data).await.expect("a start"));
    assert!(!postmaster_file(&data).exists(), "the server has stopped");
}

/// Variable by which a test tells the copy of itself that it starts which data folder to hold.
const HOLD: &str = "VIRALCAST_TEST_HOLD";

/// Starts this very test as another process, which joins the cluster, creates the file `held`, and waits to be killed.
fn another_program(test: &str, data: &DataDir) -> Child {
    let program = std::env::current_exe().expect("the test binary");
    Command::new(program).args([test, "--exact"]).env(HOLD, data.path()).spawn().expect("a second program")
}

/// In the other process: never returns.
async fn hold_if_told_to() {
    let Some(folder) = std::env::var_os(HOLD) else { return };
    let _cluster = Cluster::start(&DataDir::at(&folder).expect("a path")).await.expect("a start");
    std::fs::write(Path::new(&folder).join("held"), "").expect("the sign");
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_killed_program_leaves_a_server_that_the_next_one_adopts() {
    hold_if_told_to().await;
    let folder = open_tempdir();
    let data = data_in(&folder);
    let mut other = another_program("embedded::a_killed_program_leaves_a_server_that_the_next_one_adopts", &data);
    until("the other program holds the cluster", || data.join("held").exists()).await;
    let pid = server_pid(&data);
    other.kill().expect("kill -9");
    other.wait().expect("the end");

    let cluster = Cluster::start(&data).await.expect("a start after kill -9");
    assert_eq!(server_pid(&data), pid, "the running server was adopted");
    assert_eq!(number(&cluster, Role::Serve, "select 1::bigint").await, 1);
    assert_eq!(cluster.stop().await.expect("a stop"), Departure::Stopped);
}

#[tokio::test]
async fn the_last_of_two_programs_stops_the_server_of_a_killed_one() {
    hold_if_told_to().await;
    let folder = open_tempdir();
    let data = data_in(&folder);
    let mut other = another_program("embedded::the_last_of_two_programs_stops_the_server_of_a_killed_one", &data);
    until("the other program holds the cluster", || data.join("held").exists()).await;
    let cluster = Cluster::start(&data).await.expect("a share");
    other.kill().expect("kill -9");
    other.wait().expect("the end");
    assert_eq!(cluster.stop().await.expect("a stop"), Departure::Stopped);
    assert!(!postmaster_file(&data).exists());
}

#[tokio::test]
async fn a_server_killed_together_with_its_program_recovers() {
    hold_if_told_to().await;
    let folder = open_tempdir();
    let data = data_in(&folder);
    let mut other = another_program("embedded::a_server_killed_together_with_its_program_recovers", &data);
    until("the other program holds the cluster", || data.join("held").exists()).await;
    let pid = server_pid(&data);
    other.kill().expect("kill -9");
    other.wait().expect("the end");
    let killed = Command::new("kill").args(["-9", &pid.to_string()]).status().expect("kill");
    assert!(killed.success());

    let cluster = Cluster::start(&data).await.expect("a start after both were killed");
    assert_ne!(server_pid(&data), pid);
    assert_eq!(number(&cluster, Role::Serve, "select 1::bigint").await, 1);
    cluster.stop().await.expect("a stop");
}

#[tokio::test]
async fn a_stale_postmaster_pid_of_a_dead_process_is_no_obstacle() {
    let folder = open_tempdir();
    let data = data_in(&folder);
    Cluster::start(&data).await.expect("a start").stop().await.expect("a stop");
    let mut ended = Command::new("true").spawn().expect("a short process");
    ended.wait().expect("its end");
    write_postmaster_file(&data, ended.id());

    let cluster = Cluster::start(&data).await.expect("a start over the stale file");
    assert_eq!(number(&cluster, Role::Work, "select 1::bigint").await, 1);
    cluster.stop().await.expect("a stop");
}

#[tokio::test]
async fn a_stale_postmaster_pid_that_names_a_living_stranger_is_removed() {
    let folder = open_tempdir();
    let data = data_in(&folder);
    Cluster::start(&data).await.expect("a start").stop().await.expect("a stop");
    let mut stranger = stranger(&data);
    write_postmaster_file(&data, stranger.id());

    let cluster = Cluster::start(&data).await.expect("a start over the stale file");
    assert_ne!(server_pid(&data), stranger.id());
    assert_eq!(number(&cluster, Role::Work, "select 1::bigint").await, 1);
    cluster.stop().await.expect("a stop");
    assert!(stranger.try_wait().expect("its state").is_none(), "the stranger was left alone");
    stranger.kill().expect("kill");
    stranger.wait().expect("its end");
}

/// A process of the server's own account, whose id PostgreSQL would take for a living predecessor.
fn stranger(data: &DataDir) -> Child {
    use std::os::unix::process::CommandExt;
    let mut sleep = Command::new("sleep");
    sleep.arg("300");
    let owner = std::fs::metadata(data.join("postgres/data")).expect("the cluster");
    if std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0) {
        sleep.uid(owner.uid()).gid(owner.gid());
    }
    sleep.spawn().expect("a process")
}

fn write_postmaster_file(data: &DataDir, pid: u32) {
    let cluster = data.join("postgres/data");
    let socket = data.join("postgres/run");
    let text = format!("{pid}\n{}\n1700000000\n5432\n{}\n\n  5432001    196640\nready   \n", cluster.display(), socket.display());
    std::fs::write(postmaster_file(data), text).expect("the stale file");
    let owner = std::fs::metadata(&cluster).expect("the cluster");
    std::os::unix::fs::chown(postmaster_file(data), Some(owner.uid()), Some(owner.gid())).expect("its owner");
}

#[tokio::test]
async fn a_long_data_path_gets_a_short_private_socket_folder() {
    let folder = open_tempdir();
    let data = DataDir::at(folder.path().join("a".repeat(60)).join("b".repeat(60))).expect("a path");
    let cluster = Cluster::start(&data).await.expect("a start");
    let options = cluster.options(Role::Serve);
    let socket = options.get_socket().expect("a socket").clone();
    assert!(!socket.starts_with(data.path()), "{}", socket.display());
    assert_eq!(std::fs::metadata(&socket).expect("the folder").mode() & 0o777, 0o700);
    assert_eq!(number(&cluster, Role::Serve, "select 1::bigint").await, 1);
    cluster.stop().await.expect("a stop");
    std::fs::remove_dir_all(socket).expect("tidy up");
}

#[tokio::test]
async fn a_cut_off_initdb_is_begun_anew() {
    let folder = open_tempdir();
    let data = data_in(&folder);
    std::fs::create_dir_all(data.join("postgres/data.unfinished/base")).expect("a folder");
    std::fs::set_permissions(data.path(), std::fs::Permissions::from_mode(0o711)).expect("permissions");
    std::fs::write(data.join("postgres/data.unfinished/PG_VERSION"), "15\n").expect("a file");
    let cluster = Cluster::start(&data).await.expect("a start");
    assert!(!data.join("postgres/data.unfinished").exists());
    cluster.stop().await.expect("a stop");
}

#[tokio::test]
async fn a_cluster_of_another_major_version_is_refused_with_advice() {
    let folder = open_tempdir();
    let data = data_in(&folder);
    Cluster::start(&data).await.expect("a start").stop().await.expect("a stop");
    std::fs::write(data.join("postgres/data/PG_VERSION"), "9\n").expect("another version");
    let error = Cluster::start(&data).await.expect_err("a refusal");
    assert!(matches!(error, EmbeddedError::WrongMajor { cluster: 9, .. }), "{error}");
    assert!(error.to_string().contains("install PostgreSQL 9"), "{error}");
}

#[tokio::test]
async fn a_folder_that_is_no_cluster_is_refused() {
    let folder = open_tempdir();
    let data = data_in(&folder);
    std::fs::create_dir_all(data.join("postgres/data")).expect("a folder");
    std::fs::set_permissions(data.path(), std::fs::Permissions::from_mode(0o711)).expect("permissions");
    let error = Cluster::start(&data).await.expect_err("a refusal");
    assert!(matches!(error, EmbeddedError::NotACluster { .. }), "{error}");
}

/// As root the server runs as another user, who must be able to get there; other users need no such thing.
#[tokio::test]
async fn a_closed_parent_folder_is_named_with_the_way_out() {
    let folder = tempdir_with_mode(0o700);
    let data = data_in(&folder);
    let outcome = Cluster::start(&data).await;
    if !std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0) {
        outcome.expect("a private folder is fine for its owner").stop().await.expect("a stop");
        return;
    }
    let error = outcome.expect_err("a refusal");
    let closed = folder.path().canonicalize().expect("the folder");
    assert!(error.to_string().contains(&format!("chmod o+x {}", closed.display())), "{error}");
    assert!(error.to_string().contains("VIRALCAST_DATA_DIR"), "{error}");
}

#[tokio::test]
async fn stopping_an_unused_cluster_spares_a_used_one() {
    let folder = open_tempdir();
    let data = data_in(&folder);
    assert_eq!(Cluster::stop_unused(&data).await.expect("nothing there"), Departure::Untouched);
    let cluster = Cluster::start_lingering(&data, platform::embedded::Tuning::Disposable).await.expect("a start");
    assert_eq!(Cluster::stop_unused(&data).await.expect("in use"), Departure::StillUsed);
    assert_eq!(cluster.stop().await.expect("a stop"), Departure::Untouched);
    assert!(postmaster_file(&data).exists(), "a lingering cluster goes on");
    assert_eq!(Cluster::stop_unused(&data).await.expect("unused"), Departure::Stopped);
    assert!(!postmaster_file(&data).exists());
}

#[tokio::test]
async fn a_server_that_cannot_start_is_quoted() {
    let folder = open_tempdir();
    let data = data_in(&folder);
    Cluster::start(&data).await.expect("a start").stop().await.expect("a stop");
    std::fs::write(data.join("postgres/data/postgresql.conf"), "no_such_setting = 1\n").expect("a broken file");
    let error = Cluster::start(&data).await.expect_err("a refusal");
    assert!(matches!(error, EmbeddedError::StartFailed { .. }), "{error}");
    assert!(error.to_string().contains("no_such_setting"), "{error}");
}
