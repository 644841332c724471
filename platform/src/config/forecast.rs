use super::ConfigError;
use super::setting::settings;

settings! {
    /// The nightly forecast, where its schedule does not say otherwise.
    pub struct ForecastConfig in "forecast" {
        /// Business days that a nightly run forecasts, from its own day on. Between 2 (today's plan and tomorrow's) and 366.
        horizon_days: usize = 14, "VIRALCAST_FORECAST__HORIZON_DAYS";
    }
}

impl ForecastConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        match self.horizon_days {
            2..=366 => Ok(()),
            days => Err(ConfigError::Invalid {
                key: "forecast.horizon_days",
                env: "VIRALCAST_FORECAST__HORIZON_DAYS",
                value: days.to_string(),
                reason: "a run forecasts between 2 and 366 days",
                hint: "14 is the default",
            }),
        }
    }
}
