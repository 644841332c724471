//! What if: what someone supposes of a store's next days, and the answer as it is kept.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::explanation::Explanation;
use crate::forecast::StepForecast;
use crate::money::Idr;

/// What is to be different, on the days `from..=to`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Supposition {
    pub from: NaiveDate,
    pub to: NaiveDate,
    /// Millimetres of rain on each day.
    pub rain_mm: Option<f64>,
    /// Share of the price taken off; 0 for no promotion.
    pub discount: Option<f64>,
    /// The product the promotion is of; `None` for all.
    pub product: Option<String>,
    pub closed: Option<bool>,
}

/// The answer, by product, then day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Supposed {
    /// The last observed day of the models that answer.
    pub trained_until: NaiveDate,
    pub answers: Vec<SupposedDay>,
}

/// A product's day, as it is expected and as it would be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SupposedDay {
    pub product_id: Uuid,
    pub product: String,
    pub unit: String,
    /// As it is today.
    pub price: Option<Idr>,
    pub date: NaiveDate,
    pub expected: StepForecast,
    pub supposed: StepForecast,
    /// Of the supposed forecast; it adds up to it.
    pub why: Explanation,
}

impl SupposedDay {
    /// Units more than expected; negative for less.
    #[must_use]
    pub fn difference(&self) -> f64 {
        self.supposed.yhat - self.expected.yhat
    }

    /// The same in rupiah: what is supposed at the price that the supposed discount leaves, less what is expected at the full one.
    /// `None` where the price is not known.
    #[must_use]
    pub fn difference_in_money(&self, supposition: &Supposition) -> Option<Idr> {
        let (supposed, expected) = self.revenue(supposition)?;
        Some(Idr(supposed.0.saturating_sub(expected.0)))
    }

    /// Supposed and expected revenue.
    #[must_use]
    pub fn revenue(&self, supposition: &Supposition) -> Option<(Idr, Idr)> {
        let price = self.price?;
        let is_meant = supposition.product.as_ref().is_none_or(|product| product.to_lowercase() == self.product.to_lowercase());
        let discount = supposition.discount.filter(|_| is_meant).unwrap_or(0.0);
        Some((price.times((1.0 - discount) * self.supposed.yhat), price.times(self.expected.yhat)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantile::Quantiles;

    fn day(product: &str, expected: f64, supposed: f64) -> SupposedDay {
        let step = |yhat| StepForecast { at: 0, step: 1, yhat, quantiles: Quantiles::degenerate(yhat) };
        SupposedDay {
            product_id: Uuid::nil(),
            product: product.to_owned(),
            unit: "porsi".to_owned(),
            price: Some(Idr(10_000)),
            date: NaiveDate::default(),
            expected: step(expected),
            supposed: step(supposed),
            why: Explanation { base: supposed, contributions: Vec::new() },
        }
    }

    fn cheap(product: Option<&str>) -> Supposition {
        let day = NaiveDate::default();
        let product = product.map(str::to_owned);
        Supposition { from: day, to: day, rain_mm: None, discount: Some(0.2), product, closed: None }
    }

    #[test]
    fn a_promotion_sells_more_for_less() {
        let money = |day: &SupposedDay, product| day.difference_in_money(&cheap(product));
        let dish = day("Ayam Geprek", 100.0, 120.0);
        assert_eq!(dish.difference(), 20.0);
        assert_eq!(money(&dish, None), Some(Idr(-40_000)), "120 at 8,000 are less than 100 at 10,000");
        assert_eq!(money(&dish, Some("ayam geprek")), Some(Idr(-40_000)));
        assert_eq!(money(&dish, Some("nasi")), Some(Idr(200_000)), "the promotion is of another product");
        assert_eq!(money(&SupposedDay { price: None, ..dish }, None), None);
    }
}
