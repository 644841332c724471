//! Forecasts, and where they came from.

use serde::{Deserialize, Serialize};

use crate::frequency::Ordinal;
use crate::quantile::Quantiles;

/// Forecast of one series by one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeriesForecast {
    /// Number of the series in its panel.
    pub series: u32,
    /// Forecaster behind it.
    pub chosen: String,
    /// Steps 1..=horizon, in order.
    pub steps: Vec<StepForecast>,
}

/// One period of a forecast.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StepForecast {
    pub at: Ordinal,
    /// From 1.
    pub step: u16,
    /// Mean forecast, never negative.
    pub yhat: f64,
    pub quantiles: Quantiles,
}

impl StepForecast {
    /// Estimated probability that the actual lands within 20 % of `predicted`, or one selling unit of the item,
    /// whichever is wider.
    #[must_use]
    pub fn confidence(&self, predicted: f64, unit: f64) -> f64 {
        let reach = reach(predicted, unit);
        // A count just below the lower bound must not leak in: the bound itself is inside.
        let below = self.quantiles.probability_below((predicted - reach).next_down());
        (self.quantiles.probability_below(predicted + reach) - below).clamp(0.0, 1.0)
    }
}

/// Whether an actual landed within 20 % of `predicted`, or one selling unit of the item, whichever is wider: what
/// [`StepForecast::confidence`] is the probability of.
#[must_use]
pub fn is_near(predicted: f64, actual: f64, unit: f64) -> bool {
    (actual - predicted).abs() <= reach(predicted, unit)
}

fn reach(predicted: f64, unit: f64) -> f64 {
    (0.2 * predicted.abs()).max(unit)
}

/// The ladder of the 04:30 promise: which rung a published prediction came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// Tonight's data, models fitted tonight.
    Fresh,
    /// Tonight's data, the last good models.
    LastModel,
    /// The last published run's own forecast for the day.
    LastPublished,
    /// Same weekday last week.
    SeasonalNaive,
}

impl Rung {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::LastModel => "last_model",
            Self::LastPublished => "last_published",
            Self::SeasonalNaive => "seasonal_naive",
        }
    }
}

impl std::fmt::Display for Rung {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Rung {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Fresh, Self::LastModel, Self::LastPublished, Self::SeasonalNaive]
            .into_iter()
            .find(|rung| rung.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a rung"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidence_is_the_probability_of_landing_near() {
        let step = |values| StepForecast { at: 0, step: 1, yhat: 100.0, quantiles: Quantiles::from_unsorted(values).expect("finite") };
        let wide = step([20.0, 30.0, 50.0, 80.0, 100.0, 120.0, 150.0, 180.0, 200.0]);
        assert!((wide.confidence(100.0, 1.0) - 0.5).abs() < 1e-9);
        let narrow = step([95.0, 96.0, 97.0, 98.0, 100.0, 102.0, 103.0, 104.0, 105.0]);
        assert!((narrow.confidence(100.0, 1.0) - 1.0).abs() < 1e-9);
    }
}
