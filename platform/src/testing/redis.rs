//! A real Redis of one test, on a socket in a folder of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use secrecy::SecretString;
use uuid::Uuid;

/// Starting takes a tenth of a second.
const PATIENCE: Duration = Duration::from_secs(20);

/// Ends the server when its input ends: also when the test is killed and can clear up nothing.
const KEEPER: &str = r#""$0" "$@" & server=$!; read -r _; kill -9 "$server"; wait "$server""#;

/// A Redis that ends with this value.
#[derive(Debug)]
pub struct TestRedis {
    folder: PathBuf,
    keeper: Option<Child>,
}

impl TestRedis {
    /// Starts one and waits until it answers.
    ///
    /// # Panics
    /// When there is no `redis-server` on this machine, or it does not start; the message says what to do.
    #[must_use]
    pub fn start() -> Self {
        // Paths of sockets are short: 107 bytes.
        let folder = std::env::temp_dir().join(format!("viralcast-redis-{}", Uuid::now_v7().simple()));
        std::fs::create_dir(&folder).unwrap_or_else(|error| panic!("no folder `{}` for a Redis: {error}", folder.display()));
        let mut redis = Self { folder, keeper: None };
        redis.restart();
        redis
    }

    /// Kills it as a loss of power would; nothing is kept.
    pub fn kill(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            // Whatever it ended with, it has ended.
            let _ = keeper.wait();
        }
    }

    /// Starts it again on the same socket, empty.
    ///
    /// # Panics
    /// As [`TestRedis::start`].
    pub fn restart(&mut self) {
        self.kill();
        let started = self.spawn().unwrap_or_else(|error| panic!("no test Redis: {error}"));
        self.keeper = Some(started);
    }

    /// `unix://` and the path of its socket.
    #[must_use]
    pub fn url(&self) -> SecretString {
        SecretString::from(format!("unix://{}", self.socket().display()))
    }

    /// Its socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.join("redis.sock")
    }

    /// A folder that goes with it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn spawn(&self) -> std::io::Result<Child> {
        let program = program().ok_or_else(|| {
            std::io::Error::other("there is no redis-server on the PATH: run `scripts/setup`, which installs it or says how")
        })?;
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER])
            .arg(program)
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(self.socket())
            .arg("--dir")
            .arg(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = keeper.stdout.take().ok_or_else(|| std::io::Error::other("it has no output"))?;
        let (said, hear) = std::sync::mpsc::channel();
        // Reads on to the end: a full pipe would stop the server.
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if line.to_lowercase().contains("ready to accept connections") {
                    let _ = said.send(());
                }
            }
        });
        hear.recv_timeout(PATIENCE).map_err(|_| std::io::Error::other("it did not start"))?;
        Ok(keeper)
    }
}

impl Drop for TestRedis {
    fn drop(&mut self) {
        self.kill();
        // What is left in the folder for temporary files harms nobody.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(usual).map(|folder| folder.join("redis-server")).find(|program| program.is_file())
}
