//! The database: reachable, new enough, migrated, and its roles confined as they should be.

use sqlx::PgPool;

use super::Check;
use crate::config::Config;
use crate::database::{Database, MigrationState};
use crate::db::sealed::left_in_the_clear;

const OLDEST_VERSION: i32 = 150_000;

pub(super) async fn version(database: &Database) -> Check {
    const NAME: &str = "database";
    match database.server_version().await {
        Ok((number, text)) if number >= OLDEST_VERSION => Check::ok(NAME, format!("PostgreSQL {text}")),
        Ok((_, text)) => Check::failed(NAME, format!("PostgreSQL {text}"), "PostgreSQL 15 or newer is needed"),
        Err(error) => Check::failed(NAME, error.to_string(), "check DATABASE_URL and that the server is running"),
    }
}

pub(super) async fn migrations(database: &Database) -> Check {
    const NAME: &str = "migrations";
    match database.migration_state().await {
        Ok(MigrationState { missing: 0, unknown: 0, edited: 0, applied }) => Check::ok(NAME, format!("all {applied} applied")),
        Ok(MigrationState { missing, unknown: 0, edited: 0, .. }) => {
            Check::failed(NAME, format!("{missing} not applied yet"), "run `viralcast migrate`")
        }
        Ok(MigrationState { unknown, edited: 0, .. }) => Check::failed(
            NAME,
            format!("the database has {unknown} that this program does not know"),
            "use the newer viralcast that applied them",
        ),
        Ok(MigrationState { edited, .. }) => Check::failed(
            NAME,
            format!("{edited} applied ones differ from this program's"),
            "restore the migration files as they were; a change goes into a new file",
        ),
        Err(error) => Check::failed(NAME, error.to_string(), "check that the owner's login may read its own schema"),
    }
}

/// Row-level security confines only roles that are neither superuser nor exempt from it.
pub(super) async fn roles(database: &Database, config: &Config) -> Check {
    const NAME: &str = "roles";
    let (work, serve) = match (exempt(database.work()).await, exempt(database.serve()).await) {
        (Ok(work), Ok(serve)) => (work, serve),
        (Err(error), _) => return unusable(NAME, "viralcast_work", "DATABASE_WORK_URL", &error),
        (_, Err(error)) => return unusable(NAME, "viralcast_serve", "DATABASE_SERVE_URL", &error),
    };
    match (work, serve) {
        (_, true) => Check::failed(
            NAME,
            "the API's role is exempt from row-level security",
            "give DATABASE_SERVE_URL a role that is neither superuser nor bypassrls",
        ),
        (false, false) => Check::warning(
            NAME,
            "the workers' role is subject to row-level security and would see no rows",
            "as a superuser: alter role viralcast_work bypassrls",
        ),
        // Whoever gets into the API's process could act as any of them.
        (true, false) if config.database.url.is_some() && config.database.serve_url.is_none() => Check::warning(
            NAME,
            "the API logs in with the owner's login and acts as viralcast_serve",
            "set DATABASE_SERVE_URL to a login that is a member of viralcast_serve alone, and DATABASE_WORK_URL likewise",
        ),
        (true, false) => Check::ok(NAME, "workers see all stores, the API one at a time"),
    }
}

fn unusable(name: &'static str, role: &str, variable: &str, error: &sqlx::Error) -> Check {
    let hint = format!("run `viralcast migrate`, make the login of DATABASE_URL a member of {role}, or set {variable}");
    Check::failed(name, format!("cannot act as {role}: {error}"), hint)
}

/// What tills sign with, and are asked by, was in the clear once.
pub(super) async fn seals(database: &Database) -> Check {
    const NAME: &str = "seals";
    match left_in_the_clear(database.work()).await {
        Ok(0) => Check::ok(NAME, "what opens something is sealed"),
        Ok(rows) => Check::warning(NAME, format!("{rows} secrets of tills are in the clear"), "run `viralcast keys reseal`"),
        Err(error) => Check::warning(NAME, format!("unknown: {error}"), "see whether the workers' login may read pos_push_secrets"),
    }
}

async fn exempt(pool: &PgPool) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select rolsuper or rolbypassrls from pg_roles where rolname = current_user").fetch_one(pool).await
}

/// Embedded engines live on one host; several on one database would each see only their own.
pub(super) async fn hosts(database: &Database, config: &Config) -> Check {
    const NAME: &str = "hosts";
    let alone = of_one_host(config);
    match database.client_hosts().await {
        Ok(0 | 1) => Check::ok(NAME, "one host uses this database"),
        Ok(hosts) if alone.is_empty() => Check::ok(NAME, format!("{hosts} hosts use this database")),
        Ok(hosts) => {
            let (what, variables): (Vec<_>, Vec<_>) = alone.into_iter().unzip();
            Check::failed(
                NAME,
                format!("{hosts} hosts use this database, but of one host each: {}", what.join(", ")),
                format!("set {} on each of them, or run viralcast on one", variables.join(" and ")),
            )
        }
        Err(error) => Check::warning(NAME, format!("unknown: {error}"), "the owner's login should be able to read pg_stat_activity"),
    }
}

/// What is embedded, and the variable that names what it grows into.
fn of_one_host(config: &Config) -> Vec<(&'static str, &'static str)> {
    let engines = [
        (config.cache.redis_url.is_none(), ("cache and limits", "REDIS_URL")),
        (config.objects.url.is_none(), ("objects", "OBJECT_STORE_URL")),
        (config.auth.secret.is_none(), ("the secret", "VIRALCAST_AUTH__SECRET")),
    ];
    engines.into_iter().filter(|(embedded, _)| *embedded).map(|(_, engine)| engine).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_one_host_goes_with_its_setting() {
        let mut config = Config::default();
        let variables = |config: &Config| of_one_host(config).into_iter().map(|(_, variable)| variable).collect::<Vec<_>>();
        assert_eq!(variables(&config), ["REDIS_URL", "OBJECT_STORE_URL", "VIRALCAST_AUTH__SECRET"]);
        config.objects.url = Some("s3://viralcast".to_owned());
        config.auth.secret = Some("d41fb7c3e2a84960b5f0c9d7813e6a52".into());
        assert_eq!(variables(&config), ["REDIS_URL"]);
        config.cache.redis_url = Some("redis://cache".into());
        assert!(of_one_host(&config).is_empty());
    }
}
