//! One tick for one key: what it fires for, and the arguments of its job.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use domain::ids::StoreId;
use domain::time::BusinessCalendar;
use platform::db::stores::StoreRow;
use uuid::Uuid;

/// What a tick knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occasion {
    /// The store's id, or nothing.
    pub key: String,
    pub fire_at: DateTime<Utc>,
    /// On the wall clock of the schedule's zone.
    pub date: NaiveDate,
    /// By the store's own cutoff; the date where there is no store.
    pub business_day: NaiveDate,
    pub store_id: Option<StoreId>,
}

impl Occasion {
    pub(super) fn of_store(store: &StoreRow, zone: Tz, fire_at: DateTime<Utc>) -> Self {
        let calendar = BusinessCalendar { time_zone: zone, cutoff: store.business_day_cutoff };
        Self {
            key: store.id.to_string(),
            fire_at,
            date: fire_at.with_timezone(&zone).date_naive(),
            business_day: calendar.business_day(fire_at),
            store_id: Some(store.id.into()),
        }
    }

    pub(super) fn of_zone(zone: Tz, fire_at: DateTime<Utc>) -> Self {
        let date = fire_at.with_timezone(&zone).date_naive();
        Self { key: String::new(), fire_at, date, business_day: date, store_id: None }
    }

    /// To try a schedule's arguments with.
    pub(super) fn example(for_store: bool) -> Self {
        let store_id = for_store.then(|| StoreId::from(Uuid::nil()));
        Self { store_id, ..Self::of_zone(Tz::UTC, DateTime::UNIX_EPOCH) }
    }

    /// What a placeholder stands for; `None` if it is none of this tick.
    fn value_of(&self, placeholder: &str) -> Option<String> {
        match placeholder {
            "$date" => Some(self.date.to_string()),
            "$business_day" => Some(self.business_day.to_string()),
            "$fire_at" => Some(self.fire_at.to_rfc3339()),
            "$store_id" => self.store_id.map(|id| id.to_string()),
            _ => None,
        }
    }
}

/// The arguments of a schedule with its placeholders filled in. One that stands for nothing stays, and the job refuses it.
pub(super) fn fill(args: &toml::Table, occasion: &Occasion) -> serde_json::Value {
    let filled = args.iter().map(|(name, value)| {
        let text = value.as_str().and_then(|text| occasion.value_of(text));
        let value = text.map_or_else(|| serde_json::to_value(value).unwrap_or_default(), serde_json::Value::String);
        (name.clone(), value)
    });
    serde_json::Value::Object(filled.collect())
}
