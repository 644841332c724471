use super::ConfigError;
use super::setting::{choice, settings};
use crate::host::is_read_on_the_way;

settings! {
    /// What the program says about itself on stderr.
    pub struct TelemetryConfig in "telemetry" {
        /// Which log lines are written: a level (`error`, `warn`, `info`, `debug`, `trace`), or levels by module as in `info,platform=debug`.
        log: String = "info,sqlx=error".to_owned(), "RUST_LOG";
        /// `json`, `terminal`, or `auto`: for people when stderr is a terminal, else JSON lines.
        format: LogFormat = LogFormat::Auto, "VIRALCAST_TELEMETRY__FORMAT";
        /// Collector that spans and log lines are sent to, OTLP over HTTP as JSON: `http://HOST:4318`. Unset: none are sent.
        otlp_endpoint: Option<String> = None, "OTEL_EXPORTER_OTLP_ENDPOINT";
        /// Whether they may go to a collector on another machine without TLS: where nobody else listens in that network.
        plain_otlp: bool = false, "VIRALCAST_TELEMETRY__PLAIN_OTLP";
        /// Share of the traces that begin here and are sent, from 0 to 1; what a caller or cause has decided is kept to.
        trace_share: f64 = 1.0, "VIRALCAST_TELEMETRY__TRACE_SHARE";
    }
}

impl TelemetryConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        match &self.otlp_endpoint {
            Some(address) if !self.plain_otlp && is_read_on_the_way(address) => Err(ConfigError::Invalid {
                key: "telemetry.otlp_endpoint",
                env: "OTEL_EXPORTER_OTLP_ENDPOINT",
                value: address.clone(),
                reason: "it is on another machine and goes without TLS",
                hint: "name it as https://HOST:4318; where nobody else listens in that network, set telemetry.plain_otlp",
            }),
            _ => Ok(()),
        }
    }
}

choice! {
    /// How log lines look.
    pub enum LogFormat {
        Auto = "auto",
        Json = "json",
        Terminal = "terminal",
    }
}
