//! A private PostgreSQL cluster in the data folder, reached over a unix socket only.
//!
//! Any number of programs may use one data folder at a time; nobody is its owner:
//!
//! * whoever comes holds `start.lock` exclusively while it looks for a running server and starts one if there is none;
//! * everybody holds `users.lock` shared as long as they use the cluster;
//! * whoever leaves takes `start.lock` and then tries to get `users.lock` exclusively. If that works it was the last
//!   and stops the server.
//!
//! The kernel releases both locks when a program dies, `kill -9` included. The server it leaves behind is adopted by
//! the next program, or stopped by the last one that leaves.

mod account;
mod binaries;
mod endpoint;
mod error;
mod initdb;
mod layout;
mod lock;
mod postmaster;
mod roles;
mod server;
mod tuning;

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use tokio::process::Child;

use crate::data_dir::DataDir;
use layout::Layout;
use lock::FileLock;

pub(crate) use endpoint::Endpoint;
pub use endpoint::{DATABASE, Role};
pub use error::EmbeddedError;
pub use tuning::Tuning;

/// Longer than the longest orderly start or stop of another program.
const LOCK_PATIENCE: Duration = Duration::from_secs(180);
/// How long dropping a cluster may block.
const DROP_PATIENCE: Duration = Duration::from_secs(5);

/// What leaving the cluster did to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Departure {
    /// We were the last: the server has stopped.
    Stopped,
    /// Other programs use the cluster: the server goes on.
    StillUsed,
    /// There was no running server, or this handle does not stop it.
    Untouched,
}

/// This program's share in the private cluster. The server runs at least as long as this value lives.
#[derive(Debug)]
pub struct Cluster {
    layout: Layout,
    endpoint: Endpoint,
    /// `None` once this program has left.
    users: Option<FileLock>,
    /// The server, if this program started it.
    child: Option<Child>,
    lingers: bool,
}

impl Cluster {
    /// Joins the cluster in the data folder; creates it and starts its server when needed.
    ///
    /// A first start takes 1-4 s (initdb), a later one 0.1-0.3 s. Roles and the database `viralcast` exist afterwards;
    /// migrations are the caller's. Call [`Cluster::stop`] when done.
    pub async fn start(data: &DataDir) -> Result<Self, EmbeddedError> {
        Self::join(data, Tuning::Durable, false).await
    }

    /// Joins a cluster of throw-away data that keeps running when everybody has left, for the next to find it warm.
    ///
    /// [`Cluster::stop_unused`] ends it. The tuning is that of whoever started the server.
    pub async fn start_lingering(data: &DataDir, tuning: Tuning) -> Result<Self, EmbeddedError> {
        Self::join(data, tuning, true).await
    }

    async fn join(data: &DataDir, tuning: Tuning, lingers: bool) -> Result<Self, EmbeddedError> {
        let layout = Layout::prepare(data)?;
        let start_lock = FileLock::exclusive(&layout.start_lock(), LOCK_PATIENCE).await?;
        let users = Some(FileLock::shared(&layout.users_lock())?);
        let (endpoint, child) = match server::find_running(&layout).await? {
            Some(endpoint) => (endpoint, None),
            None => {
                let binaries = initdb::ensure_cluster(&layout, tuning).await?;
                let (endpoint, child) = server::start(&layout, &binaries, tuning).await?;
                (endpoint, Some(child))
            }
        };
        let cluster = Self { layout, endpoint, users, child, lingers };
        let ready = roles::ensure(&cluster.endpoint).await;
        // Released before an error drops the cluster, which takes this lock itself.
        drop(start_lock);
        ready.map(|()| cluster)
    }

    /// How to connect to the database `viralcast` as this role.
    pub fn options(&self, role: Role) -> PgConnectOptions {
        self.endpoint.options(role, DATABASE)
    }

    /// Where the cluster listens.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Leaves the cluster; the last to leave stops the server and waits for its end. Close all pools first.
    pub async fn stop(mut self) -> Result<Departure, EmbeddedError> {
        let Some(users) = self.users.take() else { return Ok(Departure::Untouched) };
        if self.lingers {
            return Ok(Departure::Untouched);
        }
        let _start_lock = FileLock::exclusive(&self.layout.start_lock(), LOCK_PATIENCE).await?;
        if !users.try_upgrade() {
            return Ok(Departure::StillUsed);
        }
        server::stop(&self.layout, self.child.take()).await?;
        Ok(Departure::Stopped)
    }

    /// Stops the server of this data folder if no program uses it.
    pub async fn stop_unused(data: &DataDir) -> Result<Departure, EmbeddedError> {
        let Some(layout) = Layout::existing(data)? else { return Ok(Departure::Untouched) };
        let _start_lock = FileLock::exclusive(&layout.start_lock(), LOCK_PATIENCE).await?;
        let Some(_users) = FileLock::try_exclusive(&layout.users_lock())? else { return Ok(Departure::StillUsed) };
        if server::find_running(&layout).await?.is_none() {
            return Ok(Departure::Untouched);
        }
        server::stop(&layout, None).await?;
        Ok(Departure::Stopped)
    }
}

impl Drop for Cluster {
    /// What [`Cluster::stop`] does, for at most some seconds: a program that panics should not leave a server behind.
    fn drop(&mut self) {
        let Some(users) = self.users.take().filter(|_| !self.lingers) else { return };
        let Ok(Some(_start_lock)) = FileLock::try_exclusive(&self.layout.start_lock()) else { return };
        if users.try_upgrade() {
            server::stop_blocking(&self.layout, self.child.as_mut(), DROP_PATIENCE);
        }
    }
}
