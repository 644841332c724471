//! The second reading of a sales file: rows into facts, bad rows apart.

use std::borrow::Cow;
use std::collections::HashMap;

use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeDelta};
use domain::Idr;
use domain::facts::{DailySales, OrderLine};
use domain::time::BusinessCalendar;

use super::columns::Part;
use super::options::SalesCsvOptions;
use super::survey::{Level, Survey};
use crate::source::{Batch, Batches, Facts, ProductTold, RawRecord, Rejected, SourceError, Understanding};
use crate::tabular::{CellError, ColumnRef, Data, Reader, Stamp, Table, TabularError, Values, dates};

/// A sales file, batch by batch.
pub struct SalesRows {
    survey: Survey,
    reader: Reader,
    calendar: BusinessCalendar,
    chunk: usize,
    sum_duplicates: bool,
    /// A year from now: later dates are slips of the pen.
    horizon: NaiveDate,
    /// Numbers of the products met so far.
    products: HashMap<String, u32>,
    /// First row of each product and day.
    told: HashMap<(u32, NaiveDate), u64>,
}

/// Far more than anybody sells, and far less than what the schema holds, numeric(14,3): many are added up.
const MOST: f64 = 1e9;
/// The same of rupiah, of which the schema holds 2^63.
const MOST_RUPIAH: f64 = 1e13;

impl SalesRows {
    /// Reads the file once to learn how it is written.
    ///
    /// # Errors
    /// [`SourceError`] when columns or formats cannot be told.
    pub fn open(raw: &RawRecord, calendar: BusinessCalendar, options: SalesCsvOptions, chunk: usize) -> Result<Self, SourceError> {
        let survey = Survey::of(&raw.contents, &options, chunk)?;
        let horizon = raw.fetched_at.date_naive().checked_add_signed(TimeDelta::days(366)).unwrap_or(NaiveDate::MAX);
        Ok(Self {
            survey,
            reader: Reader::open(&raw.contents)?,
            calendar,
            chunk,
            sum_duplicates: options.sum_duplicates,
            horizon,
            products: HashMap::new(),
            told: HashMap::new(),
        })
    }
}

impl Batches for SalesRows {
    fn understood(&self) -> &Understanding {
        &self.survey.understanding
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, SourceError> {
        let Some(table) = self.reader.next(self.chunk)? else { return Ok(None) };
        let cells = Cells::of(&table, &self.survey)?;
        let mut rejected: Vec<Rejected> = table.malformed.iter().map(|error| Rejected { error: error.clone(), row_text: None }).collect();
        let mut products: HashMap<Cow<'_, str>, ProductTold> = HashMap::new();
        let mut facts = if self.survey.level == Level::Orders { Facts::OrderLines(Vec::new()) } else { Facts::DailySales(Vec::new()) };
        for index in 0..table.len() {
            match self.row(&table, &cells, index, &mut facts) {
                Ok(()) => cells.tell_product(index, &mut products),
                Err(error) => rejected.push(Rejected { row_text: Some(row_text(&table, index)), error }),
            }
        }
        rejected.sort_by_key(|rejected| rejected.error.row);
        let mut products: Vec<ProductTold> = products.into_values().collect();
        products.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Some(Batch { rows: (table.len() + table.malformed.len()) as u64, facts, products, villages: Vec::new(), rejected }))
    }
}

impl SalesRows {
    fn row(&mut self, table: &Table, cells: &Cells<'_>, index: usize, facts: &mut Facts) -> Result<(), CellError> {
        let wall = cells.wall(index, self.calendar)?;
        let day = self.calendar.business_day_of_local(wall);
        if !(1970..).contains(&day.year()) || day > self.horizon {
            return Err(cells.ds.cell_error(index, "is no day of a sale that has happened"));
        }
        let product = cells.product_name(index)?;
        let quantity = cells.quantity(index)?;
        let unit_price = cells.amount(index, Part::Price)?;
        let revenue = cells.amount(index, Part::Revenue)?;
        let sold_out = cells.is_sold_out(index)?;
        if unit_price.is_some_and(|price| price.0 as f64 * quantity > MOST_RUPIAH) {
            return Err(cells.y.cell_error(index, "is too large for its price"));
        }
        match facts {
            Facts::OrderLines(lines) => lines.push(OrderLine {
                order: cells.order(index, quantity)?,
                ordered_at: wall,
                product: product.into_owned(),
                category: cells.category(index),
                quantity,
                unit_price: unit_price.or_else(|| revenue.map(|total| Idr((total.0 as f64 / quantity).round() as i64))),
            }),
            Facts::DailySales(totals) => {
                self.refuse_repetition(table, cells, index, &product, day)?;
                let revenue = revenue.or_else(|| unit_price.map(|price| price.times(quantity)));
                totals.push(DailySales { product: product.into_owned(), business_date: day, quantity, revenue, sold_out });
            }
            _ => {}
        }
        Ok(())
    }

