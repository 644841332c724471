//! How much of a product to prepare.

use serde::{Deserialize, Serialize};

use super::overrides::Override;
use super::recipe::whole;
use crate::forecast::StepForecast;
use crate::ids::ProductId;
use crate::money::Idr;
use crate::quantile::Quantiles;

/// A product as planning sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sellable {
    pub id: ProductId,
    pub name: String,
    pub unit: String,
    pub price: Option<Idr>,
    /// Portions that are made together; 1 where each is made alone.
    pub batch_size: f64,
    /// Days an unsold portion stays sellable; 1 means the day itself.
    pub shelf_life_days: u16,
}

/// One line of the prep list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PrepItem {
    pub product: ProductId,
    pub name: String,
    pub unit: String,
    /// Portions to make: whole batches.
    pub quantity: f64,
    pub batches: u32,
    /// Mean forecast.
    pub expected: f64,
    /// The range that holds four days in five.
    pub low: f64,
    pub high: f64,
    /// Level of the demand distribution that is prepared for.
    pub level: f64,
    /// The owner's number, where it replaced ours.
    pub overridden: Option<f64>,
}

/// Level where price or cost is not known.
const DEFAULT_LEVEL: f64 = 0.7;
/// Never plan for less than the median (an empty shelf also costs goodwill) nor for the far tail.
const LEVELS: std::ops::RangeInclusive<f64> = 0.5..=0.95;
/// Share of the ingredient cost that a left-over costs when it can still be sold another day.
const HOLDING_SHARE: f64 = 0.25;

/// Prepares as many whole batches as pay: the newsvendor (Arrow, Harris and Marschak 1951) with batches.
///
/// A portion too few costs its margin (underage), one too many its ingredients (overage); `level` is the critical ratio
/// `underage / (underage + overage)`. Made one by one, the best quantity is the demand quantile at that level; made in
/// batches, it is the number of batches after which another one no longer raises `E[min(demand, made)] - (1 - level) made`.
#[must_use]
pub fn prepare(product: &Sellable, forecast: &StepForecast, unit_cost: Option<f64>, overridden: Option<&Override>) -> PrepItem {
    let level = critical_ratio(product, unit_cost);
    let batch_size = if product.batch_size > 0.0 { product.batch_size } else { 1.0 };
    let paying = paying_batches(&forecast.quantiles, level, batch_size);
    let batches = overridden.map_or(paying, |owner| whole(owner.blend(f64::from(paying) * batch_size) / batch_size));
    PrepItem {
        product: product.id,
        name: product.name.clone(),
        unit: product.unit.clone(),
        quantity: f64::from(batches) * batch_size,
        batches,
        expected: forecast.yhat,
        low: forecast.quantiles.at(0.1),
        high: forecast.quantiles.at(0.9),
        level,
        overridden: overridden.map(|owner| owner.quantity),
    }
}

/// Batches worth making. The gain of one more batch falls with each (expected sales are concave), so the first that does
/// not gain ends the search.
fn paying_batches(demand: &Quantiles, level: f64, batch_size: f64) -> u32 {
    // Expected sales by the midpoint rule over the demand's quantile function.
    const POINTS: u32 = 200;
    let midpoints: Vec<f64> = (0..POINTS).map(|point| demand.at((f64::from(point) + 0.5) / f64::from(POINTS))).collect();
    let sales = |made: f64| midpoints.iter().map(|demand| demand.min(made)).sum::<f64>() / f64::from(POINTS);
    let top = whole(demand.at(1.0) / batch_size);
    let gains = |batches: &u32| {
        let (before, after) = (f64::from(*batches) * batch_size, f64::from(batches + 1) * batch_size);
        sales(after) - sales(before) > (1.0 - level) * batch_size
    };
    // Where batches are small against the demand, the quantile itself is the answer; start just below it.
    let start = (demand.at(level) / batch_size).floor() as u32;
    let start = (0..=start).rev().find(|batches| *batches == 0 || gains(&(batches - 1))).unwrap_or(0);
    (start..top).find(|batches| !gains(batches)).unwrap_or(top)
}

fn critical_ratio(product: &Sellable, unit_cost: Option<f64>) -> f64 {
    let (Some(price), Some(cost)) = (product.price, unit_cost) else { return DEFAULT_LEVEL };
    let underage = (price.0 as f64 - cost).max(0.0);
    let overage = if product.shelf_life_days > 1 { cost * HOLDING_SHARE } else { cost };
    if underage + overage <= 0.0 {
        return DEFAULT_LEVEL;
    }
    (underage / (underage + overage)).clamp(*LEVELS.start(), *LEVELS.end())
}
