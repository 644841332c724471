//! Starts, adopts and stops the server process. The caller holds the start lock for all of them.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use sqlx::{Connection, PgConnection};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use super::binaries::Binaries;
use super::endpoint::{Endpoint, Role};
use super::layout::Layout;
use super::postmaster::{Liveness, Postmaster};
use super::{EmbeddedError, Tuning};

/// Crash recovery of a big database takes its time; a start that needs longer is reported.
const READY_PATIENCE: Duration = Duration::from_secs(120);
const STOP_PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(25);
/// A log larger than this is begun anew at the next start.
const LOG_LIMIT: u64 = 10 * 1024 * 1024;
/// Starts that meet the shared memory of a killed predecessor's last children are tried again.
const START_ATTEMPTS: u32 = 60;

/// A program to run under the server's account, in its folder and with a clean environment.
pub(super) fn command(program: &Path, layout: &Layout) -> Command {
    let mut command = Command::new(program);
    command.current_dir(layout.root()).env_clear().env("LC_ALL", "C").env("TZ", "UTC");
    for name in ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    if layout.account.drop_to {
        command.uid(layout.account.uid).gid(layout.account.gid);
    }
    command
}

/// The running server of this cluster, if there is one. One that is stopping is waited for and counts as none.
pub(super) async fn find_running(layout: &Layout) -> Result<Option<Endpoint>, EmbeddedError> {
    let deadline = Instant::now() + READY_PATIENCE;
    let data = layout.data();
    loop {
        let Some(postmaster) = Postmaster::read(&data) else { return Ok(None) };
        let endpoint = Endpoint::new(postmaster.socket_folder.clone(), postmaster.port);
        match postmaster.liveness(&data) {
            Liveness::Ours if is_ready(&endpoint).await => return Ok(Some(endpoint)),
            Liveness::Ours if Instant::now() < deadline => tokio::time::sleep(POLL).await,
            Liveness::Ours => return Err(not_ready(layout, postmaster.pid.to_string())),
            Liveness::Taken => return remove_stale_files(&data, &postmaster).map(|()| None),
            // The server clears up after one that is gone. Children it may have left are found by the data folder's
            // shared memory, with or without the file.
            Liveness::Gone => return Ok(None),
        }
    }
}

/// Starts the server and waits until it accepts connections.
pub(super) async fn start(layout: &Layout, binaries: &Binaries, tuning: Tuning) -> Result<(Endpoint, Child), EmbeddedError> {
    let endpoint = Endpoint::new(layout.socket_folder()?, 5432);
    for attempt in 1.. {
        let (log, begin) = open_log(layout)?;
        let mut child = spawn(layout, binaries, tuning, &endpoint, &log)?;
        match wait_until_ready(&endpoint, &mut child, layout).await? {
            Startup::Ready => return Ok((endpoint, child)),
            Startup::Ended => {
                let tail = written_since(begin, layout);
                if attempt == START_ATTEMPTS || !tail.contains("shared memory block") {
                    return Err(EmbeddedError::StartFailed { log: layout.log(), tail });
                }
                tokio::time::sleep(POLL * 10).await;
            }
        }
    }
    unreachable!("the loop above has no end but its returns")
}

/// Stops the server and waits for its end: cleanly, or at once if that takes too long.
pub(super) async fn stop(layout: &Layout, mut child: Option<Child>) -> Result<(), EmbeddedError> {
    let data = layout.data();
    let Some(postmaster) = Postmaster::read(&data).filter(|server| server.liveness(&data) == Liveness::Ours) else {
        return Ok(());
    };
    postmaster.stop_fast();
    if ends_within(STOP_PATIENCE, &postmaster, &data, child.as_mut()).await {
        return Ok(());
    }
    tracing::warn!(pid = postmaster.pid, "the database server does not stop; making it quit at once");
    postmaster.stop_now();
    match ends_within(STOP_PATIENCE, &postmaster, &data, child.as_mut()).await {
        true => Ok(()),
        false => Err(EmbeddedError::NotStopped { pid: postmaster.pid, seconds: 2 * STOP_PATIENCE.as_secs(), log: layout.log() }),
    }
}

/// Asks the server to stop and waits a little, without a runtime: for `Drop`.
pub(super) fn stop_blocking(layout: &Layout, child: Option<&mut Child>, patience: Duration) {
    let data = layout.data();
    let Some(postmaster) = Postmaster::read(&data).filter(|server| server.liveness(&data) == Liveness::Ours) else { return };
    postmaster.stop_fast();
    let deadline = std::time::Instant::now() + patience;
    let mut child = child;
    while std::time::Instant::now() < deadline && !has_ended(&postmaster, &data, child.as_deref_mut()) {
        std::thread::sleep(POLL);
    }
}

