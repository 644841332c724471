//! A parsed file in memory, compactly: products as numbers, texts in one buffer.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{NaiveDate, NaiveDateTime};
use domain::facts::{DailySales, OrderLine};

use super::{IngestError, Progress, SOURCE};
use crate::source::{Batch, Facts, ParseContext, ProductTold, RawRecord, Rejected, SourceError, Understanding};
use crate::sources;
use crate::tabular::{CellErrors, TabularError};

/// What a file tells.
pub(super) struct Collected {
    pub file: String,
    pub understanding: Understanding,
    pub rows: u64,
    pub rejected: Vec<Rejected>,
    pub products: Vec<ProductTold>,
    pub days: Days,
    pub facts: CompactFacts,
}

/// First and last business day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Days {
    pub first: NaiveDate,
    pub last: NaiveDate,
}

pub(super) enum CompactFacts {
    Daily(Vec<DailyFact>),
    Orders(Orders),
}

/// A daily total; `product` indexes [`Collected::products`].
#[derive(Debug, Clone, Copy)]
pub(super) struct DailyFact {
    pub product: u32,
    pub day: NaiveDate,
    pub quantity: f64,
    pub revenue: Option<i64>,
    pub sold_out: bool,
}

/// Order lines; order numbers lie one after the other in `numbers`.
#[derive(Debug, Default)]
pub(super) struct Orders {
    numbers: String,
    pub lines: Vec<CompactLine>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct CompactLine {
    number: (usize, usize),
    pub product: u32,
    pub ordered_at: NaiveDateTime,
    pub day: NaiveDate,
    pub quantity: f64,
    pub unit_price: Option<i64>,
}

impl Orders {
    pub(super) fn number(&self, line: &CompactLine) -> &str {
        self.numbers.get(line.number.0..line.number.1).unwrap_or_default()
    }
}

/// Parses on a thread of its own: a large file is seconds of computing.
pub(super) async fn in_background(raw: RawRecord, context: ParseContext, progress: Progress) -> Result<Collected, IngestError> {
    tokio::task::spawn_blocking(move || collect(&raw, &context, &progress)).await.map_err(IngestError::Interrupted)?
}

fn collect(raw: &RawRecord, context: &ParseContext, progress: &Progress) -> Result<Collected, IngestError> {
    let sources = sources::all();
    let file = raw.contents.name().to_owned();
    let Some(source) = sources.find(SOURCE) else { return Err(TabularError::NoRows { file }.into()) };
    let mut batches = source.parse(raw, context)?;
    let mut gathering =
        Gathering { context: *context, rows: 0, rejected: Vec::new(), products: Products::default(), days: None, facts: None };
    while let Some(batch) = batches.next_batch()? {
        gathering.add(batch)?;
        progress(gathering.rows);
    }
    let Some((days, facts)) = gathering.days.zip(gathering.facts) else {
        let errors: Vec<_> = gathering.rejected.iter().map(|rejected| rejected.error.clone()).collect();
        return Err(if errors.is_empty() {
            TabularError::NoRows { file }.into()
        } else {
            IngestError::NothingGood { file, errors: CellErrors::new(&errors) }
        });
    };
    Ok(Collected {
        file,
        understanding: batches.understood().clone(),
        rows: gathering.rows,
        rejected: gathering.rejected,
        products: gathering.products.told,
        days,
        facts,
    })
}

struct Gathering {
    context: ParseContext,
    rows: u64,
    rejected: Vec<Rejected>,
    products: Products,
    days: Option<Days>,
    facts: Option<CompactFacts>,
}

impl Gathering {
    fn add(&mut self, batch: Batch) -> Result<(), SourceError> {
        self.rows += batch.rows;
        self.rejected.extend(batch.rejected);
        self.products.tell(batch.products);
        match batch.facts {
            Facts::DailySales(totals) => totals.into_iter().for_each(|total| self.add_total(&total)),
            Facts::OrderLines(lines) => lines.into_iter().for_each(|line| self.add_line(&line)),
            // No sales file tells of these.
            _ => {}
        }
        Ok(())
    }

    fn add_total(&mut self, total: &DailySales) {
        self.touch(total.business_date);
        let fact = DailyFact {
            product: self.products.number(&total.product),
            day: total.business_date,
            quantity: total.quantity,
            revenue: total.revenue.map(|revenue| revenue.0),
            sold_out: total.sold_out,
        };
        if let CompactFacts::Daily(facts) = self.facts.get_or_insert_with(|| CompactFacts::Daily(Vec::new())) {
            facts.push(fact);
        }
    }

    fn add_line(&mut self, line: &OrderLine) {
        let day = self.context.calendar.business_day_of_local(line.ordered_at);
        self.touch(day);
        let product = self.products.number(&line.product);
        if let CompactFacts::Orders(orders) = self.facts.get_or_insert_with(|| CompactFacts::Orders(Orders::default())) {
            let start = orders.numbers.len();
            orders.numbers.push_str(&line.order);
            orders.lines.push(CompactLine {
                number: (start, orders.numbers.len()),
                product,
                ordered_at: line.ordered_at,
                day,
                quantity: line.quantity,
                unit_price: line.unit_price.map(|price| price.0),
            });
        }
    }

    fn touch(&mut self, day: NaiveDate) {
        let days = self.days.get_or_insert(Days { first: day, last: day });
        days.first = days.first.min(day);
        days.last = days.last.max(day);
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
