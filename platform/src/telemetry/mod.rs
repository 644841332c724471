//! Log lines on stderr, the numbers behind `/metrics`, and spans for a collector.

mod logs;
mod metrics;
mod traces;

pub use logs::{Output, subscriber};
pub use metrics::Metrics;
pub use traces::{Traces, answered, cause, exported, follow, is_exporting, new_trace, trace_of};

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
        "cannot send traces to `{endpoint}`: {source}; write `http://HOST:4318` (OTEL_EXPORTER_OTLP_ENDPOINT, telemetry.otlp_endpoint)"
    )]
    Traces {
        endpoint: String,
        #[source]
        source: opentelemetry_otlp::ExporterBuildError,
    },
}

/// Sends this process's log lines to stderr and its spans to a collector, if one is set, and collects its metrics. Once per
/// process; call it within the runtime.
pub fn init(config: &TelemetryConfig, output: Output) -> Result<(Metrics, Option<Traces>), TelemetryError> {
    let traces = Traces::start(config)?;
    let subscriber = subscriber(config, output, traces.as_ref(), std::io::stderr)?;
    set_global_default(subscriber).map_err(TelemetryError::LogsAlready)?;
    Ok((Metrics::install()?, traces))
}
