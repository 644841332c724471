//! What moves demand, and by how much: parameters of a product, and the row that says what they did on a day.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// How strongly each cause moves one product. Shares (0.2 = 20 % more), except where said.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effects {
    /// Strength of the store's weekday profile: 1 fully, 0 not at all.
    pub weekday: f64,
    /// From the 25th to the 1st.
    pub payday: f64,
    /// On a day of fasting, times the store's observance.
    pub ramadan: f64,
    /// In the seven days before Idul Fitri, times the store's observance.
    pub lebaran: f64,
    /// On a national holiday.
    pub holiday: f64,
    /// From 14 to 24 December, times the store's observance.
    pub christmas: f64,
    /// At very heavy rain; lighter rain has 1 - exp(-mm / 12) of it.
    pub rain: f64,
    /// Exponent of the own list price over the menu price (negative).
    pub elasticity: f64,
    /// At a discount of 20 %; in proportion at others.
    pub promo: f64,
    /// Growth a year, linear around 2025-01-01.
    pub growth: f64,
}

impl Effects {
    /// The named effect, or nothing where no effect has that name.
    pub(crate) fn field(&mut self, name: &str) -> Option<&mut f64> {
        Some(match name {
            "weekday" => &mut self.weekday,
            "payday" => &mut self.payday,
            "ramadan" => &mut self.ramadan,
            "lebaran" => &mut self.lebaran,
            "holiday" => &mut self.holiday,
            "christmas" => &mut self.christmas,
            "rain" => &mut self.rain,
            "elasticity" => &mut self.elasticity,
            "promo" => &mut self.promo,
            "growth" => &mut self.growth,
            _ => return None,
        })
    }

    /// The effects that differ from product to product (the weekday profile does not).
    pub(crate) const DRAWN: [&str; 9] = ["payday", "ramadan", "lebaran", "holiday", "christmas", "rain", "elasticity", "promo", "growth"];
}

/// Names of [`EffectRow::factors`], in order. Demand is `base` times all of them, and 0 where the shop is closed.
pub const FACTORS: [&str; 10] = ["trend", "weekday", "payday", "ramadan", "feast", "holiday", "rain", "price", "promo", "viral"];

/// The truth about one product on one business day.
#[derive(Debug, Clone, PartialEq)]
pub struct EffectRow {
    /// Position in `Definition::stores`.
    pub store: u16,
    /// Position in `Store::products`.
    pub product: u16,
    /// Business day.
    pub business_day: NaiveDate,
    /// Mean units on a plain day.
    pub base: f64,
    /// Multipliers, named by [`FACTORS`].
    pub factors: [f64; FACTORS.len()],
    /// Whether the shop was open.
    pub open: bool,
    /// Mean demand: base times factors, 0 where closed.
    pub expected: f64,
    /// Units people wanted.
    pub demand: u32,
    /// Units there were to sell; `None` where supply had no limit that day.
    pub prepared: Option<u32>,
    /// Units sold: the smaller of the two.
    pub sales: u32,
}

impl EffectRow {
    /// The factor of that name.
    pub fn factor(&self, name: &str) -> Option<f64> {
        FACTORS.iter().position(|factor| *factor == name).map(|position| self.factors[position])
    }

    /// Whether demand went on after the last unit was sold.
    pub fn sold_out(&self) -> bool {
        self.demand > self.sales
    }
}

/// 1 + share x exposure, kept above nothing.
pub(crate) fn lift(share: f64, exposure: f64) -> f64 {
    (1.0 + share * exposure).max(0.05)
}
