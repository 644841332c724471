//! A sales file read on a thread of its own: facts go out as text for COPY, piece by piece, everything else is told at the end.
//!
//! Only a bounded number of pieces is on its way at a time, so that order lines of any number need the same memory.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use domain::Idr;
use domain::facts::{DailySales, OrderLine};
use domain::time::BusinessCalendar;
use platform::db::orders::{self, OrderLines};
use platform::db::sales_daily::{DailyTotal, DailyTotals};
use tokio::sync::mpsc;

use super::{IngestError, Progress, SOURCE};
use crate::source::{Batch, Facts, ParseContext, ProductTold, RawRecord, Rejected, SourceError, Understanding};
use crate::sources;
use crate::tabular::{CellErrors, TabularError};

/// Bytes of a piece, and pieces on their way.
const PIECE: usize = 1 << 20;
const PIECES: usize = 4;
/// Totals that are added up in memory before they are sent; the database adds up the rest.
const TOTALS: usize = 500_000;

/// Facts as text for COPY.
pub(super) enum Piece {
    Orders(String),
    Totals(String),
}

/// What a file tells beside its facts.
pub(super) struct Told {
    pub file: String,
    pub understanding: Understanding,
    pub rows: u64,
    /// Rows that became facts.
    pub good: u64,
    pub rejected: Vec<Rejected>,
    pub products: Vec<ProductTold>,
    /// The first day of each product.
    pub first_days: HashMap<u32, NaiveDate>,
    pub days: Days,
}

/// First and last business day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Days {
    pub first: NaiveDate,
    pub last: NaiveDate,
}

/// The thread that reads, and the facts that it finds.
pub(super) struct Reading {
    pub pieces: mpsc::Receiver<Piece>,
    thread: tokio::task::JoinHandle<Result<Told, IngestError>>,
}

/// Rows that are kept with their reasons: a file of which more cannot be read is read wrongly.
const MOST_REJECTED: usize = 250_000;

impl Reading {
    /// `totals_only` adds order lines up and forgets them.
    pub(super) fn start(raw: RawRecord, context: ParseContext, totals_only: bool, progress: Progress) -> Self {
        let (sender, pieces) = mpsc::channel(PIECES);
        let thread = tokio::task::spawn_blocking(move || read(&raw, &context, totals_only, &progress, &sender));
        Self { pieces, thread }
    }

    /// What the file tells, once all pieces are taken.
    pub(super) async fn end(self) -> Result<Told, IngestError> {
        self.thread.await.map_err(IngestError::Interrupted)?
    }
}

fn read(
    raw: &RawRecord,
    context: &ParseContext,
    totals_only: bool,
    progress: &Progress,
    pieces: &mpsc::Sender<Piece>,
) -> Result<Told, IngestError> {
    let sources = sources::all();
    let file = raw.contents.name().to_owned();
    let Some(source) = sources.find(SOURCE) else { return Err(TabularError::NoRows { file }.into()) };
    let mut batches = source.parse(raw, context)?;
    let mut reader = Reader::new(context.calendar, totals_only);
    while let Some(batch) = batches.next_batch()? {
        for piece in reader.take(batch)? {
            // Whoever took them has given up, and says why.
            if pieces.blocking_send(piece).is_err() {
                return Err(IngestError::GivenUp);
            }
        }
        if reader.rejected.len() > MOST_REJECTED {
            let errors: Vec<_> = reader.rejected.iter().take(100).map(|rejected| rejected.error.clone()).collect();
            return Err(IngestError::TooManyBad { file, most: MOST_REJECTED, errors: CellErrors::new(&errors) });
        }
        progress(reader.rows);
    }
    for piece in reader.rest() {
        if pieces.blocking_send(piece).is_err() {
            return Err(IngestError::GivenUp);
        }
    }
    let Some(days) = reader.days else {
        let errors: Vec<_> = reader.rejected.iter().map(|rejected| rejected.error.clone()).collect();
        return Err(if errors.is_empty() {
            TabularError::NoRows { file }.into()
        } else {
            IngestError::NothingGood { file, errors: CellErrors::new(&errors) }
        });
    };
    Ok(Told {
        file,
        understanding: batches.understood().clone(),
        rows: reader.rows,
        good: reader.good,
        rejected: reader.rejected,
        products: reader.products.told,
        first_days: reader.first_days,
        days,
    })
}

