use std::path::PathBuf;

use crate::data_dir::DataDirError;

/// What is wrong with the settings. Every message names the file or variable, and the setting.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the configuration file `{path}`: {source}; check --config and VIRALCAST_CONFIG")]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },

    #[error("the configuration file `{path}` is not valid TOML: {source}")]
    Syntax {
        path: PathBuf,
        #[source]
        source: Box<toml::de::Error>,
    },

    #[error("unknown setting `{key}` in `{path}`; {known}")]
    UnknownKey { key: String, path: PathBuf, known: String },

    #[error("the setting `{key}` in `{path}` must be a single value, not a list or a table")]
    NotOneValue { key: String, path: PathBuf },

    #[error("unknown environment variable {name}; {known}")]
    UnknownVariable { name: String, known: String },

    #[error("the environment variable {name} is not valid UTF-8")]
    NotText { name: &'static str },

    #[error("{env} and {env}_FILE are both set; unset one of them")]
    SetTwice { env: &'static str },

    #[error("cannot read `{path}`, which {env}_FILE names: {source}; let this user read it, and hold text")]
    ValueFile {
        env: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },

    /// A value is not of the setting's kind.
    #[error("{place} has a wrong value: {source}")]
    WrongValue {
        /// The setting and where it was set.
        place: String,
        #[source]
        source: Box<config::ConfigError>,
    },

    #[error("the setting `{key}` (environment variable {env}) cannot be `{value}`: {reason}; {hint}")]
    Invalid { key: &'static str, env: &'static str, value: String, reason: &'static str, hint: &'static str },

    #[error(
        "the setting `{key}` (environment variable {env}) asks for an engine that is not in this build yet; unset it to use {embedded}"
    )]
    NotInThisBuild { key: &'static str, env: &'static str, embedded: &'static str },

    #[error(transparent)]
    DataDir(#[from] DataDirError),
}
