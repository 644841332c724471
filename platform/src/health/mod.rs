//! What `viralcast doctor` reports: each thing that must be right, whether it is, and what to do if not.

mod database;
mod engines;
mod machine;
mod payments;

use crate::config::Config;
use crate::database::Database;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Ok,
    /// Works, but deserves attention.
    Warning,
    /// Does not work.
    Failed,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Check {
    pub name: &'static str,
    pub status: Status,
    /// What was found.
    pub detail: String,
    /// What to do about it, when it is not in order.
    pub hint: Option<String>,
}

impl Check {
    pub(crate) fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, status: Status::Ok, detail: detail.into(), hint: None }
    }

    pub(crate) fn warning(name: &'static str, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { name, status: Status::Warning, detail: detail.into(), hint: Some(hint.into()) }
    }

    pub(crate) fn failed(name: &'static str, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { name, status: Status::Failed, detail: detail.into(), hint: Some(hint.into()) }
    }
}

/// Looks at everything. Joins (or creates) the private cluster unless `DATABASE_URL` is set, and leaves it again.
pub async fn examine(config: &Config) -> Vec<Check> {
    let data = match config.data_dir() {
        Ok(data) => data,
        Err(error) => return vec![Check::failed("data folder", error.to_string(), "set VIRALCAST_DATA_DIR to a folder of yours")],
    };
    let mut checks = vec![
        machine::data_folder(&data),
        machine::disk_space(&data),
        machine::port(config.http.address()).await,
        payments::set_up(&config.xendit),
    ];
    checks.extend(of_engines(config).await);
    match Database::open(&config.database, &data).await {
        Ok(database) => {
            checks.extend(of_database(&database, config).await);
            if let Err(error) = database.close().await {
                checks.push(Check::warning("database", error.to_string(), "the next program joins the running server"));
            }
        }
        Err(error) => checks.push(Check::failed("database", error.to_string(), "the message above says what to do")),
    }
    checks
}

/// Asks the engines beside the database; of embedded ones it says that they are.
pub async fn of_engines(config: &Config) -> Vec<Check> {
    vec![engines::cache(config).await, engines::mail(config).await]
}

/// Looks at an open database: version, migrations, the roles' rights, engines that fit one host only.
pub async fn of_database(database: &Database, config: &Config) -> Vec<Check> {
    let version = database::version(database).await;
    if version.status == Status::Failed {
        return vec![version];
    }
    let migrations = database::migrations(database).await;
    let (roles, hosts) = (database::roles(database, config).await, database::hosts(database, config).await);
    let seals = if migrations.status == Status::Ok { Some(database::seals(database).await) } else { None };
    [version, migrations, roles, hosts].into_iter().chain(seals).collect()
}
