//! Why something that a person asked for did not come of it: what happened and its figures, to be worded when it is read.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// A failure that a person reads. It holds nothing of the cause that is nobody's business; that is in the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Failure {
    /// The store has sold nothing in weeks, as far as is known.
    NoSales { last_day: NaiveDate },
    /// The store has no published forecast to plan from.
    NothingPublished,
    /// No models of the store are kept that could be asked.
    NoModels,
    /// Models of another version of the program were kept.
    OutdatedModels,
    /// No new forecast passed its gates, or none was better than what is on the screen, which stays.
    NothingBetter,
    /// Nothing is supposed.
    NothingSupposed,
    /// The days are not all among those that can be forecast.
    OutOfReach { first: NaiveDate, last: NaiveDate },
    /// The store forecasts no product of that name; it has these.
    UnknownProduct { product: String, known: Vec<String> },
    /// A figure makes no sense.
    OutOfRange { what: String, range: String },
    /// The store has no past of what is supposed: nobody knows what it would change.
    NeverHappened,
    /// The store is closed down, or gone.
    StoreClosed,
    /// The store's time zone is no IANA name.
    NoTimeZone,
    /// Someone who runs the platform stopped it.
    Stopped,
    /// Our fault.
    Internal,
}

impl Failure {
    /// Its stable name, as programs look at it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSales { .. } => "no_sales",
            Self::NothingPublished => "nothing_published",
            Self::NoModels => "no_models",
            Self::OutdatedModels => "outdated_models",
            Self::NothingBetter => "nothing_better",
            Self::NothingSupposed => "nothing_supposed",
            Self::OutOfReach { .. } => "out_of_reach",
            Self::UnknownProduct { .. } => "unknown_product",
            Self::OutOfRange { .. } => "out_of_range",
            Self::NeverHappened => "never_happened",
            Self::StoreClosed => "store_closed",
            Self::NoTimeZone => "no_time_zone",
            Self::Stopped => "stopped",
            Self::Internal => "internal",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_kept_under_its_name_with_its_figures() {
        let failure = Failure::UnknownProduct { product: "pizza".to_owned(), known: vec!["nasi".to_owned()] };
        let kept = serde_json::to_value(&failure).expect("JSON");
        assert_eq!(kept, serde_json::json!({"code": failure.code(), "product": "pizza", "known": ["nasi"]}));
        assert_eq!(serde_json::from_value::<Failure>(kept).expect("read"), failure);
        let plain = serde_json::to_value(Failure::NoModels).expect("JSON");
        assert_eq!(plain["code"], Failure::NoModels.code());
    }
}
