//! One handle for the database, wherever it is: pools of the three roles, migrations, orderly closing.

mod begin;
mod error;
mod inspect;
mod servers;

use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::{Migrate, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};
use tokio::sync::Mutex;

use crate::config::DatabaseConfig;
use crate::data_dir::DataDir;
use crate::embedded::{Cluster, Departure};

pub(crate) use begin::{BEGIN, BEGIN_SNAPSHOT, begin_with};
pub use begin::{begin, begin_snapshot};
pub use error::DatabaseError;
pub use inspect::MigrationState;
use servers::Servers;

/// The schema, in order.
pub static MIGRATOR: Migrator = sqlx::migrate!("../migrations");

/// Connections are made on first use and shared by all clones. Close it before the program ends.
#[derive(Debug, Clone)]
pub struct Database {
    owner: PgPool,
    work: PgPool,
    serve: PgPool,
    direct: PgConnectOptions,
    /// The share in the private cluster; `None` with `DATABASE_URL` and once closed.
    cluster: Arc<Mutex<Option<Cluster>>>,
}

/// What migrating did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migrated {
    /// Migrations that this call applied.
    pub applied: usize,
    /// Migrations that the program knows.
    pub known: usize,
}

/// A connection that is given back is tried then: one that was lately needs no trip to the server before it is used again.
const SURELY_ALIVE: Duration = Duration::from_secs(1);

/// What all pools have in common.
pub(crate) fn pool_options() -> PgPoolOptions {
    PgPoolOptions::new().test_before_acquire(false).before_acquire(|connection, meta| Box::pin(is_alive(connection, meta.idle_for)))
}

async fn is_alive(connection: &mut PgConnection, idle: Duration) -> sqlx::Result<bool> {
    if idle >= SURELY_ALIVE {
        connection.ping().await?;
    }
    Ok(true)
}

impl Database {
    /// Opens `DATABASE_URL` if it is set, else joins (or creates) the private cluster in the data folder.
    ///
    /// With `DATABASE_URL` nothing connects yet: the first query does, and reports what is wrong.
    pub async fn open(config: &DatabaseConfig, data: &DataDir) -> Result<Self, DatabaseError> {
        match Servers::from_config(config)? {
            Some(servers) => Ok(Self::on(servers, config, None)),
            None => {
                let cluster = Cluster::start(data).await?;
                Ok(Self::on(Servers::embedded(&cluster), config, Some(cluster)))
            }
        }
    }

    fn on(servers: Servers, config: &DatabaseConfig, cluster: Option<Cluster>) -> Self {
        let pool = |options: PgConnectOptions, most: u32| {
            pool_options()
                .max_connections(most)
                .acquire_timeout(Duration::from_secs(config.acquire_timeout_seconds))
                .connect_lazy_with(options)
        };
        Self {
            owner: pool(servers.owner, 2),
            work: pool(servers.work, config.max_connections),
            serve: pool(servers.serve, config.max_connections),
            direct: servers.direct,
            cluster: Arc::new(Mutex::new(cluster)),
        }
    }

    /// Pool of the role that owns the schema. For migrations, partitions and diagnosis only.
    pub fn owner(&self) -> &PgPool {
        &self.owner
    }

    /// Pool of workers and commands: rows of all stores.
    pub fn work(&self) -> &PgPool {
        &self.work
    }

    /// Pool of the API: rows of the store that is set in the transaction.
    pub fn serve(&self) -> &PgPool {
        &self.serve
    }

    /// Options for a connection that is the session's own, past any pooler: LISTEN, advisory locks, migrations.
    pub fn direct(&self) -> &PgConnectOptions {
        &self.direct
    }

    /// Applies the migrations that are missing, as the owner, one program at a time (advisory lock).
    pub async fn migrate(&self) -> Result<Migrated, DatabaseError> {
        let mut connection = self.direct.connect().await.map_err(DatabaseError::connecting("migrate"))?;
        let before = applied_migrations(&mut connection).await?;
        MIGRATOR.run(&mut connection).await.map_err(DatabaseError::Migrate)?;
        let after = applied_migrations(&mut connection).await?;
        connection.close().await.map_err(DatabaseError::connecting("migrate"))?;
        Ok(Migrated { applied: after.saturating_sub(before), known: known_migrations() })
    }

    /// Closes the pools and leaves the private cluster, whose server stops if this program was the last user.
    pub async fn close(&self) -> Result<Departure, DatabaseError> {
        tokio::join!(self.owner.close(), self.work.close(), self.serve.close());
        match self.cluster.lock().await.take() {
            Some(cluster) => Ok(cluster.stop().await?),
            None => Ok(Departure::Untouched),
        }
    }

    /// True when the database is the private cluster of this machine.
    pub async fn is_embedded(&self) -> bool {
        self.cluster.lock().await.is_some()
    }
}

/// How many migrations this program brings.
pub(crate) fn known_migrations() -> usize {
    MIGRATOR.iter().filter(|migration| !migration.migration_type.is_down_migration()).count()
}

/// How many migrations this database has; none when it was never migrated.
pub(crate) async fn applied_migrations(connection: &mut sqlx::PgConnection) -> Result<usize, DatabaseError> {
    connection.ensure_migrations_table(&MIGRATOR.table_name).await.map_err(DatabaseError::Migrate)?;
    let applied = connection.list_applied_migrations(&MIGRATOR.table_name).await.map_err(DatabaseError::Migrate)?;
    Ok(applied.len())
}
