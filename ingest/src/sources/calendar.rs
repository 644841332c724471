//! Holidays, joint leave, Ramadan and Lebaran, paydays, school breaks of a nation, each with the day on which it could be known.
//!
//! Nobody is asked: the table is part of the program, and an operator hands over a newer one of the same shape when a decree is out.
//! A feast that the moon decides has a branch a day until the government has seen it; then one is certain and the others cancelled.

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Asia::Jakarta;
use platform::config::SourcesConfig;
use platform::db::DbError;
use platform::db::calendar_events::CalendarEventVersion;
use platform::db::stores::list_calendars;
use platform::http::{Manners, Reply};
use sqlx::PgPool;

use super::day_end;
use crate::feed::{Asking, Days, Feed, FetchError, History, Terms};
use crate::source::{Batch, Batches, Facts, Once, ParseContext, RawRecord, Rejected, Source, SourceError, Understanding};
use crate::tabular::{CellError, ColumnRef, Table, read_origin};

const SOURCE: &str = "calendar";
/// Tables of this program: calendar and contents.
const TABLES: [(&str, &str); 1] = [("id", include_str!("../../../data/calendar/id.csv"))];
const KINDS: [&str; 7] = ["holiday", "cuti_bersama", "ramadan", "lebaran", "payday", "school", "event"];
/// The longest that an event lasts.
const LONGEST: i64 = 62;

struct Calendar;

pub(super) fn source() -> impl Source {
    Calendar
}

impl Source for Calendar {
    fn name(&self) -> &'static str {
        SOURCE
    }

    fn about(&self) -> &'static str {
        "Holidays, joint leave, Ramadan, paydays and school breaks: the table of this program, or a newer one as a file"
    }

    fn terms(&self) -> Terms {
        Terms {
            window_days: 1,
            lookback_days: 0,
            // A decree a year.
            freshness: TimeDelta::days(400),
            history: History::Landed,
            is_steady: false,
            attribution: "Sumber: SKB tiga menteri dan sidang isbat, tanpa jaminan",
            scope_is: "calendar",
        }
    }

    fn feed(&self) -> Option<&dyn Feed> {
        Some(self)
    }

    fn takes_files(&self) -> bool {
        true
    }

    fn parse(&self, raw: &RawRecord, _: &ParseContext) -> Result<Box<dyn Batches>, SourceError> {
        let table = read_origin(&raw.contents)?;
        table.well_formed()?;
        let columns = Columns::of(&table)?;
        let (mut facts, mut rejected) = (Vec::new(), Vec::new());
        for index in 0..table.len() {
            match columns.event(index) {
                Ok(event) if event.available_at > raw.fetched_at + TimeDelta::days(1) => {
                    let error = columns.known_on.cell_error(index, "is a day that has not come yet");
                    rejected.push(Rejected { error, row_text: None });
                }
                Ok(event) => facts.push(event),
                Err(error) => rejected.push(Rejected { error, row_text: None }),
            }
        }
        let understanding = Understanding { level: "versions of events", ..Understanding::default() };
        Ok(Box::new(Once::new(understanding, Batch::of(table.len() as u64, Facts::CalendarEvents(facts), rejected))))
    }
}

#[async_trait]
impl Feed for Calendar {
    fn manners(&self, _: &SourcesConfig) -> Manners {
        Manners { source: SOURCE, quotas: Vec::new(), units: 0, timeout: std::time::Duration::ZERO }
    }

    async fn scopes(&self, pool: &PgPool, _: &SourcesConfig) -> Result<Vec<String>, DbError> {
        list_calendars(pool).await
    }

    async fn fetch(&self, asking: &Asking<'_>, scope: &str, _: Days) -> Result<Vec<Reply>, FetchError> {
        let Some((name, contents)) = TABLES.iter().find(|(name, _)| *name == scope) else {
            return Err(FetchError::NotCovered {
                source_name: SOURCE,
                scope: scope.to_owned(),
                reason: "this program has no table of that nation: hand one over".to_owned(),
                ask_again_after: TimeDelta::days(30),
            });
        };
        Ok(vec![Reply {
            url: format!("data/calendar/{name}.csv"),
            status: 200,
            headers: serde_json::Map::new(),
            content_type: Some("text/csv".to_owned()),
            bytes: contents.as_bytes().to_vec(),
            fetched_at: asking.clock.now(),
        }])
    }
}

struct Columns<'a> {
    kind: ColumnRef<'a>,
    name: ColumnRef<'a>,
    starts_on: ColumnRef<'a>,
    ends_on: ColumnRef<'a>,
    likelihood: ColumnRef<'a>,
    known_on: ColumnRef<'a>,
    cancelled: ColumnRef<'a>,
}

impl<'a> Columns<'a> {
    fn of(table: &'a Table) -> Result<Self, SourceError> {
        Ok(Self {
            kind: table.column("kind")?,
            name: table.column("name")?,
            starts_on: table.column("starts_on")?,
            ends_on: table.column("ends_on")?,
            likelihood: table.column("likelihood")?,
            known_on: table.column("known_on")?,
            cancelled: table.column("cancelled")?,
        })
    }

    fn event(&self, index: usize) -> Result<CalendarEventVersion, CellError> {
        let kind = self.kind.text(index);
        if !KINDS.contains(&&*kind) {
            return Err(self.kind.cell_error(index, format!("is none of {}", KINDS.join(", "))));
        }
        let name = self.name.text(index);
        if name.is_empty() {
            return Err(self.name.cell_error(index, "is empty"));
        }
        let (starts_on, ends_on) = (day(self.starts_on, index)?, day(self.ends_on, index)?);
        if !(0..=LONGEST).contains(&(ends_on - starts_on).num_days()) {
            return Err(self.ends_on.cell_error(index, format!("is not within {LONGEST} days after the start")));
        }
        let likelihood = self.likelihood.text(index).parse().ok().filter(|share| (0.001..=1.0).contains(share));
        let is_cancelled = match &*self.cancelled.text(index) {
            "yes" => true,
            "no" | "" => false,
            _ => return Err(self.cancelled.cell_error(index, "is neither yes nor no")),
        };
        Ok(CalendarEventVersion {
            kind: kind.into_owned(),
            name: name.into_owned(),
            starts_on,
            ends_on,
            likelihood: likelihood.ok_or_else(|| self.likelihood.cell_error(index, "is no share between 0.001 and 1"))?,
            is_cancelled,
            available_at: known_at(day(self.known_on, index)?),
        })
    }
}

fn day(column: ColumnRef<'_>, index: usize) -> Result<NaiveDate, CellError> {
    let day = column.text(index).parse::<NaiveDate>().ok();
    let sane = |day: &NaiveDate| (1990..2100).contains(&chrono::Datelike::year(day));
    day.filter(sane).ok_or_else(|| column.cell_error(index, "is no day as in 2026-03-21"))
}

/// A decree of a day is known at its end: never too early.
fn known_at(day: NaiveDate) -> DateTime<Utc> {
    day_end(day, Jakarta)
}
