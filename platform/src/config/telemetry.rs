use std::fmt::Display;

use super::setting::{Shown, settings};

settings! {
    /// What the program says about itself on stderr.
    pub struct TelemetryConfig in "telemetry" {
        /// Which log lines are written: a level (`error`, `warn`, `info`, `debug`, `trace`), or levels by module as in `info,platform=debug`.
        log: String = "info,sqlx=error".to_owned(), "RUST_LOG";
        /// `json`, `terminal`, or `auto`: for people when stderr is a terminal, else JSON lines.
        format: LogFormat = LogFormat::Auto, "VIRALCAST_TELEMETRY__FORMAT";
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub enum LogFormat {
    Auto,
    Json,
    Terminal,
}

impl TryFrom<String> for LogFormat {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let all = [Self::Auto, Self::Json, Self::Terminal];
        all.into_iter().find(|format| format.to_string() == name).ok_or(format!("`{name}` is none of auto, json, terminal"))
    }
}

impl Display for LogFormat {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Auto => "auto",
            Self::Json => "json",
            Self::Terminal => "terminal",
        })
    }
}

impl Shown for LogFormat {
    fn shown(&self) -> Option<String> {
        Some(self.to_string())
    }
}
