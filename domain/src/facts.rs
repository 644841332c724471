//! Facts as sources produce them, before they have ids.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::money::Idr;

/// What one product sold on one business day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DailySales {
    pub product: String,
    pub business_date: NaiveDate,
    pub quantity: f64,
    pub revenue: Option<Idr>,
    /// Ran out during the day: the quantity is a lower bound of demand.
    pub sold_out: bool,
}

/// One line of one order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderLine {
    /// The order's number in the system it was exported from; lines with the same one belong together.
    pub order: String,
    /// Wall-clock time in the store's zone.
    pub ordered_at: chrono::NaiveDateTime,
    pub product: String,
    pub category: Option<String>,
    pub quantity: f64,
    pub unit_price: Option<Idr>,
}
