//! What a payment request is asked for with.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::refusal::Refusal;
use super::requests::Kind;

/// The most a QRIS payment can be.
const MOST_RUPIAH: i64 = 10_000_000;

#[derive(Deserialize)]
pub(super) struct Wanted {
    pub(super) reference_id: String,
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    country: String,
    currency: String,
    channel_code: String,
    pub(super) request_amount: Option<f64>,
    capture_method: Option<String>,
    pub(super) description: Option<String>,
    pub(super) metadata: Option<Map<String, Value>>,
}

impl Wanted {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if self.reference_id.is_empty() || self.reference_id.chars().count() > 255 {
            return Err(Refusal::invalid("reference_id must have 1 to 255 characters"));
        }
        if self.description.as_ref().is_some_and(|text| text.chars().count() > 1_000) {
            return Err(Refusal::invalid("description must have at most 1000 characters"));
        }
        let fits =
            |(key, value): (&String, &Value)| key.chars().count() <= 40 && value.as_str().is_some_and(|text| text.chars().count() <= 500);
        if self.metadata.as_ref().is_some_and(|fields| fields.len() > 50 || !fields.iter().all(fits)) {
            return Err(Refusal::invalid("metadata must have at most 50 keys of 40 characters with texts of 500"));
        }
        if self.capture_method.as_deref().is_some_and(|method| method != "AUTOMATIC") {
            return Err(Refusal::value("capture_method must be AUTOMATIC"));
        }
        if (self.country.as_str(), self.currency.as_str(), self.channel_code.as_str()) != ("ID", "IDR", "QRIS") {
            return Err(Refusal::value("this stand-in has QRIS in ID and IDR only"));
        }
        Ok(())
    }
}

/// Whole rupiah within what QRIS takes.
pub(super) fn rupiah(amount: f64) -> Result<i64, Refusal> {
    if amount.fract() == 0.0 && (1.0..=MOST_RUPIAH as f64).contains(&amount) {
        Ok(amount as i64)
    } else {
        Err(Refusal::value(format!("amount must be a whole number from 1 to {MOST_RUPIAH}")))
    }
}
