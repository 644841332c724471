//! A migrated database of its own for every test, on one warm private cluster per user; and a Redis of its own, which lives as long as the test.
//!
//! ```no_run
//! # async fn example() {
//! let db = platform::testing::TestDb::new().await;
//! let one: i32 = sqlx::query_scalar("select 1").fetch_one(db.work()).await.expect("a query");
//! db.close().await;
//! # }
//! ```
//!
//! The cluster lies in `VIRALCAST_TEST_DIR`, by default in a folder of the user under the system's folder for temporary
//! files. All test processes share it, each test gets a copy of a template database (about 50 ms), and nobody stops it
//! at the end: the next run finds it warm. It uses no CPU while idle and 30 MB of memory; `cargo run -p
//! viralcast-platform --example stop_test_cluster` stops it, and so does [`stop_shared_cluster`].
//!
//! A template is built once per content of `migrations/`, so editing a migration just makes a new one.

mod error;
mod eventually;
mod redis;
mod silence;
mod sweep;
mod template;

use std::path::PathBuf;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use uuid::Uuid;

use crate::data_dir::DataDir;
use crate::database::pool_options;
use crate::embedded::{Cluster, Departure, Endpoint, Role, Tuning};

pub use self::redis::TestRedis;
pub use error::TestDbError;
pub use eventually::eventually;
pub use silence::SilentSocket;

/// Environment variable that names the folder of the shared test cluster.
pub const FOLDER_VARIABLE: &str = "VIRALCAST_TEST_DIR";

const MAX_CONNECTIONS: u32 = 5;
const DROP_PATIENCE: Duration = Duration::from_secs(10);

/// A database of one test, dropped with this value.
#[derive(Debug)]
pub struct TestDb {
    name: String,
    owner: PgPool,
    work: PgPool,
    serve: PgPool,
    cluster: Cluster,
    dropped: bool,
}

impl TestDb {
    /// A fresh database with all migrations applied.
    ///
    /// # Panics
    /// When the cluster cannot be started or the migrations do not apply; the message says why.
    pub async fn new() -> Self {
        match Self::create().await {
            Ok(db) => db,
            Err(error) => panic!("no test database: {error}"),
        }
    }

    /// As [`TestDb::new`], for callers that report errors themselves.
    pub async fn create() -> Result<Self, TestDbError> {
        let cluster = Cluster::start_lingering(&folder()?, Tuning::Disposable).await?;
        let name = format!("{}{}", sweep::PREFIX, Uuid::now_v7().simple());
        let mut admin = connect_admin(cluster.endpoint()).await?;
        sweep::drop_leftovers(&mut admin).await?;
        let template = template::ensure(&mut admin, cluster.endpoint()).await?;
        let create = format!("create database {name} template {template} owner {}", Role::Owner.name());
        sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut admin).await?;
        admin.close().await?;
        let pool = |role| {
            let options = pool_options().max_connections(MAX_CONNECTIONS);
            options.connect_lazy_with(cluster.endpoint().options(role, &name))
        };
        Ok(Self { owner: pool(Role::Owner), work: pool(Role::Work), serve: pool(Role::Serve), dropped: false, name, cluster })
    }

    /// Pool of the role that owns the schema.
    pub fn owner(&self) -> &PgPool {
        &self.owner
    }

    /// Pool of workers: rows of all stores.
    pub fn work(&self) -> &PgPool {
        &self.work
    }

    /// Pool of the API: rows of the store that is set in the transaction.
    pub fn serve(&self) -> &PgPool {
        &self.serve
    }

    /// Options for a connection of its own, for example to LISTEN.
    pub fn options(&self, role: Role) -> PgConnectOptions {
        self.cluster.endpoint().options(role, &self.name)
    }

    /// URL of this database for a program that the test starts.
    pub fn database_url(&self, role: Role) -> String {
        self.cluster.endpoint().url(role, &self.name)
    }

    /// Environment variables that make a `viralcast` process use this database.
    pub fn environment(&self) -> [(&'static str, String); 3] {
        [
            ("DATABASE_URL", self.database_url(Role::Owner)),
            ("DATABASE_WORK_URL", self.database_url(Role::Work)),
            ("DATABASE_SERVE_URL", self.database_url(Role::Serve)),
        ]
    }

    /// Closes the pools and drops the database.
    pub async fn close(mut self) {
        tokio::join!(self.owner.close(), self.work.close(), self.serve.close());
        self.dropped = drop_database(self.cluster.endpoint().options(Role::Superuser, "postgres"), self.name.clone()).await.is_ok();
    }
}

impl Drop for TestDb {
    /// Also after a failed assertion. What remains after a crash is swept by a later test.
    fn drop(&mut self) {
        if self.dropped {
            return;
        }
        let admin = self.cluster.endpoint().options(Role::Superuser, "postgres");
        let name = self.name.clone();
        let (done, finished) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let result = runtime.map(|runtime| runtime.block_on(drop_database(admin, name)));
            // Nobody listens any more when the patience has run out.
            let _ = done.send(result.is_ok());
        });
        // A timeout leaves the database to the sweep.
        let _ = finished.recv_timeout(DROP_PATIENCE);
    }
}

/// Stops the shared test cluster if no test is running on it.
pub async fn stop_shared_cluster() -> Result<Departure, TestDbError> {
    Ok(Cluster::stop_unused(&folder()?).await?)
}

async fn connect_admin(endpoint: &Endpoint) -> Result<PgConnection, sqlx::Error> {
    PgConnection::connect_with(&endpoint.options(Role::Superuser, "postgres")).await
}

async fn drop_database(admin: PgConnectOptions, name: String) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect_with(&admin).await?;
    let drop = format!("drop database if exists {name} with (force)");
    sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut connection).await?;
    connection.close().await
}

fn folder() -> Result<DataDir, TestDbError> {
    let named = std::env::var_os(FOLDER_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
    let uid = rustix::process::geteuid().as_raw();
    let path = named.unwrap_or_else(|| std::env::temp_dir().join(format!("viralcast-test-{uid}")));
    Ok(DataDir::at(path)?)
}