struct Reader {
    calendar: BusinessCalendar,
    totals_only: bool,
    rows: u64,
    good: u64,
    rejected: Vec<Rejected>,
    products: Products,
    first_days: HashMap<u32, NaiveDate>,
    days: Option<Days>,
    lines: OrderLines,
    /// Totals that are not sent yet.
    totals: HashMap<(u32, NaiveDate), Total>,
    text: DailyTotals,
    ends: HashMap<NaiveDate, DateTime<Utc>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Total {
    quantity: f64,
    revenue: Option<i64>,
    is_sold_out: bool,
}

impl Reader {
    fn new(calendar: BusinessCalendar, totals_only: bool) -> Self {
        Self {
            calendar,
            totals_only,
            rows: 0,
            good: 0,
            rejected: Vec::new(),
            products: Products::default(),
            first_days: HashMap::new(),
            days: None,
            lines: OrderLines::default(),
            totals: HashMap::new(),
            text: DailyTotals::default(),
            ends: HashMap::new(),
        }
    }

    fn take(&mut self, batch: Batch) -> Result<Vec<Piece>, SourceError> {
        self.rows += batch.rows;
        self.good += batch.facts.len() as u64;
        self.rejected.extend(batch.rejected);
        self.products.tell(batch.products);
        let mut pieces = Vec::new();
        match batch.facts {
            Facts::DailySales(totals) => totals.iter().for_each(|total| self.add_daily(total)),
            Facts::OrderLines(lines) => {
                for line in &lines {
                    self.add_line(line);
                    pieces.extend(self.lines.piece(PIECE).map(Piece::Orders));
                }
            }
            // No sales file tells of anything else.
            _ => {}
        }
        if self.totals.len() >= TOTALS {
            self.send_totals();
            pieces.extend(self.text.piece(0).map(Piece::Totals));
        }
        Ok(pieces)
    }

    fn rest(&mut self) -> Vec<Piece> {
        self.send_totals();
        self.lines.piece(0).map(Piece::Orders).into_iter().chain(self.text.piece(0).map(Piece::Totals)).collect()
    }

    fn add_daily(&mut self, total: &DailySales) {
        let product = self.products.number(&total.product);
        let revenue = total.revenue.map(|revenue| revenue.0);
        self.add(product, total.business_date, Total { quantity: total.quantity, revenue, is_sold_out: total.sold_out });
    }

    fn add_line(&mut self, line: &OrderLine) {
        let day = self.calendar.business_day_of_local(line.ordered_at);
        let product = self.products.number(&line.product);
        let total_price = line.unit_price.map(|price| price.times(line.quantity).0);
        if self.totals_only {
            return self.add(product, day, Total { quantity: line.quantity, revenue: total_price, is_sold_out: false });
        }
        self.touch(product, day);
        self.lines.push(&orders::OrderLine {
            external_id: &line.order,
            ordered_at: self.calendar.local(line.ordered_at.date(), line.ordered_at.time()),
            business_date: day,
            product,
            quantity: line.quantity,
            unit_price: line.unit_price.map(|Idr(price)| price),
            total_price,
            available_at: None,
            is_cancelled: false,
        });
    }

    fn add(&mut self, product: u32, day: NaiveDate, more: Total) {
        self.touch(product, day);
        let total = self.totals.entry((product, day)).or_default();
        total.quantity += more.quantity;
        total.revenue =
            total.revenue.zip(more.revenue).map(|(one, other): (i64, i64)| one.saturating_add(other)).or(total.revenue).or(more.revenue);
        total.is_sold_out |= more.is_sold_out;
    }

    fn send_totals(&mut self) {
        let mut totals: Vec<_> = self.totals.drain().collect();
        totals.sort_unstable_by_key(|(key, _)| *key);
        for ((product, business_date), Total { quantity, revenue, is_sold_out }) in totals {
            let available_at = *self.ends.entry(business_date).or_insert_with(|| self.calendar.end_of(business_date));
            self.text.push(&DailyTotal { product, business_date, quantity, revenue, is_sold_out, available_at });
        }
    }

    fn touch(&mut self, product: u32, day: NaiveDate) {
        let days = self.days.get_or_insert(Days { first: day, last: day });
        days.first = days.first.min(day);
        days.last = days.last.max(day);
        let first = self.first_days.entry(product).or_insert(day);
        *first = day.min(*first);
    }
}

/// Products in the order they are first told of.
#[derive(Default)]
struct Products {
    numbers: HashMap<Arc<str>, u32>,
    told: Vec<ProductTold>,
}

impl Products {
    fn tell(&mut self, products: Vec<ProductTold>) {
        for product in products {
            match self.numbers.get(product.name.as_str()) {
                Some(&number) => {
                    let known = &mut self.told[number as usize];
                    known.price = product.price.or(known.price);
                    known.category = known.category.take().or(product.category);
                }
                None => {
                    self.numbers.insert(product.name.as_str().into(), u32::try_from(self.told.len()).unwrap_or(u32::MAX));
                    self.told.push(product);
                }
            }
        }
    }

    /// A batch tells of every product that its facts name; one it forgot is added here.
    fn number(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        self.tell(vec![ProductTold { name: name.to_owned(), category: None, price: None }]);
        self.numbers.get(name).copied().unwrap_or_default()
    }
}
