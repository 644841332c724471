use std::path::PathBuf;

/// Why the private cluster cannot be used. Every message names the file and the next step.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// No server binaries of a supported version on this machine.
    #[error(
        "no PostgreSQL {wanted} server found (looked in {searched}); install it with `{install}`, name its folder in VIRALCAST_PG_BIN, or set DATABASE_URL to use a server of your own"
    )]
    NoBinaries { wanted: String, searched: String, install: String },

    /// The cluster on disk was made by another major version than the one installed.
    #[error(
        "the cluster in `{data}` was made by PostgreSQL {cluster}, but only {found} is installed; install PostgreSQL {cluster} (`{install}`), or dump it there and move `{data}` away to start anew"
    )]
    WrongMajor { data: PathBuf, cluster: u32, found: String, install: String },

    /// There is a folder in the place of the cluster, but it is none.
    #[error("`{data}` is not a PostgreSQL cluster: its file PG_VERSION is missing or unreadable; move the folder away to start anew")]
    NotACluster { data: PathBuf },

    /// Running as root and there is no account to drop to.
    #[error(
        "PostgreSQL does not run as root and /etc/passwd has neither `postgres` nor `nobody`; add one of these users, or start viralcast as a normal user"
    )]
    NoAccount,

    /// The account that the server runs under cannot get to the data folder.
    #[error(
        "the PostgreSQL server runs as user `{account}`, who may not enter `{folder}` on the way to `{target}`; run `chmod o+x {folder}`, or set VIRALCAST_DATA_DIR to a folder elsewhere (as root the default is /var/lib/viralcast)"
    )]
    NotTraversable { account: String, folder: PathBuf, target: PathBuf },

    /// The files belong to somebody else.
    #[error(
        "`{path}` belongs to user id {owner}, but viralcast runs as user id {running}; start it as that user, or set VIRALCAST_DATA_DIR to a folder of your own"
    )]
    ForeignOwner { path: PathBuf, owner: u32, running: u32 },

    /// The folder of the socket under `/tmp` or `XDG_RUNTIME_DIR` is not safe to use.
    #[error(
        "the socket folder `{path}` is not safe to use: {reason}; remove it, or set VIRALCAST_DATA_DIR to a shorter path so that the socket fits inside it"
    )]
    UnsafeSocketFolder { path: PathBuf, reason: String },

    /// A file operation failed.
    #[error("cannot {action} `{path}`: {source}")]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },

    /// `initdb` did not succeed.
    #[error("initdb could not create the cluster in `{data}`: {output}")]
    InitFailed { data: PathBuf, output: String },

    /// The server ended while it started.
    #[error("the PostgreSQL server ended while starting; its log `{log}` says:\n{tail}")]
    StartFailed { log: PathBuf, tail: String },

    /// The server runs but does not accept connections.
    #[error("the PostgreSQL server (pid {pid}) did not accept connections within {seconds} s; see its log `{log}`")]
    NotReady { pid: String, seconds: u64, log: PathBuf },

    /// The server did not end when asked to.
    #[error("the PostgreSQL server (pid {pid}) did not stop within {seconds} s; see its log `{log}`")]
    NotStopped { pid: u32, seconds: u64, log: PathBuf },

    /// Another program holds the start lock for longer than any start takes.
    #[error(
        "another program has been starting or stopping the cluster for {seconds} s and holds `{lock}`; look for a hanging viralcast process, then try again"
    )]
    Busy { lock: PathBuf, seconds: u64 },

    /// The server runs, but roles or database could not be created.
    #[error("cannot set up roles and database of the private cluster: {0}")]
    Bootstrap(#[source] sqlx::Error),
}

impl EmbeddedError {
    /// Wraps an I/O error with what was being done to which path.
    pub(super) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}
