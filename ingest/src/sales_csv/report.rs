//! What a load did, or would do.

use chrono::NaiveDate;
use domain::time::BusinessCalendar;
use platform::db::sales_daily::LoadCounts;
use serde::Serialize;
use uuid::Uuid;

use super::load::ProductIds;
use super::reading::Told as Read;
use crate::source::{Rejected, Understanding};

/// Facts by what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Not known before.
    pub loaded: u64,
    /// Known otherwise; a new version was added.
    pub superseded: u64,
    /// Known just so.
    pub unchanged: u64,
}

impl From<LoadCounts> for Counts {
    fn from(counts: LoadCounts) -> Self {
        Self { loaded: counts.inserted, superseded: counts.superseded, unchanged: counts.unchanged }
    }
}

/// What a load did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    pub file: String,
    pub store: String,
    pub understanding: Understanding,
    pub time_zone: String,
    /// Rows of the file below the header, blank ones apart.
    pub rows_read: u64,
    /// Rows that became facts.
    pub rows_good: u64,
    /// Daily totals or orders; `None` on a dry run.
    pub facts: Option<Counts>,
    /// Daily totals that follow from the orders.
    pub derived_totals: Option<Counts>,
    pub quarantined: u64,
    /// Of those, rows that were not in quarantine before.
    pub newly_quarantined: u64,
    /// The first few quarantined rows.
    pub examples: Vec<Rejected>,
    /// First and last business day.
    pub first_day: NaiveDate,
    pub last_day: NaiveDate,
    pub products_new: Vec<String>,
    pub products_known: usize,
    /// Whether the very bytes were seen for the first time; `None` on a dry run.
    pub file_is_new: Option<bool>,
    /// As which the file was kept.
    #[serde(skip)]
    pub record: Option<Uuid>,
}

impl Report {
    const EXAMPLES: usize = 5;

    pub(super) fn of(store: &str, told: &Read, known: &ProductIds, calendar: BusinessCalendar) -> Self {
        let new = told.products.iter().filter(|product| !known.contains_key(&product.name));
        let products_new: Vec<String> = new.map(|product| product.name.clone()).collect();
        Self {
            file: told.file.clone(),
            store: store.to_owned(),
            understanding: told.understanding.clone(),
            time_zone: calendar.time_zone.name().to_owned(),
            rows_read: told.rows,
            rows_good: told.good,
            facts: None,
            derived_totals: None,
            quarantined: told.rejected.len() as u64,
            newly_quarantined: 0,
            examples: told.rejected.iter().take(Self::EXAMPLES).cloned().collect(),
            first_day: told.days.first,
            last_day: told.days.last,
            products_known: told.products.len() - products_new.len(),
            products_new,
            file_is_new: None,
            record: None,
        }
    }

    pub(super) fn count(&mut self, facts: LoadCounts, derived: Option<LoadCounts>) {
        self.facts = Some(facts.into());
        self.derived_totals = derived.map(Counts::from);
    }

    /// Whether the load left the facts as they were.
    #[must_use]
    pub fn changed_nothing(&self) -> bool {
        let same = |counts: Option<Counts>| counts.is_none_or(|counts| counts.loaded + counts.superseded == 0);
        same(self.facts) && same(self.derived_totals)
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Understanding { level, columns, unused, formats } = &self.understanding;
        writeln!(f, "`{}` for store `{}`: {level}; {}", self.file, self.store, formats.join("; "))?;
        let used: Vec<String> = columns.iter().map(|(part, name)| format!("{part} = `{name}`")).collect();
        writeln!(f, "columns: {}", used.join(", "))?;
        if !unused.is_empty() {
            writeln!(f, "not used: {}", quoted(unused))?;
        }
        writeln!(f, "business days {} to {} ({})", self.first_day, self.last_day, self.time_zone)?;
        write!(f, "products: {} known, {} new", self.products_known, self.products_new.len())?;
        if !self.products_new.is_empty() {
            let shown = &self.products_new[..self.products_new.len().min(10)];
            write!(f, " ({}{})", quoted(shown), if shown.len() < self.products_new.len() { ", ..." } else { "" })?;
        }
        write!(f, "\nrows: {} read, {} good, {} quarantined", self.rows_read, self.rows_good, self.quarantined)?;
        for rejected in &self.examples {
            write!(f, "\n  {}", rejected.error)?;
        }
        if self.quarantined > self.examples.len() as u64 {
            write!(f, "\n  ... and {} more", self.quarantined - self.examples.len() as u64)?;
        }
        match (self.facts, self.derived_totals) {
            (None, _) => write!(f, "\nnothing was written"),
            (Some(totals), None) => write!(f, "\ndaily totals: {}", Told(totals)),
            (Some(orders), Some(totals)) => write!(f, "\norders: {}\ndaily totals: {}", Told(orders), Told(totals)),
        }
    }
}

struct Told(Counts);

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Counts { loaded, superseded, unchanged } = self.0;
        write!(f, "{loaded} loaded, {superseded} superseded, {unchanged} unchanged")
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
