//! Settings of the product: one TOML file overlaid by environment variables, one documented struct per concern.
//!
//! A setting is declared once, in the file of its concern, with its default, its variable and its meaning. The table of
//! all settings ([`Config::settings`]) feeds `viralcast doctor`, and [`reference`] the page `docs/reference/config.md`.

mod auth;
mod data;
mod database;
mod engines;
mod error;
mod forecast;
mod http;
mod load;
mod reference;
mod setting;
mod sources;
mod telemetry;
mod xendit;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::data_dir::DataDir;

pub use auth::{AuthConfig, SecondFactorFor};
pub use data::DataConfig;
pub use database::DatabaseConfig;
pub use engines::{BusConfig, CacheConfig, MailConfig, ObjectsConfig, S3Config};
pub use error::ConfigError;
pub use forecast::ForecastConfig;
pub use http::HttpConfig;
pub use reference::reference;
pub use setting::{Origin, Setting};
pub use sources::{OutsideConfig, SourcesConfig};
pub use telemetry::{LogFormat, TelemetryConfig};
pub use xendit::XenditConfig;

/// Environment variable that names the configuration file.
pub const FILE_VARIABLE: &str = "VIRALCAST_CONFIG";

/// All settings. The default is the embedded product with nothing configured.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub data: DataConfig,
    pub database: DatabaseConfig,
    pub http: HttpConfig,
    pub auth: AuthConfig,
    pub telemetry: TelemetryConfig,
    pub forecast: ForecastConfig,
    pub cache: CacheConfig,
    pub bus: BusConfig,
    pub objects: ObjectsConfig,
    pub s3: S3Config,
    pub mail: MailConfig,
    pub outside: OutsideConfig,
    pub sources: SourcesConfig,
    pub xendit: XenditConfig,
    /// Where each setting comes from that is not a default, by key.
    #[serde(skip)]
    origins: BTreeMap<&'static str, Origin>,
    #[serde(skip)]
    file: Option<PathBuf>,
}

impl Config {
    /// Reads the file (`--config`, else `VIRALCAST_CONFIG`, else none) and the environment of this process.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        Self::load_with(file, std::env::vars_os())
    }

    /// Every setting in the order of the reference, with value and origin.
    pub fn settings(&self) -> Vec<Setting> {
        let mut settings: Vec<Setting> = self.sections().into_iter().flat_map(|section| section.settings).collect();
        for setting in &mut settings {
            setting.origin = self.origins.get(setting.key).copied().unwrap_or(Origin::Default);
        }
        settings
    }

    /// The file that was read, if any.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// The data folder in force.
    pub fn data_dir(&self) -> Result<DataDir, ConfigError> {
        Ok(match &self.data.dir {
            Some(path) => DataDir::at(path)?,
            None => DataDir::default_for_user()?,
        })
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.http.check()?;
        self.auth.check()?;
        self.forecast.check()?;
        self.cache.check()?;
        self.bus.check()?;
        self.objects.check()?;
        self.mail.check()?;
        self.telemetry.check()?;
        self.sources.check()?;
        self.xendit.check()
    }

    /// A new concern adds its line here and in the struct.
    fn sections(&self) -> Vec<Section> {
        vec![
            Section { name: "data", about: DataConfig::ABOUT, settings: self.data.settings() },
            Section { name: "database", about: DatabaseConfig::ABOUT, settings: self.database.settings() },
            Section { name: "http", about: HttpConfig::ABOUT, settings: self.http.settings() },
            Section { name: "auth", about: AuthConfig::ABOUT, settings: self.auth.settings() },
            Section { name: "telemetry", about: TelemetryConfig::ABOUT, settings: self.telemetry.settings() },
            Section { name: "forecast", about: ForecastConfig::ABOUT, settings: self.forecast.settings() },
            Section { name: "cache", about: CacheConfig::ABOUT, settings: self.cache.settings() },
            Section { name: "bus", about: BusConfig::ABOUT, settings: self.bus.settings() },
            Section { name: "objects", about: ObjectsConfig::ABOUT, settings: self.objects.settings() },
            Section { name: "s3", about: S3Config::ABOUT, settings: self.s3.settings() },
            Section { name: "mail", about: MailConfig::ABOUT, settings: self.mail.settings() },
            Section { name: "outside", about: OutsideConfig::ABOUT, settings: self.outside.settings() },
            Section { name: "sources", about: SourcesConfig::ABOUT, settings: self.sources.settings() },
            Section { name: "xendit", about: XenditConfig::ABOUT, settings: self.xendit.settings() },
        ]
    }
}

/// One table of the file.
struct Section {
    name: &'static str,
    about: &'static str,
    settings: Vec<Setting>,
}
