//! Log lines on stderr and the numbers behind `/metrics`.

mod logs;
mod metrics;

pub use logs::{Output, subscriber};
pub use metrics::Metrics;

use tracing::subscriber::set_global_default;

use crate::config::TelemetryConfig;

/// Why logs or metrics cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error(
        "the log filter `{filter}` is not valid: {source}; write a level such as `info`, or `info,platform=debug` (RUST_LOG, telemetry.log)"
    )]
    Filter {
        filter: String,
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    #[error("logs are set up already in this process")]
    LogsAlready(#[source] tracing::subscriber::SetGlobalDefaultError),
    #[error("cannot set up metrics: {0}")]
    Metrics(#[source] metrics_exporter_prometheus::BuildError),
}

/// Sends this process's log lines to stderr and collects its metrics. Once per process; call it within the runtime.
pub fn init(config: &TelemetryConfig, output: Output) -> Result<Metrics, TelemetryError> {
    let subscriber = subscriber(config, output, std::io::stderr)?;
    set_global_default(subscriber).map_err(TelemetryError::LogsAlready)?;
    Metrics::install()
}
