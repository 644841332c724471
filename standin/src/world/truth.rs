//! The true effects, written beside the data so that tests can check what models and explanations recover.

use std::collections::BTreeMap;

use serde::Serialize;

use super::demand::ProductSeries;
use super::effects::{EffectRow, Effects};
use super::news::Spike;

/// What really moved demand.
#[derive(Debug, Clone, Default)]
pub struct Truth {
    /// One row for each store, product and business day on the menu.
    pub rows: Vec<EffectRow>,
    /// The parameters of each product.
    pub products: Vec<ProductTruth>,
    /// The news that went viral, noise (lift 0) included.
    pub spikes: Vec<Spike>,
}

/// The parameters of one product, with its own sensitivity drawn.
#[derive(Debug, Clone, Serialize)]
pub struct ProductTruth {
    /// Store slug.
    pub store: String,
    /// Product name.
    pub product: String,
    /// Family name.
    pub family: String,
    /// Mean units on a plain day.
    pub base: f64,
    /// Set where the product sells only about every so many days.
    pub every_days: Option<f64>,
    /// Overdispersion of demand.
    pub dispersion: f64,
    /// Effects, as in `menus.toml` and `world.toml` times the sensitivity.
    pub effects: Effects,
    /// The factor of each weekday, Monday first.
    pub weekday_factors: BTreeMap<&'static str, f64>,
}

impl ProductTruth {
    pub(crate) fn of(series: &ProductSeries) -> Self {
        const DAYS: [&str; 7] = ["1_monday", "2_tuesday", "3_wednesday", "4_thursday", "5_friday", "6_saturday", "7_sunday"];
        let factor = |level: &f64| super::effects::lift(level - 1.0, series.effects.weekday);
        ProductTruth {
            store: series.store.slug.clone(),
            product: series.product.name.clone(),
            family: series.product.family.clone(),
            base: series.product.base / series.product.every_days.unwrap_or(1.0),
            every_days: series.product.every_days,
            dispersion: series.family.dispersion,
            effects: series.effects,
            weekday_factors: DAYS.into_iter().zip(series.store.weekday.iter().map(factor)).collect(),
        }
    }
}
