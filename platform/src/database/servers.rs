//! Which server, role and password each pool connects with.

use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

use super::DatabaseError;
use crate::config::DatabaseConfig;
use crate::embedded::{Cluster, Role};
use crate::host::is_this_machine;

/// Connection options of the three roles, and of sessions that must not go through a pooler.
#[derive(Debug)]
pub(super) struct Servers {
    pub owner: PgConnectOptions,
    pub work: PgConnectOptions,
    pub serve: PgConnectOptions,
    pub direct: PgConnectOptions,
}

impl Servers {
    pub fn embedded(cluster: &Cluster) -> Self {
        Self {
            owner: cluster.options(Role::Owner),
            work: cluster.options(Role::Work),
            serve: cluster.options(Role::Serve),
            direct: cluster.options(Role::Owner),
        }
    }

    /// `None` when no URL is set, which means the private cluster.
    pub fn from_config(config: &DatabaseConfig) -> Result<Option<Self>, DatabaseError> {
        let direct = parse("DATABASE_DIRECT_URL", config.direct_url.as_ref())?;
        let work = parse("DATABASE_WORK_URL", config.work_url.as_ref())?;
        let serve = parse("DATABASE_SERVE_URL", config.serve_url.as_ref())?;
        let Some(owner) = parse("DATABASE_URL", config.url.as_ref())? else {
            let others = [("DATABASE_DIRECT_URL", &direct), ("DATABASE_WORK_URL", &work), ("DATABASE_SERVE_URL", &serve)];
            return match others.into_iter().find(|(_, options)| options.is_some()) {
                Some((variable, _)) => Err(DatabaseError::UrlMissing { variable }),
                None => Ok(None),
            };
        };
        Ok(Some(Self {
            work: work.unwrap_or_else(|| acting_as(&owner, Role::Work)),
            serve: serve.unwrap_or_else(|| acting_as(&owner, Role::Serve)),
            direct: direct.unwrap_or_else(|| owner.clone()),
            owner,
        }))
    }
}

/// The same login, switched to another role for the whole session: `reset role` leads back to that role, not out of it.
///
/// The login must be a member of the role. Poolers in transaction mode refuse this option: give them one URL per role.
fn acting_as(login: &PgConnectOptions, role: Role) -> PgConnectOptions {
    login.clone().options([("role", role.name())])
}

fn parse(variable: &'static str, url: Option<&SecretString>) -> Result<Option<PgConnectOptions>, DatabaseError> {
    let Some(url) = url.map(ExposeSecret::expose_secret) else { return Ok(None) };
    let options = PgConnectOptions::from_str(url).map_err(|source| DatabaseError::InvalidUrl { variable, source })?;
    // The name by which `doctor` finds the hosts that share a database.
    let options = options.application_name("viralcast");
    let is_near = options.get_socket().is_some() || options.get_host().starts_with('/') || is_this_machine(options.get_host());
    let says_how = Url::parse(url).is_ok_and(|url| url.query_pairs().any(|(name, _)| matches!(&*name, "sslmode" | "ssl-mode")));
    // The driver takes TLS where it is offered, and then believes anybody: whoever stands in between offers none.
    Ok(Some(if is_near || says_how { options } else { options.ssl_mode(PgSslMode::VerifyFull) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: Option<&str>, work: Option<&str>) -> DatabaseConfig {
        DatabaseConfig { url: url.map(SecretString::from), work_url: work.map(SecretString::from), ..DatabaseConfig::default() }
    }

    #[test]
    fn without_a_url_it_is_the_private_cluster() {
        assert!(Servers::from_config(&config(None, None)).expect("nothing is wrong").is_none());
    }

    #[test]
    fn another_machine_must_show_a_certificate_unless_the_url_says_otherwise() {
        let mode = |url: &str| format!("{:?}", parse("DATABASE_URL", Some(&url.into())).expect("valid").expect("options").get_ssl_mode());
        for (url, expected) in [
            ("postgres://me@db.example/shop", "VerifyFull"),
            ("postgres://me@10.0.0.2:5433/shop", "VerifyFull"),
            ("postgres://me:sslmode@db.example/shop", "VerifyFull"),
            ("postgres://me@db.example/shop?sslmode=prefer", "Prefer"),
            ("postgres://me@db.example/shop?sslmode=disable", "Disable"),
            ("postgres://me@localhost/shop", "Prefer"),
            ("postgres://me@[::1]/shop", "Prefer"),
            ("postgres://me@localhost/shop?host=/run/postgresql", "Prefer"),
        ] {
            assert_eq!(mode(url), expected, "{url}");
        }
    }

    #[test]
    fn one_url_serves_all_roles_and_a_url_of_its_own_wins() {
        let url = "postgres://me@db.example:5433/shop";
        let servers = Servers::from_config(&config(Some(url), None)).expect("a valid URL").expect("a server");
        assert_eq!(servers.work.get_options(), Some("-c role=viralcast_work"));
        assert_eq!(servers.serve.get_options(), Some("-c role=viralcast_serve"));
        assert_eq!(servers.direct.get_options(), None);
        let own = Servers::from_config(&config(Some(url), Some("postgres://worker@db.example/shop")));
        let own = own.expect("valid URLs").expect("a server");
        assert_eq!((own.work.get_username(), own.work.get_options()), ("worker", None));
    }

    #[test]
    fn errors_name_the_variable_and_never_the_password() {
        let error = Servers::from_config(&config(Some("postgres://me:hunter2@[broken/shop"), None)).expect_err("broken");
        assert!(error.to_string().starts_with("DATABASE_URL is not a PostgreSQL URL"), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        let error = Servers::from_config(&config(None, Some("postgres://worker@db/shop"))).expect_err("no main URL");
        assert!(error.to_string().contains("DATABASE_WORK_URL is set but DATABASE_URL is not"), "{error}");
    }
}
