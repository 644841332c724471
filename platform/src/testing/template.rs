//! The template database: all migrations applied to an empty one, once per content of the migrations.

use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::TestDbError;
use crate::database::MIGRATOR;
use crate::embedded::{Endpoint, Role};

/// One template is built at a time on a cluster: migrations touch roles, which all databases share.
const BUILD_LOCK: i64 = 0x7669_7261_6c74_7374;

pub(super) const PREFIX: &str = "template_";

/// Name of the template, built if it is not there yet. Being marked as a template is the sign that it is finished.
pub(super) async fn ensure(admin: &mut PgConnection, endpoint: &Endpoint) -> Result<String, TestDbError> {
    let name = format!("{PREFIX}{}", migrations_hash());
    if is_finished(admin, &name).await? {
        return Ok(name);
    }
    sqlx::query("select pg_advisory_lock($1)").bind(BUILD_LOCK).execute(&mut *admin).await?;
    let built = match is_finished(admin, &name).await {
        Ok(false) => build(admin, endpoint, &name).await,
        Ok(true) => Ok(()),
        Err(error) => Err(error.into()),
    };
    sqlx::query("select pg_advisory_unlock($1)").bind(BUILD_LOCK).execute(&mut *admin).await?;
    built.map(|()| name)
}

async fn build(admin: &mut PgConnection, endpoint: &Endpoint, name: &str) -> Result<(), TestDbError> {
    let recreate = [format!("drop database if exists {name} with (force)"), format!("create database {name} owner {}", Role::Owner.name())];
    for statement in recreate {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *admin).await?;
    }
    let mut owner = PgConnection::connect_with(&endpoint.options(Role::Owner, name)).await?;
    MIGRATOR.run(&mut owner).await?;
    owner.close().await?;
    let seal = format!("alter database {name} with is_template true allow_connections false");
    sqlx::raw_sql(AssertSqlSafe(seal)).execute(&mut *admin).await?;
    Ok(())
}

async fn is_finished(admin: &mut PgConnection, name: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select exists (select from pg_database where datname = $1 and datistemplate)").bind(name).fetch_one(admin).await
}

/// Changes when a migration is added or edited.
fn migrations_hash() -> String {
    let mut hash = Sha256::new();
    for migration in MIGRATOR.iter() {
        hash.update(migration.version.to_be_bytes());
        hash.update(&migration.checksum);
    }
    hex::encode(&hash.finalize()[..8])
}
