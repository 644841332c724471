//! Reads `postmaster.pid` and tells whether the process it names is this cluster's server.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// What the server wrote into `postmaster.pid`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Postmaster {
    pub pid: u32,
    /// Folder of the socket; empty while the server is still at its very beginning.
    pub socket_folder: PathBuf,
    pub port: u16,
}

/// What became of the process that a `postmaster.pid` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Liveness {
    /// It runs and is the server of this cluster.
    Ours,
    /// The id is taken, but not by a running server of this cluster: it was used again, or these are the server's own
    /// remains, which its parent has not collected.
    Taken,
    /// No such process.
    Gone,
}

impl Postmaster {
    /// The file of the cluster in `data`, if there is a readable one.
    pub fn read(data: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(data.join("postmaster.pid")).ok()?;
        parse(&text)
    }

    pub fn liveness(&self, data: &Path) -> Liveness {
        match self.exists() {
            false => Liveness::Gone,
            true if !self.is_zombie() && self.serves(data) => Liveness::Ours,
            true => Liveness::Taken,
        }
    }

    /// Asks the server to disconnect everybody and shut down cleanly.
    pub fn stop_fast(&self) {
        self.signal(Signal::INT);
    }

    /// Makes the server quit at once; the next start recovers from the write-ahead log.
    pub fn stop_now(&self) {
        self.signal(Signal::QUIT);
    }

    fn signal(&self, signal: Signal) {
        // A failure means that the process is gone, which the caller waits for anyway.
        if let Some(pid) = self.os_pid() {
            let _ = kill_process(pid, signal);
        }
    }

    fn os_pid(&self) -> Option<Pid> {
        i32::try_from(self.pid).ok().and_then(Pid::from_raw)
    }

    fn exists(&self) -> bool {
        self.os_pid().is_some_and(|pid| !matches!(test_kill_process(pid), Err(rustix::io::Errno::SRCH)))
    }

    /// The state follows the closing parenthesis of the program's name, which may itself contain any character.
    fn is_zombie(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(['Z', 'X']))
    }

    /// A postmaster's working directory is its data folder; where that cannot be read, its arguments name it.
    fn serves(&self, data: &Path) -> bool {
        let arguments = self.arguments();
        let program = arguments.first().map(Path::new).and_then(Path::file_name);
        if !program.is_some_and(|name| name == "postgres" || name == "postmaster") {
            return false;
        }
        let identity = |path: &Path| std::fs::metadata(path).ok().map(|m| (m.dev(), m.ino()));
        match identity(Path::new(&format!("/proc/{}/cwd", self.pid))) {
            Some(folder) => identity(data) == Some(folder),
            None => arguments.iter().any(|argument| Path::new(argument) == data),
        }
    }

    fn arguments(&self) -> Vec<String> {
        if let Ok(bytes) = std::fs::read(format!("/proc/{}/cmdline", self.pid)) {
            return bytes.split(|byte| *byte == 0).map(|part| String::from_utf8_lossy(part).into_owned()).collect();
        }
        // No /proc (macOS, BSD): ps knows. Paths with spaces come apart and make the process look foreign there.
        let output = std::process::Command::new("ps").args(["-o", "args=", "-p", &self.pid.to_string()]).output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        text.split_whitespace().map(str::to_owned).collect()
    }
}

/// Lines: pid, data folder, start time, port, socket folder, address, shared memory, state.
fn parse(text: &str) -> Option<Postmaster> {
    let mut lines = text.lines();
    let pid = lines.next()?.trim().parse().ok()?;
    let port = lines.nth(2).and_then(|line| line.trim().parse().ok()).unwrap_or(5432);
    let socket_folder = PathBuf::from(lines.next().unwrap_or_default().trim());
    Some(Postmaster { pid, socket_folder, port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_whole_and_a_barely_begun_file() {
        let whole = parse("4242\n/d/data\n1700000000\n5432\n/d/run\n\n  123 4\nready   \n").expect("the pid is there");
        assert_eq!(whole, Postmaster { pid: 4242, socket_folder: PathBuf::from("/d/run"), port: 5432 });
        let begun = parse("4242\n").expect("the pid is there");
        assert_eq!(begun.socket_folder, PathBuf::new());
        assert_eq!(parse(""), None);
    }

    #[test]
    fn this_test_is_alive_but_no_server() {
        let me = Postmaster { pid: std::process::id(), socket_folder: PathBuf::new(), port: 5432 };
        assert_eq!(me.liveness(Path::new("/")), Liveness::Taken);
        let mut ended = std::process::Command::new("true").spawn().expect("a short process");
        let remains = Postmaster { pid: ended.id(), ..me.clone() };
        assert_eq!(remains.liveness(Path::new("/")), Liveness::Taken, "running, or ended and not collected");
        ended.wait().expect("collected");
        assert_eq!(remains.liveness(Path::new("/")), Liveness::Gone);
        let nobody = Postmaster { pid: i32::MAX as u32, ..me };
        assert_eq!(nobody.liveness(Path::new("/")), Liveness::Gone);
    }
}
