use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::TelemetryError;

/// Upper bounds in seconds of every histogram whose name ends in `_seconds`: from a cache hit to a nightly run.
const SECONDS: &[f64] = &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0];
const UPKEEP: Duration = Duration::from_secs(15);

/// What the macros of the crate `metrics` have counted in this process.
#[derive(Debug, Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Starts collecting for the whole process. Within a runtime, histograms are kept small in the background too.
    pub fn install() -> Result<Self, TelemetryError> {
        let handle = builder()?.install_recorder().map_err(TelemetryError::Metrics)?;
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(keep_small(handle.clone()));
        }
        Ok(Self(handle))
    }

    /// Everything in the Prometheus text format, for `/metrics`.
    pub fn render(&self) -> String {
        self.0.run_upkeep();
        self.0.render()
    }
}

fn builder() -> Result<PrometheusBuilder, TelemetryError> {
    PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS).map_err(TelemetryError::Metrics)
}

/// Samples pile up until somebody asks for them; nobody may ever do so.
async fn keep_small(handle: PrometheusHandle) {
    let mut ticks = tokio::time::interval(UPKEEP);
    loop {
        ticks.tick().await;
        handle.run_upkeep();
    }
}
