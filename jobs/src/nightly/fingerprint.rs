//! What a run's result depends on, as hashes: the same fingerprint means the same forecasts and plan.
//!
//! Everything hashed is a list in an order that the database or the code fixes; no map whose order differs between processes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use domain::time::Night;
use sha2::{Digest, Sha256};

use super::facts::{Orders, Sale, StoreFacts};
use super::load::Loaded;
use super::{Pace, Settings};

/// Version of the code behind a run.
pub const CODE_VERSION: &str = match option_env!("VIRALCAST_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

/// Feeds formatted text to a hash without building it.
struct Hashed(Sha256);

impl std::fmt::Write for Hashed {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}

/// Hash of everything that a night works with.
pub(super) fn of_input(loaded: &Loaded, night: Night, pace: Pace, settings: &[u8]) -> Vec<u8> {
    let StoreFacts { products, listings, sales, orders, stockouts, events, promos, weather, news, market_prices, made_of } = &loaded.facts;
    let mut hash = Hashed(Sha256::new());
    hash.0.update(settings);
    if pace == Pace::Hurried {
        hash.0.update("hurried");
    }
    // Debug output of plain data holds every field; writing to a hash can't fail.
    // Not the instant as of which it was read: what was read then is hashed itself.
    let Night { date, calendar, as_of: _ } = night;
    let _ = write!(
        hash,
        "{CODE_VERSION}|{date:?}|{calendar:?}|{products:?}|{listings:?}|{stockouts:?}|{events:?}|{promos:?}|{weather:?}|{news:?}"
    );
    let made_of: BTreeMap<_, _> = made_of.iter().collect();
    let _ = write!(hash, "|{market_prices:?}|{made_of:?}");
    let _ = write!(hash, "|{:?}|{}|{}", loaded.kitchen.kitchen.products, loaded.kitchen.rows, sales.len());
    sales.iter().for_each(|sale| add_sale(&mut hash.0, sale));
    orders.iter().for_each(|orders| add_orders(&mut hash.0, orders));
    hash.0.finalize().to_vec()
}

/// By far the most rows: as bytes, which is many times faster than as text.
fn add_sale(hash: &mut Sha256, sale: &Sale) {
    let Sale { product, day, quantity, sold_out, available_at } = sale;
    hash.update(product.as_bytes());
    hash.update(domain::frequency::days_since_epoch(*day).to_be_bytes());
    hash.update(quantity.to_bits().to_be_bytes());
    hash.update([u8::from(*sold_out)]);
    hash.update(available_at.timestamp_micros().to_be_bytes());
}

fn add_orders(hash: &mut Sha256, orders: &Orders) {
    let Orders { product, day, minutes, quantities, available_at } = orders;
    hash.update(product.as_bytes());
    hash.update(domain::frequency::days_since_epoch(*day).to_be_bytes());
    hash.update(minutes.len().to_be_bytes());
    minutes.iter().for_each(|minute| hash.update(minute.to_be_bytes()));
    quantities.iter().for_each(|quantity| hash.update(quantity.to_bits().to_be_bytes()));
    hash.update(available_at.timestamp_micros().to_be_bytes());
}

/// Hash of the same input for a run that must not repeat what is on the screen.
pub(super) fn of_shadow(input: &[u8]) -> Vec<u8> {
    Sha256::new().chain_update(input).chain_update("shadow").finalize().to_vec()
}

/// Hash of the settings.
pub(super) fn of_settings(settings: &Settings) -> Vec<u8> {
    let text = serde_json::to_vec(settings).unwrap_or_default();
    Sha256::digest(text).to_vec()
}
