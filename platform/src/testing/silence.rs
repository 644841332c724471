//! A socket between a program and a server that can go silent: open, and nothing comes through any more.

use std::path::{Path, PathBuf};

use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

/// See the module.
#[derive(Debug)]
pub struct SilentSocket {
    path: PathBuf,
    /// Connections made under an earlier number are silent for ever.
    era: watch::Sender<u64>,
}

impl SilentSocket {
    /// Before PostgreSQL: listens in `folder`, under the name that its clients look for, and forwards to the socket that `options` name.
    ///
    /// # Errors
    /// If the folder or the socket can't be made, or the options name no socket.
    pub fn start(folder: &Path, options: &PgConnectOptions) -> std::io::Result<Self> {
        let name = format!(".s.PGSQL.{}", options.get_port());
        let server = options.get_socket().ok_or_else(|| std::io::Error::other("the server is not on a socket"))?.join(&name);
        std::fs::create_dir_all(folder)?;
        Self::between(folder.join(name), server)
    }

    /// Listens on the socket `path` and forwards to the socket `server`.
    ///
    /// # Errors
    /// If the socket can't be made.
    pub fn between(path: PathBuf, server: PathBuf) -> std::io::Result<Self> {
        let listener = UnixListener::bind(&path)?;
        let (era, of_now) = watch::channel(0);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (era, server) = (of_now.clone(), server.clone());
                tokio::spawn(async move {
                    let Ok(server) = UnixStream::connect(server).await else { return };
                    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
                    tokio::join!(pump(from_client, to_server, era.clone()), pump(from_server, to_client, era));
                });
            }
        });
        Ok(Self { path, era })
    }

    /// How to connect to PostgreSQL through it.
    #[must_use]
    pub fn through(&self, options: PgConnectOptions) -> PgConnectOptions {
        options.socket(self.path.parent().unwrap_or(&self.path))
    }

    /// What is open now stays open and silent; what connects from now on works.
    pub fn go_silent(&self) {
        self.era.send_modify(|era| *era += 1);
    }
}

async fn pump(mut from: tokio::net::unix::OwnedReadHalf, mut to: tokio::net::unix::OwnedWriteHalf, mut era: watch::Receiver<u64>) {
    let born = *era.borrow();
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let read = tokio::select! {
            read = from.read(&mut bytes) => read.unwrap_or(0),
            () = async { drop(era.wait_for(|era| *era != born).await) } => return std::future::pending().await,
        };
        if read == 0 || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
