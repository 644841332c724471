//! Demand behind the sales: what a product would have sold had there been enough of it, and which days were unlike any other.
//!
//! On a day on which a product sold out, its sale is a lower bound of demand. Leaving such days out teaches a model from the
//! quiet days only; taking them as they are teaches it the size of the pot. [`recover`] puts the expected demand in their
//! place, with a weight that says how sure it is.
//!
//! **Nothing here looks ahead.** Days are walked in order, and what is said of a day rests on that day's own orders and on
//! earlier days. So a recovered value is the same at every cutoff that knows its day, and a backtest inside a night may use it.

mod latent;
mod level;
mod outliers;
mod profile;
mod recover;

pub use outliers::{Oddity, OddityKind, Period, odd_periods};
pub use recover::{Evidence, Recovered, recover};

use domain::Ordinal;

/// One product of a store: its days in ascending order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProductDays {
    /// Products of one category share an intraday profile until they have shown their own.
    pub category: Option<u32>,
    /// Days on which the store was open, a day without a sale as a zero.
    pub days: Vec<ProductDay>,
}

/// What is known of one product on one business day.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProductDay {
    pub day: Ordinal,
    /// Units sold.
    pub quantity: f64,
    /// Known to have sold out, whether or not it is known when.
    pub sold_out: bool,
    /// While it was out, as far as that is known.
    pub out: Vec<Absence>,
    /// In order of time; empty where only the day's total is known.
    pub orders: Vec<Order>,
}

/// From when to when a product was sold out, in minutes from the start of the business day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Absence {
    pub from: u16,
    /// `None` up to closing.
    pub until: Option<u16>,
}

/// Units of one product in one order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Order {
    /// Minutes from the start of the business day.
    pub minute: u16,
    pub quantity: f32,
}

/// Days that are unlike others in when people buy: their intraday profiles are kept apart.
pub type DayKind = u8;