fn spawn(layout: &Layout, binaries: &Binaries, tuning: Tuning, endpoint: &Endpoint, log: &File) -> Result<Child, EmbeddedError> {
    let program = binaries.program("postgres");
    let mut postgres = command(&program, layout);
    postgres.arg("-D").arg(layout.data()).args(["-p", &endpoint.port.to_string()]);
    for (name, value) in tuning.settings() {
        postgres.arg("-c").arg(format!("{name}={value}"));
    }
    postgres.arg("-c").arg(format!("unix_socket_directories={}", endpoint.quoted_folder()));
    let to_log = || log.try_clone().map(Stdio::from).map_err(EmbeddedError::io("write", layout.log()));
    postgres.stdin(Stdio::null()).stdout(to_log()?).stderr(to_log()?);
    // A group of its own: Ctrl-C in the terminal must reach viralcast only, which then stops the server in order.
    postgres.process_group(0);
    postgres.spawn().map_err(EmbeddedError::io("run", program))
}

enum Startup {
    Ready,
    Ended,
}

async fn wait_until_ready(endpoint: &Endpoint, child: &mut Child, layout: &Layout) -> Result<Startup, EmbeddedError> {
    let deadline = Instant::now() + READY_PATIENCE;
    loop {
        if is_ready(endpoint).await {
            return Ok(Startup::Ready);
        }
        if !matches!(child.try_wait(), Ok(None)) {
            return Ok(Startup::Ended);
        }
        if Instant::now() >= deadline {
            let pid = child.id().map_or("unknown".to_owned(), |pid| pid.to_string());
            return Err(not_ready(layout, pid));
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn is_ready(endpoint: &Endpoint) -> bool {
    match PgConnection::connect_with(&endpoint.options(Role::Superuser, "postgres")).await {
        Ok(connection) => connection.close().await.is_ok(),
        Err(_) => false,
    }
}

async fn ends_within(patience: Duration, postmaster: &Postmaster, data: &Path, mut child: Option<&mut Child>) -> bool {
    let deadline = Instant::now() + patience;
    while !has_ended(postmaster, data, child.as_deref_mut()) {
        if Instant::now() >= deadline {
            return false;
        }
        tokio::time::sleep(POLL).await;
    }
    true
}

/// Collects our own child, so that it does not look alive as a zombie where there is no /proc to tell.
fn has_ended(postmaster: &Postmaster, data: &Path, child: Option<&mut Child>) -> bool {
    child.is_some_and(|child| matches!(child.try_wait(), Ok(Some(_)))) || postmaster.liveness(data) != Liveness::Ours
}

/// The id in the files is taken by something else; the server would take that for a predecessor and refuse.
fn remove_stale_files(data: &Path, postmaster: &Postmaster) -> Result<(), EmbeddedError> {
    let socket_lock = postmaster.socket_folder.join(format!(".s.PGSQL.{}.lock", postmaster.port));
    tracing::warn!(pid = postmaster.pid, "removing a stale postmaster.pid: its process is not the server any more");
    for file in [data.join("postmaster.pid"), socket_lock] {
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(EmbeddedError::io("remove the stale file", file)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

fn not_ready(layout: &Layout, pid: String) -> EmbeddedError {
    EmbeddedError::NotReady { pid, seconds: READY_PATIENCE.as_secs(), log: layout.log() }
}

/// The log, and how long it is now.
fn open_log(layout: &Layout) -> Result<(File, u64), EmbeddedError> {
    let path = layout.log();
    let length = || std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
    if length() > LOG_LIMIT {
        std::fs::remove_file(&path).map_err(EmbeddedError::io("remove the old log", &path))?;
    }
    let begin = length();
    let log = OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(EmbeddedError::io("open the log", &path))?;
    layout.account.own(&path)?;
    Ok((log, begin))
}

/// What the log says from byte `begin` on (at most the last 2,000 characters).
fn written_since(begin: u64, layout: &Layout) -> String {
    let mut bytes = Vec::new();
    // Opened anew: the server shares the other handle, and with it the place where it reads and writes.
    let read = File::open(layout.log()).and_then(|mut log| log.seek(SeekFrom::Start(begin)).and_then(|_| log.read_to_end(&mut bytes)));
    if let Err(error) = read {
        return format!("(unreadable: {error})");
    }
    let text = String::from_utf8_lossy(&bytes);
    let skip = text.chars().count().saturating_sub(2_000);
    text.chars().skip(skip).collect()
}
