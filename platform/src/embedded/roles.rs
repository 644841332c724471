//! The roles and the database inside the private cluster, created when missing.

use sqlx::{Connection, PgConnection};

use super::EmbeddedError;
use super::endpoint::{DATABASE, Endpoint, Role};

const CREATE_ROLES: &str = "
do $$
begin
    if not exists (select from pg_roles where rolname = 'viralcast_owner') then
        create role viralcast_owner login;
    end if;
    if not exists (select from pg_roles where rolname = 'viralcast_work') then
        create role viralcast_work login bypassrls;
    end if;
    if not exists (select from pg_roles where rolname = 'viralcast_serve') then
        create role viralcast_serve login;
    end if;
end
$$";

/// Idempotent; the caller holds the start lock, so no other program does the same at the same time.
pub(super) async fn ensure(endpoint: &Endpoint) -> Result<(), EmbeddedError> {
    create(endpoint).await.map_err(EmbeddedError::Bootstrap)
}

async fn create(endpoint: &Endpoint) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect_with(&endpoint.options(Role::Superuser, "postgres")).await?;
    sqlx::raw_sql(CREATE_ROLES).execute(&mut connection).await?;
    let exists: bool =
        sqlx::query_scalar("select exists (select from pg_database where datname = $1)").bind(DATABASE).fetch_one(&mut connection).await?;
    if !exists {
        sqlx::raw_sql("create database viralcast owner viralcast_owner").execute(&mut connection).await?;
    }
    connection.close().await
}
