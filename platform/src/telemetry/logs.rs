use std::io::IsTerminal;

use tracing::Subscriber;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::TelemetryError;
use crate::config::{LogFormat, TelemetryConfig};

/// Whom the log lines are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// A machine: one JSON object a line, times in UTC.
    Json,
    /// A person at a terminal.
    Terminal,
}

impl Output {
    /// What the settings say; `auto` looks whether stderr is a terminal.
    pub fn choose(config: &TelemetryConfig) -> Self {
        match config.format {
            LogFormat::Json => Self::Json,
            LogFormat::Terminal => Self::Terminal,
            LogFormat::Auto if std::io::stderr().is_terminal() => Self::Terminal,
            LogFormat::Auto => Self::Json,
        }
    }
}

/// The subscriber that [`super::init`] installs, on any writer (a command with progress bars passes its own).
pub fn subscriber<W>(config: &TelemetryConfig, output: Output, writer: W) -> Result<Box<dyn Subscriber + Send + Sync>, TelemetryError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(&config.log).map_err(|source| TelemetryError::Filter { filter: config.log.clone(), source })?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    Ok(match output {
        Output::Json => Box::new(lines.json().flatten_event(true).with_current_span(true).with_span_list(false).finish()),
        Output::Terminal => Box::new(lines.compact().with_target(false).with_ansi(std::io::stderr().is_terminal()).finish()),
    })
}
