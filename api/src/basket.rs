//! What someone says of the items of an order, and what the store's catalogue makes of it.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use platform::db::products::{ProductRow, list_products};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::{ApiError, FieldError};
use crate::field::optional_rupiah;

/// Most items of one order.
pub(crate) const MOST_ITEMS: usize = 200;
/// Most of anything, and the highest price of one: their product is a number of rupiah that fits.
const MOST: f64 = 1_000_000.0;
const HIGHEST_PRICE: i64 = 1_000_000_000;
/// Clocks of tills go wrong by so much.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// One product of an order, by `product_id` or by `product`.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"product": "Ayam Geprek", "quantity": 2}))]
pub(crate) struct NewItem {
    /// A product of the store.
    #[serde(default)]
    product_id: Option<Uuid>,
    /// Its name, as in the catalogue.
    #[serde(default)]
    product: Option<String>,
    /// In the unit of the product, to three decimals.
    #[schema(minimum = 0.001, maximum = 1_000_000)]
    quantity: f64,
    /// Rupiah for one. Of what has a price in the catalogue, another takes somebody who may change the catalogue.
    #[serde(default, deserialize_with = "optional_rupiah")]
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    unit_price: Option<i64>,
}

/// An item that makes sense.
pub(crate) struct Item<'a> {
    pub product: &'a ProductRow,
    /// Place of the product in the catalogue.
    pub place: u32,
    pub quantity: f64,
    pub unit_price: Option<i64>,
}

impl Item<'_> {
    /// Rupiah, rounded half up.
    pub fn total(&self) -> Option<i64> {
        Some((thousandths(self.quantity)? * self.unit_price? + 500) / 1000)
    }
}

/// What an item costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pricing {
    /// What the catalogue says now. Where that says something, another price takes somebody who may say so.
    Catalogue { may_differ: bool },
    /// Nobody knows: it was sold some time ago.
    AsSaid,
}

const NO_OTHER: Pricing = Pricing::Catalogue { may_differ: false };

/// All products of a store.
pub(crate) struct Catalogue {
    pub products: Vec<ProductRow>,
    by_id: HashMap<Uuid, u32>,
    by_name: HashMap<String, u32>,
}

impl Catalogue {
    pub async fn of(connection: &mut PgConnection, store_id: Uuid) -> Result<Self, ApiError> {
        let products = list_products(connection, store_id).await?;
        let by_id = products.iter().zip(0..).map(|(product, place)| (product.id, place)).collect();
        let by_name = products.iter().zip(0..).map(|(product, place)| (product.name.clone(), place)).collect();
        Ok(Self { products, by_id, by_name })
    }

    fn place(&self, item: &NewItem, at: &str) -> Result<u32, FieldError> {
        let (place, field) = match (item.product_id, item.product.as_deref()) {
            (Some(id), None) => (self.by_id.get(&id), "product_id"),
            (None, Some(name)) => (self.by_name.get(name.trim()), "product"),
            _ => return Err(FieldError::unfit(at, "must have either `product_id` or `product`")),
        };
        place.copied().ok_or_else(|| FieldError::unfit(format!("{at}.{field}"), "is not a product of this store"))
    }

    /// The items that make sense; what is wrong with the others, under the name that they have in the request.
    pub fn items(&self, items: &[NewItem], pricing: Pricing, at: &str, wrong: &mut Vec<FieldError>) -> Vec<Item<'_>> {
        if !(1..=MOST_ITEMS).contains(&items.len()) {
            wrong.push(FieldError::new(at, format!("must be 1 to {MOST_ITEMS} items")));
            return Vec::new();
        }
        let mut read = Vec::with_capacity(items.len());
        for (item, index) in items.iter().zip(0..) {
            let at = format!("{at}[{index}]");
            if thousandths(item.quantity).is_none_or(|thousandths| thousandths <= 0) {
                wrong.push(FieldError::unfit(format!("{at}.quantity"), "must be more than 0, at most 1000000, to three decimals"));
            }
            let place = match self.place(item, &at) {
                Ok(place) => place,
                Err(error) => {
                    wrong.push(error);
                    continue;
                }
            };
            let product = &self.products[place as usize];
            let unit_price = match pricing {
                Pricing::AsSaid => item.unit_price,
                Pricing::Catalogue { .. } => item.unit_price.or(product.price),
            };
            match unit_price {
                Some(price) if !(0..=HIGHEST_PRICE).contains(&price) => {
                    wrong.push(FieldError::new(format!("{at}.unit_price"), "must be 0 to 1000000000 rupiah"));
                }
                None if pricing != Pricing::AsSaid => {
                    wrong.push(FieldError::unfit(format!("{at}.unit_price"), "is needed: the product has no price"));
                }
                Some(price) if pricing == NO_OTHER && product.price.is_some_and(|own| own != price) => {
                    wrong.push(FieldError::unfit(format!("{at}.unit_price"), "is the catalogue's for you: leave it out"));
                }
                _ => {}
            }
            read.push(Item { product, place, quantity: item.quantity, unit_price });
        }
        read
    }
}

/// A quantity that is stored as it is said: not negative, to three decimals.
pub(crate) fn thousandths(quantity: f64) -> Option<i64> {
    let thousandths = (quantity * 1000.0).round();
    let is_exact = (0.0..=MOST).contains(&quantity) && (quantity * 1000.0 - thousandths).abs() < 1e-4;
    #[expect(clippy::cast_possible_truncation, reason = "a whole number up to 10^9")]
    is_exact.then_some(thousandths as i64)
}

/// Whether something can have happened then: not after now, and not longer ago than `back`.
pub(crate) fn check_past(at: DateTime<Utc>, now: DateTime<Utc>, back: TimeDelta, field: &str) -> Result<(), FieldError> {
    if (now - back..=now + AHEAD).contains(&at) {
        return Ok(());
    }
    Err(FieldError::unfit(field, format!("must be within the last {} days, and not in the future", back.num_days())))
}

/// # Errors
/// [`ApiError::InvalidRequest`] where anything is wrong, with the first of it: nobody reads a thousand.
pub(crate) fn all_right(mut wrong: Vec<FieldError>) -> Result<(), ApiError> {
    wrong.truncate(50);
    if wrong.is_empty() { Ok(()) } else { Err(ApiError::InvalidRequest { fields: wrong }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_has_three_decimals() {
        assert_eq!([0.0, 0.1, 2.0, 0.001, 999_999.999].map(thousandths), [Some(0), Some(100), Some(2000), Some(1), Some(999_999_999)]);
        for wrong in [-0.001, 0.0001, 1.2345, 1_000_000.001, f64::NAN, f64::INFINITY] {
            assert_eq!(thousandths(wrong), None, "{wrong}");
        }
    }
}
