//! The real restaurant: 765 days of seven ingredients, loaded like any owner's export.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use ingest::tabular::{Locale, read};
use platform::db::calendar_events::{CalendarEventVersion, CalendarOf, insert_calendar_events};
use platform::db::stores::{NewStore, SalesSource, StoreRow};

use super::ensure_store;
use crate::commands::ingest_file;
use crate::context::Context;

/// Slug of the restaurant.
const RESTAURANT: &str = "yaz-stuttgart";
/// The business day that the demo runs it for: the day after its last one.
pub const RESTAURANT_DAY: NaiveDate = NaiveDate::from_ymd_opt(2015, 11, 8).expect("a date");
/// The committed export, part of the program so that `viralcast demo` works in any folder.
const EXPORT: &str = include_str!("../../../data/restaurant/sales.csv");

/// Loads the restaurant; again changes nothing.
pub async fn load(context: &Context) -> anyhow::Result<StoreRow> {
    let file = write_export(context.data.path())?;
    let store = {
        let mut connection = context.db.work().acquire().await?;
        let store = ensure_store(&mut connection, &new_store()).await?;
        let events = calendar(&file)?;
        insert_calendar_events(&mut *connection, &CalendarOf::Store(store.id), "restaurant_file", &events).await?;
        store
    };
    let map = [("product", "unique_id"), ("ds", "ds"), ("y", "y")].map(|(part, column)| (part.to_owned(), column.to_owned()));
    ingest_file(context, &store, &file, map.to_vec()).await?;
    Ok(store)
}

fn write_export(data: &Path) -> anyhow::Result<PathBuf> {
    let folder = data.join("demo");
    std::fs::create_dir_all(&folder).with_context(|| format!("can't create {}", folder.display()))?;
    let file = folder.join("restaurant.csv");
    std::fs::write(&file, EXPORT).with_context(|| format!("can't write {}", file.display()))?;
    Ok(file)
}

fn new_store() -> NewStore {
    NewStore {
        slug: RESTAURANT.to_owned(),
        name: "YAZ Stuttgart (real data, 2013-2015)".to_owned(),
        owner_id: uuid::Uuid::nil(),
        address: Some("Stuttgart, Germany".to_owned()),
        time_zone: "Europe/Berlin".to_owned(),
        business_day_cutoff: NaiveTime::MIN,
        adm4: None,
        calendar: "de-bw".to_owned(),
        sales_source: SalesSource::Imports,
        is_synthetic: false,
        opened_on: NaiveDate::from_ymd_opt(2013, 10, 4),
    }
}

/// Holidays and closed days from the file's own columns; both are known ahead.
fn calendar(file: &Path) -> anyhow::Result<Vec<CalendarEventVersion>> {
    let table = read(file)?;
    let locale = Locale::default();
    let days = table.column("ds")?.dates(&locale)?.all_good(&table.file)?;
    let mut events = std::collections::BTreeMap::new();
    for (column, kind, name) in [("is_holiday", "holiday", "Feiertag"), ("is_closed", "closed", "Geschlossen")] {
        let flags = table.column(column)?.numbers(&locale)?.all_good(&table.file)?;
        for (day, _) in days.iter().zip(flags).filter(|(_, flag)| flag.is_some_and(|flag| flag > 0.0)) {
            let Some(day) = day.map(|stamp| stamp.utc().date()) else { continue };
            events.insert(
                (day, kind),
                CalendarEventVersion {
                    kind: kind.to_owned(),
                    name: name.to_owned(),
                    starts_on: day,
                    ends_on: day,
                    likelihood: 1.0,
                    is_cancelled: false,
                    available_at: known(day),
                },
            );
        }
    }
    Ok(events.into_values().collect())
}

fn known(day: NaiveDate) -> DateTime<Utc> {
    day.checked_sub_days(Days::new(90)).unwrap_or(day).and_time(NaiveTime::MIN).and_utc()
}
