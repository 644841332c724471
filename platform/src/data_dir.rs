//! The data folder: where the embedded engines keep their files.

use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Folder that the embedded engines (PostgreSQL, objects, mail) share. It need not exist yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDir(PathBuf);

/// Why no data folder could be chosen.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Neither `XDG_DATA_HOME` nor `HOME` is set, so there is no folder of this user.
    #[error("no data folder: HOME is not set; set VIRALCAST_DATA_DIR to an absolute path")]
    NoHome,
    /// The working directory, which a relative path starts from, cannot be read.
    #[error("the data folder `{path}` is relative and the working directory is not readable; give an absolute path in VIRALCAST_DATA_DIR")]
    NoWorkingDirectory {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

impl DataDir {
    /// Folder at `path`; a relative path starts from the working directory.
    pub fn at(path: impl AsRef<Path>) -> Result<Self, DataDirError> {
        let path = path.as_ref();
        std::path::absolute(path).map(Self).map_err(|source| DataDirError::NoWorkingDirectory { path: path.to_owned(), source })
    }

    /// The default folder: `/var/lib/viralcast` as root, the XDG data folder of any other user.
    pub fn default_for_user() -> Result<Self, DataDirError> {
        if rustix::process::geteuid().is_root() {
            return Ok(Self(PathBuf::from("/var/lib/viralcast")));
        }
        let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
        let data_home = absolute("XDG_DATA_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/share")));
        data_home.map(|folder| Self(folder.join("viralcast"))).ok_or(DataDirError::NoHome)
    }

    /// Creates the folder if it is missing and returns its canonical path.
    ///
    /// It is closed to other users; as root they may pass through it, since the database server is one of them.
    pub fn create(&self) -> std::io::Result<PathBuf> {
        let mode = if rustix::process::geteuid().is_root() { 0o711 } else { 0o700 };
        if !self.0.exists() {
            DirBuilder::new().recursive(true).mode(mode).create(&self.0)?;
            std::fs::set_permissions(&self.0, Permissions::from_mode(mode))?;
        }
        self.0.canonicalize()
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A folder or file inside.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }
}