    /// A total may be told once; lines are meant to add up.
    fn refuse_repetition(
        &mut self,
        table: &Table,
        cells: &Cells<'_>,
        index: usize,
        product: &str,
        day: NaiveDate,
    ) -> Result<(), CellError> {
        if self.sum_duplicates || self.survey.level == Level::Lines {
            return Ok(());
        }
        let count = u32::try_from(self.products.len()).unwrap_or(u32::MAX);
        let number = match self.products.get(product) {
            Some(number) => *number,
            None => *self.products.entry(product.to_owned()).or_insert(count),
        };
        let row = table.rows[index];
        let first = *self.told.entry((number, day)).or_insert(row);
        if first == row { Ok(()) } else { Err(cells.product.cell_error(index, format!("has a total for {day} already, in row {first}"))) }
    }
}

/// The columns of a chunk, typed.
struct Cells<'a> {
    ds: ColumnRef<'a>,
    stamps: Read<Stamp>,
    timed: bool,
    time: Option<ColumnRef<'a>>,
    product: ColumnRef<'a>,
    y: ColumnRef<'a>,
    quantities: Read<f64>,
    price: Option<(ColumnRef<'a>, Read<f64>)>,
    revenue: Option<(ColumnRef<'a>, Read<f64>)>,
    order: Option<ColumnRef<'a>>,
    category: Option<ColumnRef<'a>>,
    sold_out: Option<(ColumnRef<'a>, Read<bool>)>,
}

/// Values with their errors by row of the table.
struct Read<T> {
    values: Vec<Option<T>>,
    errors: HashMap<u64, CellError>,
}

impl<T: Copy> Read<T> {
    fn new(values: Values<T>) -> Self {
        Self { values: values.values, errors: values.errors.into_iter().map(|error| (error.row, error)).collect() }
    }

    /// The value, `None` where the cell is empty.
    fn get(&self, column: ColumnRef<'_>, index: usize) -> Result<Option<T>, CellError> {
        match self.values.get(index).copied().flatten() {
            None if !self.errors.is_empty() => match self.errors.get(&column.table.rows[index]) {
                Some(error) => Err(error.clone()),
                None => Ok(None),
            },
            value => Ok(value),
        }
    }
}

impl<'a> Cells<'a> {
    fn of(table: &'a Table, survey: &Survey) -> Result<Self, TabularError> {
        let column = |part| survey.columns.get(part).map(|name| table.column(name)).transpose();
        let needed = |part: Part| table.column(survey.columns.get(part).unwrap_or(part.name()));
        let (ds, y) = (needed(Part::Ds)?, needed(Part::Y)?);
        Ok(Self {
            ds,
            stamps: Read::new(ds.dates_as(survey.dates)),
            timed: survey.timed,
            time: column(Part::Time)?,
            product: needed(Part::Product)?,
            y,
            quantities: Read::new(y.numbers_as(survey.quantity)),
            price: column(Part::Price)?.map(|column| (column, Read::new(column.numbers_as(survey.price)))),
            revenue: column(Part::Revenue)?.map(|column| (column, Read::new(column.numbers_as(survey.revenue)))),
            order: column(Part::Order)?,
            category: column(Part::Category)?,
            sold_out: column(Part::SoldOut)?.map(|column| (column, Read::new(column.flags()))),
        })
    }

    /// Wall-clock time in the store's zone; a day without a time of day is its business day from the start.
    fn wall(&self, index: usize, calendar: BusinessCalendar) -> Result<NaiveDateTime, CellError> {
        let Some(stamp) = self.stamps.get(self.ds, index)? else {
            return Err(self.ds.cell_error(index, "is empty, so the sale has no day"));
        };
        if let Some(time) = self.time {
            let text = time.text(index);
            let at = dates::parse(&format!("{} {text}", stamp.wall.date()), dates::DateFormat::ISO);
            return at.filter(|at| at.timed).map(|at| at.wall).ok_or_else(|| time.cell_error(index, "is not a time of day"));
        }
        // Parquet does not tell midnight from a plain date; in a column with times it is midnight.
        let has_time = self.timed && (stamp.timed || matches!(self.ds.column.data, Data::Stamps(_)));
        if has_time { Ok(stamp.local(calendar.time_zone)) } else { Ok(stamp.wall.date().and_time(calendar.cutoff)) }
    }

    fn product_name(&self, index: usize) -> Result<Cow<'a, str>, CellError> {
        let name = self.product.text(index);
        match &*name {
            "" => Err(self.product.cell_error(index, "is empty, so the sale has no product")),
            name if name.len() > 500 => Err(self.product.cell_error(index, "is longer than 500 bytes")),
            name if name.contains('\0') => Err(self.product.cell_error(index, "has a NUL character")),
            _ => Ok(name),
        }
    }

    fn quantity(&self, index: usize) -> Result<f64, CellError> {
        match self.quantities.get(self.y, index)? {
            None => Err(self.y.cell_error(index, "is empty, so nothing is known of the sale")),
            Some(quantity) if quantity < 0.0 => Err(self.y.cell_error(index, "is negative; returns are not sales")),
            Some(quantity) if quantity > MOST => Err(self.y.cell_error(index, "is too large")),
            Some(quantity) => Ok(quantity),
        }
    }

    fn amount(&self, index: usize, part: Part) -> Result<Option<Idr>, CellError> {
        let Some((column, values)) = (if part == Part::Price { &self.price } else { &self.revenue }) else { return Ok(None) };
        match values.get(*column, index)? {
            None => Ok(None),
            Some(amount) if amount < 0.0 => Err(column.cell_error(index, "is negative")),
            Some(amount) if amount > MOST_RUPIAH => Err(column.cell_error(index, "is too large")),
            Some(amount) => Ok(Some(Idr(amount.round() as i64))),
        }
    }

    fn is_sold_out(&self, index: usize) -> Result<bool, CellError> {
        match &self.sold_out {
            Some((column, values)) => Ok(values.get(*column, index)?.unwrap_or(false)),
            None => Ok(false),
        }
    }

    fn order(&self, index: usize, quantity: f64) -> Result<String, CellError> {
        let order = self.order.map(|column| (column, column.text(index)));
        match order {
            Some((column, text)) if text.is_empty() => Err(column.cell_error(index, "is empty, so the line belongs to no order")),
            _ if quantity < 0.0005 => Err(self.y.cell_error(index, "is zero; an order line sells something")),
            Some((_, text)) => Ok(text.into_owned()),
            None => Ok(String::new()),
        }
    }

    fn category(&self, index: usize) -> Option<String> {
        self.category.map(|column| column.text(index).into_owned()).filter(|text| !text.is_empty())
    }

    /// Adds the row's product to what the batch tells of products; the last price counts.
    fn tell_product(&self, index: usize, products: &mut HashMap<Cow<'a, str>, ProductTold>) {
        let name = self.product.text(index);
        let price = self.amount(index, Part::Price).ok().flatten().map(|price| price.0);
        if let Some(told) = products.get_mut(&name) {
            told.price = price.or(told.price);
            return;
        }
        let told = ProductTold { name: name.clone().into_owned(), category: self.category(index), price };
        products.insert(name, told);
    }
}

/// The row as it stood, in the order of the columns.
fn row_text(table: &Table, index: usize) -> String {
    let delimiter = table.dialect.as_ref().map_or(',', |dialect| char::from(dialect.delimiter));
    let cells: Vec<Cow<'_, str>> = table.columns.iter().map(|column| ColumnRef { table, column }.text(index)).collect();
    cells.join(&delimiter.to_string())
}
