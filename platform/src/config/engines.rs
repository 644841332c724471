//! Engines that this build does not have yet. Setting one is an error: ignoring it would lose what one expects to be there.

use secrecy::SecretString;

use super::ConfigError;
use super::setting::settings;

settings! {
    /// Cache, sessions and rate limits. They live in the process.
    pub struct CacheConfig in "cache" {
        /// Redis 7. Not in this build yet: must be unset.
        redis_url: Option<SecretString> = None, "REDIS_URL";
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
    /// Files that are kept: reports, artifacts, raw records. They lie in the folder `objects` of the data folder.
    pub struct ObjectsConfig in "objects" {
        /// S3, MinIO and their like. Not in this build yet: must be unset.
        url: Option<SecretString> = None, "OBJECT_STORE_URL";
    }
}

settings! {
    /// Mail. It is written to the folder `mail` of the data folder.
    pub struct MailConfig in "mail" {
        /// Sender of every mail.
        from: String = "Viral Cast AI <viralcast@localhost>".to_owned(), "VIRALCAST_MAIL__FROM";
        /// SMTP server. Not in this build yet: must be unset.
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
        absent(&self.redis_url, "cache.redis_url", "REDIS_URL", "a cache inside the process")
    }
}

impl BusConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        absent(&self.pulsar_url, "bus.pulsar_url", "PULSAR_URL", "the outbox in PostgreSQL")
    }
}

impl ObjectsConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        absent(&self.url, "objects.url", "OBJECT_STORE_URL", "the folder `objects` in the data folder")
    }
}

impl MailConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        absent(&self.smtp_url, "mail.smtp_url", "SMTP_URL", "the folder `mail` in the data folder")
    }
}
