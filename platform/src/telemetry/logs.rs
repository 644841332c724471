use std::io::IsTerminal;

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{EnvFilter, FilterFn, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry;

use super::{TelemetryError, Traces};
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
pub fn subscriber<W>(
    config: &TelemetryConfig,
    output: Output,
    traces: Option<&Traces>,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, TelemetryError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(&config.log).map_err(|source| TelemetryError::Filter { filter: config.log.clone(), source })?;
    let Some(traces) = traces else {
        // The filter is everybody's: a span that no line will show is not even made.
        let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
        return Ok(match output {
            Output::Json => Box::new(lines.json().flatten_event(true).with_current_span(true).with_span_list(false).finish()),
            Output::Terminal => Box::new(lines.compact().with_target(false).with_ansi(std::io::stderr().is_terminal()).finish()),
        });
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = match output {
        Output::Json => lines.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed(),
        Output::Terminal => lines.compact().with_target(false).with_ansi(std::io::stderr().is_terminal()).boxed(),
    };
    let spans = tracing_opentelemetry::layer().with_tracer(traces.tracer()).with_filter(own_spans());
    Ok(Box::new(registry().with(lines.with_filter(filter)).with(spans)))
}

/// Ours, whatever the log lines are filtered by: not those of the libraries, among them the one that sends spans.
fn own_spans() -> FilterFn {
    const OURS: [&str; 6] = ["platform", "api", "jobs", "ingest", "cli", "viralcast"];
    filter_fn(|metadata: &Metadata<'_>| {
        metadata.is_span() && *metadata.level() <= Level::INFO && OURS.contains(&metadata.target().split("::").next().unwrap_or_default())
    })
}
