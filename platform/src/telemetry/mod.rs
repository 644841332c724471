//! Log lines on stderr, the numbers behind `/metrics`, and spans and lines for a collector.

mod collector;
mod logs;
mod metrics;

pub use collector::{Collector, answered, cause, exported, follow, is_exporting, new_trace, trace_of};
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
    #[error(
        "cannot send anything to `{endpoint}`: {source}; write `http://HOST:4318` (OTEL_EXPORTER_OTLP_ENDPOINT, telemetry.otlp_endpoint)"
    )]
    Collector {
        endpoint: String,
        #[source]
        source: opentelemetry_otlp::ExporterBuildError,
    },
}

/// Sends this process's log lines to stderr and, with its spans, to a collector, if one is set, and collects its metrics. Once per
/// process; call it within the runtime.
pub fn init(config: &TelemetryConfig, output: Output) -> Result<(Metrics, Option<Collector>), TelemetryError> {
    let collector = Collector::start(config)?;
    let subscriber = subscriber(config, output, collector.as_ref(), std::io::stderr)?;
    set_global_default(subscriber).map_err(TelemetryError::LogsAlready)?;
    Ok((Metrics::install()?, collector))
}
