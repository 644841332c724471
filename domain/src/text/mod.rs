//! Sentences for owners, from structured data. Numbers are never invented here: every one is in the arguments.

mod failure;
mod reasons;

use crate::plan::{DayPlan, Unit};

pub use failure::failure_words;
pub use reasons::{When, forecast_sentence, reasons};

/// Language of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    #[default]
    Indonesian,
    English,
}

/// The plan in one breath: `Masak 85 Ayam Geprek (70-100), 40 Es Teh (31-52). Beli 12 kg Ayam. Total belanja Rp420.000.`
#[must_use]
pub fn plan_sentence(plan: &DayPlan, language: Language) -> String {
    let prep: Vec<String> = plan
        .prep
        .iter()
        .filter(|item| item.quantity > 0.0)
        .take(3)
        .map(|item| format!("{:.0} {} ({:.0}-{:.0})", item.quantity, item.name, item.low, item.high))
        .collect();
    let buy: Vec<String> =
        plan.purchases.iter().take(3).map(|item| format!("{} {}", amount(item.quantity(), item.unit), item.name)).collect();
    let (cook, closed, purchase, total) = match language {
        Language::Indonesian => ("Masak", "Tutup: tidak ada yang perlu disiapkan.", "Beli", "Total belanja"),
        Language::English => ("Prepare", "Closed: nothing to prepare.", "Buy", "Shopping total"),
    };
    if prep.is_empty() {
        return closed.to_owned();
    }
    let mut sentence = format!("{cook} {}.", prep.join(", "));
    if !buy.is_empty() {
        sentence.push_str(&format!(" {purchase} {}. {total} {}.", buy.join(", "), plan.cost()));
    }
    sentence
}

/// A quantity with its unit, in the larger unit where that reads better and with a decimal comma: `1,5 kg`, `250 g`.
#[must_use]
pub fn amount(quantity: f64, unit: Unit) -> String {
    let (quantity, unit) = match unit {
        Unit::Gram if quantity >= 1000.0 => (quantity / 1000.0, Unit::Kilogram),
        Unit::Millilitre if quantity >= 1000.0 => (quantity / 1000.0, Unit::Litre),
        other => (quantity, other),
    };
    let rounded = format!("{quantity:.2}");
    let trimmed = rounded.trim_end_matches('0').trim_end_matches('.');
    format!("{} {unit}", trimmed.replace('.', ","))
}
