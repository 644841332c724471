//! What a run's result depends on, as hashes: the same fingerprint means the same forecasts.

use std::fmt::Write as _;

use chrono::NaiveDate;
use sha2::{Digest, Sha256};

use super::Settings;
use super::load::Loaded;

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

/// Hash of the facts and the kitchen of one night.
pub(super) fn of_facts(loaded: &Loaded, date: NaiveDate) -> Vec<u8> {
    let mut hash = Hashed(Sha256::new());
    // Debug output of plain data holds every field; writing to a hash can't fail.
    let _ = write!(hash, "{date}|{CODE_VERSION}|{:?}|{:?}", loaded.facts, loaded.kitchen.products);
    let _ = write!(hash, "|{}|{:?}", loaded.kitchen_rows, loaded.recipe_fault);
    hash.0.finalize().to_vec()
}

/// Hash of the settings.
pub(super) fn of_settings(settings: &Settings) -> Vec<u8> {
    let text = serde_json::to_vec(settings).unwrap_or_default();
    Sha256::digest(text).to_vec()
}

/// One hash of two.
pub(super) fn combine(facts: &[u8], settings: &[u8]) -> Vec<u8> {
    Sha256::new().chain_update(facts).chain_update(settings).finalize().to_vec()
}
