use std::io::IsTerminal;

use opentelemetry_appender_tracing::layer::{OpenTelemetryTracingBridge, TracingSpanAttributes};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry;

use super::{Collector, TelemetryError};
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
    collector: Option<&Collector>,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, TelemetryError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let wanted = || EnvFilter::try_new(&config.log).map_err(|source| TelemetryError::Filter { filter: config.log.clone(), source });
    let filter = wanted()?;
    let Some(collector) = collector else {
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
    let spans = tracing_opentelemetry::layer().with_tracer(collector.tracer()).with_filter(filter_fn(is_own_span));
    let sent = OpenTelemetryTracingBridge::builder(collector.lines()).with_tracing_span_attributes(TracingSpanAttributes::all()).build();
    let sent = sent.with_filter(wanted()?.and(filter_fn(|metadata: &Metadata<'_>| !is_of_sending(metadata))));
    Ok(Box::new(registry().with(lines.with_filter(filter)).with(spans).with(sent)))
}

/// Whatever the log lines are filtered by.
fn is_own_span(metadata: &Metadata<'_>) -> bool {
    const OURS: [&str; 6] = ["platform", "api", "jobs", "ingest", "cli", "viralcast"];
    metadata.is_span() && *metadata.level() <= Level::INFO && OURS.contains(&library(metadata))
}

const SENDERS: [&str; 8] = ["reqwest", "hyper", "hyper_util", "h2", "tower", "tower_http", "rustls", "rustls_platform_verifier"];

/// What the libraries say that send: each line of theirs would be one more to send.
fn is_of_sending(metadata: &Metadata<'_>) -> bool {
    library(metadata).starts_with("opentelemetry") || SENDERS.contains(&library(metadata))
}

fn library<'a>(metadata: &Metadata<'a>) -> &'a str {
    metadata.target().split("::").next().unwrap_or_default()
}
