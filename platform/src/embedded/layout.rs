//! Where the files of the cluster lie, and that the server's account can get there.
//!
//! ```text
//! <data folder>/postgres/            0700, owned by the server's account
//!     data/                          the cluster
//!     run/                           the socket, when its path is short enough
//!     server.log                     what the server and initdb say
//!     start.lock  users.lock         see the module documentation of `embedded`
//! ```

use std::fs::DirBuilder;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::EmbeddedError;
use super::account::Account;
use crate::data_dir::DataDir;

/// Longest socket path the kernel takes, without the closing zero byte.
const SOCKET_PATH_LIMIT: usize = if cfg!(target_os = "linux") { 107 } else { 103 };
const SOCKET_NAME: &str = ".s.PGSQL.5432";

#[derive(Debug, Clone)]
pub(super) struct Layout {
    root: PathBuf,
    pub account: Account,
}

impl Layout {
    /// Creates the folders that are missing and checks the others.
    pub fn prepare(data: &DataDir) -> Result<Self, EmbeddedError> {
        let top = data.create().map_err(EmbeddedError::io("create the data folder", data.path()))?;
        let root = top.join("postgres");
        let account = Account::choose(owner_of(&root.join("data")).or_else(|| owner_of(&root)))?;
        if account.drop_to
            && let Some(folder) = account.first_closed_folder(&top)
        {
            return Err(EmbeddedError::NotTraversable { account: account.name, folder, target: root });
        }
        private_folder(&root, &account)?;
        Ok(Self { root, account })
    }

    /// The layout of a cluster that is there already; `None` when there is none.
    pub fn existing(data: &DataDir) -> Result<Option<Self>, EmbeddedError> {
        match data.join("postgres/data").exists() {
            true => Self::prepare(data).map(Some),
            false => Ok(None),
        }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// Where initdb works until it has succeeded.
    pub fn unfinished_data(&self) -> PathBuf {
        self.root.join("data.unfinished")
    }

    pub fn log(&self) -> PathBuf {
        self.root.join("server.log")
    }

    pub fn start_lock(&self) -> PathBuf {
        self.root.join("start.lock")
    }

    pub fn users_lock(&self) -> PathBuf {
        self.root.join("users.lock")
    }

    /// The folder of the socket, created: inside the data folder when the path fits, else in a private short one.
    pub fn socket_folder(&self) -> Result<PathBuf, EmbeddedError> {
        let inside = self.root.join("run");
        if fits(&inside) {
            private_folder(&inside, &self.account)?;
            return Ok(inside);
        }
        let short = self.short_base().join(format!("viralcast-{}", fingerprint(&self.root)));
        match DirBuilder::new().mode(0o700).create(&short) {
            Ok(()) => self.account.own(&short)?,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => self.verify_short(&short)?,
            Err(error) => return Err(EmbeddedError::io("create the socket folder", short)(error)),
        }
        Ok(short)
    }

    fn short_base(&self) -> PathBuf {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        runtime
            .filter(|folder| !self.account.drop_to && folder.is_dir() && fits(&folder.join("viralcast-0123456789abcdef")))
            .unwrap_or_else(|| PathBuf::from("/tmp"))
    }

    /// Anybody may create names under `/tmp`: only a real folder of the account, closed to others, will do.
    fn verify_short(&self, folder: &Path) -> Result<(), EmbeddedError> {
        let unsafe_because = |reason: String| EmbeddedError::UnsafeSocketFolder { path: folder.to_owned(), reason };
        let metadata = std::fs::symlink_metadata(folder).map_err(EmbeddedError::io("read", folder))?;
        if !metadata.is_dir() {
            return Err(unsafe_because("it is not a folder".to_owned()));
        }
        if metadata.uid() == 0 && self.account.drop_to {
            // Ours, from a start that was cut off before the folder was handed over.
            self.account.own(folder)?;
        } else if metadata.uid() != self.account.uid {
            return Err(unsafe_because(format!("it belongs to user id {}", metadata.uid())));
        }
        match metadata.mode() & 0o077 {
            0 => Ok(()),
            _ => Err(unsafe_because("other users may enter it".to_owned())),
        }
    }
}

fn private_folder(path: &Path, account: &Account) -> Result<(), EmbeddedError> {
    if !path.exists() {
        DirBuilder::new().mode(0o700).create(path).map_err(EmbeddedError::io("create the folder", path))?;
    }
    if owner_of(path).is_some_and(|(uid, _)| uid != account.uid) {
        account.own(path)?;
    }
    set_mode(path, 0o700)
}

fn set_mode(path: &Path, mode: u32) -> Result<(), EmbeddedError> {
    let permissions = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(path, permissions).map_err(EmbeddedError::io("set the permissions of", path))
}

fn owner_of(path: &Path) -> Option<(u32, PathBuf)> {
    std::fs::metadata(path).ok().map(|metadata| (metadata.uid(), path.to_owned()))
}

fn fits(folder: &Path) -> bool {
    folder.join(SOCKET_NAME).as_os_str().len() <= SOCKET_PATH_LIMIT
}

fn fingerprint(path: &Path) -> String {
    hex::encode(&Sha256::digest(path.as_os_str().as_bytes())[..8])
}
