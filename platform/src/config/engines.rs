//! Engines in the place of the embedded ones. Setting one that this build does not have yet is an error: ignoring it would lose what
//! one expects to be there. So is an address that makes no sense; it is not shown, since it may hold a password.

use secrecy::SecretString;

use super::ConfigError;
use super::setting::settings;
use crate::mail::MailServer;
use crate::redis;

const NOT_SHOWN: &str = "(not shown)";

settings! {
    /// Cache and rate limits. Without Redis each process has its own: caches are kept in step over the database, limits count per process.
    pub struct CacheConfig in "cache" {
        /// Redis 7, as `redis://HOST:6379/0`, with TLS `rediss://USER:PASSWORD@HOST:6379/0`, or `unix:///PATH`. Losing it costs speed, never an answer.
        redis_url: Option<SecretString> = None, "REDIS_URL";
        /// Redis of another machine may go without TLS: in a network where nobody else listens.
        plain_redis: bool = false, "VIRALCAST_CACHE__PLAIN_REDIS";
    }
}

settings! {
    /// Events. They go through the transactional outbox in PostgreSQL.
    pub struct BusConfig in "bus" {
        /// Apache Pulsar. Not in this build yet: must be unset.
        pulsar_url: Option<SecretString> = None, "PULSAR_URL";
    }
}

settings! {
    /// Files that are kept: reports, artifacts, raw records.
    pub struct ObjectsConfig in "objects" {
        /// Bucket of S3, MinIO and their like, as `s3://BUCKET/PREFIX`. Without it they lie in the folder `objects` of the data folder.
        url: Option<String> = None, "OBJECT_STORE_URL";
    }
}

settings! {
    /// How buckets of S3, MinIO and their like are reached.
    pub struct S3Config in "s3" {
        /// Address of the server; without it Amazon's own.
        endpoint: Option<String> = None, "AWS_ENDPOINT_URL";
        /// Region.
        region: String = "us-east-1".to_owned(), "AWS_REGION";
        /// Name of the key.
        access_key_id: Option<String> = None, "AWS_ACCESS_KEY_ID";
        /// The key itself.
        secret_access_key: Option<SecretString> = None, "AWS_SECRET_ACCESS_KEY";
    }
}

settings! {
    /// Mail. Without a server it is written to the folder `mail` of the data folder.
    pub struct MailConfig in "mail" {
        /// Sender of every mail.
        from: String = "Viral Cast AI <viralcast@localhost>".to_owned(), "VIRALCAST_MAIL__FROM";
        /// Mail server, as `smtp://USER:PASSWORD@HOST:587` (STARTTLS; plain to this machine itself) or `smtps://USER:PASSWORD@HOST:465`
        /// (TLS). Other than letters and digits in user and password percent-encoded.
        smtp_url: Option<SecretString> = None, "SMTP_URL";
    }
}

fn absent(setting: &Option<SecretString>, key: &'static str, env: &'static str, embedded: &'static str) -> Result<(), ConfigError> {
    match setting {
        None => Ok(()),
        Some(_) => Err(ConfigError::NotInThisBuild { key, env, embedded }),
    }
}

impl CacheConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let Some(url) = &self.redis_url else { return Ok(()) };
        let (reason, hint) = match redis::goes_in_the_clear(url) {
            Ok(true) if !self.plain_redis => (
                "it is on another machine and goes without TLS",
                "name it as rediss://USER:PASSWORD@HOST:6379/0; where nobody else listens in that network, set cache.plain_redis",
            ),
            Ok(_) => return Ok(()),
            Err(_) => (
                "it is not the address of a Redis",
                "name it as redis://HOST:6379/0, rediss://USER:PASSWORD@HOST:6379/0 with TLS, or unix:///PATH; unset it for a cache inside each process",
            ),
        };
        Err(ConfigError::Invalid { key: "cache.redis_url", env: "REDIS_URL", value: NOT_SHOWN.to_owned(), reason, hint })
    }
}

impl BusConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        absent(&self.pulsar_url, "bus.pulsar_url", "PULSAR_URL", "the outbox in PostgreSQL")
    }
}

impl ObjectsConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        match self.url.as_deref().filter(|url| url.strip_prefix("s3://").is_none_or(|rest| rest.trim_start_matches('/').is_empty())) {
            None => Ok(()),
            Some(url) => Err(ConfigError::Invalid {
                key: "objects.url",
                env: "OBJECT_STORE_URL",
                value: url.to_owned(),
                reason: "it names no bucket",
                hint: "name it as s3://BUCKET/PREFIX, or unset it to use the folder `objects` in the data folder",
            }),
        }
    }
}

impl MailConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        match self.smtp_url.as_ref().map(MailServer::parse) {
            None | Some(Ok(_)) => Ok(()),
            Some(Err(reason)) => Err(ConfigError::Invalid {
                key: "mail.smtp_url",
                env: "SMTP_URL",
                value: NOT_SHOWN.to_owned(),
                reason,
                hint: "name it as smtp://USER:PASSWORD@HOST:587 or smtps://USER:PASSWORD@HOST:465; unset it for the folder `mail` in the data folder",
            }),
        }
    }
}
