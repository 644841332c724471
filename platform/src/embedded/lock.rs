//! File locks that the kernel gives back when a program dies, however it dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use super::EmbeddedError;

const POLL: Duration = Duration::from_millis(20);

/// A lock on a file, held until dropped. The file is not inherited by child processes.
#[derive(Debug)]
pub(super) struct FileLock(File);

impl FileLock {
    /// Waits for the exclusive lock, at most `patience`.
    pub async fn exclusive(path: &Path, patience: Duration) -> Result<Self, EmbeddedError> {
        let file = open(path)?;
        let deadline = Instant::now() + patience;
        while !granted(file.try_lock(), path)? {
            if Instant::now() >= deadline {
                return Err(EmbeddedError::Busy { lock: path.to_owned(), seconds: patience.as_secs() });
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(Self(file))
    }

    /// The exclusive lock if it is free right now.
    pub fn try_exclusive(path: &Path) -> Result<Option<Self>, EmbeddedError> {
        let file = open(path)?;
        Ok(granted(file.try_lock(), path)?.then_some(Self(file)))
    }

    /// A shared lock. The caller holds the start lock, so nobody has this one exclusively.
    pub fn shared(path: &Path) -> Result<Self, EmbeddedError> {
        let file = open(path)?;
        file.lock_shared().map_err(EmbeddedError::io("lock", path))?;
        Ok(Self(file))
    }

    /// Turns a shared lock into the exclusive one; false, and the lock may be lost, when others share it.
    pub fn try_upgrade(&self) -> bool {
        self.0.try_lock().is_ok()
    }
}

fn open(path: &Path) -> Result<File, EmbeddedError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.open(path).map_err(EmbeddedError::io("open the lock file", path))
}

fn granted(attempt: Result<(), TryLockError>, path: &Path) -> Result<bool, EmbeddedError> {
    match attempt {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(source)) => Err(EmbeddedError::io("lock", path)(source)),
    }
}
