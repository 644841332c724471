//! Removes what killed test runs left on the shared cluster, and templates of migrations long gone.

use sqlx::{AssertSqlSafe, PgConnection};

use super::template;

pub(super) const PREFIX: &str = "test_";

/// Databases of tests that began hours ago, and templates a week old. A database's first file tells its age.
const LEFTOVERS: &str = "
select datname::text
from pg_database
where (starts_with(datname, $1) and created_at(oid) < now() - interval '6 hours')
   or (starts_with(datname, $2) and created_at(oid) < now() - interval '7 days')";

/// Not an error when another test drops the same database at the same time.
pub(super) async fn drop_leftovers(admin: &mut PgConnection) -> Result<(), sqlx::Error> {
    let created_at = "(pg_stat_file('base/' || oid || '/PG_VERSION', true)).modification";
    let query = LEFTOVERS.replace("created_at(oid)", created_at);
    let names: Vec<String> = sqlx::query_scalar(AssertSqlSafe(query)).bind(PREFIX).bind(template::PREFIX).fetch_all(&mut *admin).await?;
    for name in names {
        let unmark = format!("alter database {name} with is_template false");
        let drop = format!("drop database if exists {name} with (force)");
        for statement in [unmark, drop] {
            if let Err(error) = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *admin).await {
                tracing::debug!(%name, %error, "another test sweeps the same database");
            }
        }
    }
    Ok(())
}
