//! How much of a product to prepare.

use serde::{Deserialize, Serialize};

use super::overrides::Override;
use super::recipe::whole;
use crate::forecast::StepForecast;
use crate::ids::ProductId;
use crate::money::Idr;

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

/// Prepares for the quantile at which one more portion stops paying: the newsvendor's critical ratio
/// `underage / (underage + overage)` (Arrow, Harris and Marschak 1951), underage being the lost margin and overage the
/// wasted ingredients, in whole batches.
#[must_use]
pub fn prepare(product: &Sellable, forecast: &StepForecast, unit_cost: Option<f64>, overridden: Option<&Override>) -> PrepItem {
    let level = critical_ratio(product, unit_cost);
    let model = forecast.quantiles.at(level);
    let wanted = overridden.map_or(model, |owner| owner.blend(model));
    let batch_size = if product.batch_size > 0.0 { product.batch_size } else { 1.0 };
    // A demand of 0.2 portions is not a reason to make one; half a portion is.
    let batches = if wanted < 0.5 { 0 } else { whole(wanted.round() / batch_size) };
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

fn critical_ratio(product: &Sellable, unit_cost: Option<f64>) -> f64 {
    let (Some(price), Some(cost)) = (product.price, unit_cost) else { return DEFAULT_LEVEL };
    let underage = (price.0 as f64 - cost).max(0.0);
    let overage = if product.shelf_life_days > 1 { cost * HOLDING_SHARE } else { cost };
    if underage + overage <= 0.0 {
        return DEFAULT_LEVEL;
    }
    (underage / (underage + overage)).clamp(*LEVELS.start(), *LEVELS.end())
}
