//! Questions about the database itself, for `doctor` and readiness.

use std::collections::HashMap;

use sqlx::PgPool;

use super::{Database, DatabaseError, MIGRATOR};

/// The socket and the loopback addresses are one and the same host.
const COUNT_HOSTS: &str = "
select count(distinct case when client_addr is null or client_addr <<= '127.0.0.0/8' or client_addr = '::1' then 'here'
                           else host(client_addr) end)
from pg_stat_activity
where application_name = 'viralcast'";

/// How the database stands to the migrations of this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MigrationState {
    /// Applied ones that this program knows.
    pub applied: usize,
    /// Known ones that are not applied, or did not finish.
    pub missing: usize,
    /// Applied ones that this program does not know: a newer program made them.
    pub unknown: usize,
    /// Applied ones whose text was another when they were applied.
    pub edited: usize,
}

impl Database {
    /// Number (150018) and name ("15.18") of the server's version.
    pub async fn server_version(&self) -> Result<(i32, String), DatabaseError> {
        let query = "select current_setting('server_version_num')::int4, current_setting('server_version')";
        sqlx::query_as(query).fetch_one(&self.owner).await.map_err(DatabaseError::connecting("read the version"))
    }

    /// Compares applied migrations with known ones. Changes nothing.
    pub async fn migration_state(&self) -> Result<MigrationState, DatabaseError> {
        let applied = applied(&self.owner).await.map_err(DatabaseError::connecting("read the migrations"))?;
        Ok(compare(applied))
    }

    /// Hosts from which viralcast programs are connected right now, as far as the owner's login may see.
    pub async fn client_hosts(&self) -> Result<i64, DatabaseError> {
        sqlx::query_scalar(COUNT_HOSTS).fetch_one(&self.owner).await.map_err(DatabaseError::connecting("count the hosts"))
    }
}

/// Checksums of finished migrations by version.
async fn applied(pool: &PgPool) -> Result<HashMap<i64, Vec<u8>>, sqlx::Error> {
    let exists: bool = sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null").fetch_one(pool).await?;
    if !exists {
        return Ok(HashMap::new());
    }
    let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as("select version, checksum from _sqlx_migrations where success").fetch_all(pool).await?;
    Ok(rows.into_iter().collect())
}

fn compare(mut applied: HashMap<i64, Vec<u8>>) -> MigrationState {
    let mut state = MigrationState { applied: 0, missing: 0, unknown: 0, edited: 0 };
    for migration in MIGRATOR.iter().filter(|migration| !migration.migration_type.is_down_migration()) {
        match applied.remove(&migration.version) {
            Some(checksum) if checksum == *migration.checksum => state.applied += 1,
            Some(_) => state.edited += 1,
            None => state.missing += 1,
        }
    }
    state.unknown = applied.len();
    state
}
