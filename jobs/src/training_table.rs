//! Kept feature matrices beside what was sold then: what a model may learn from, and what it should have said.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use domain::frequency::days_since_epoch;
use ingest::tabular::{Column, ColumnData, Data, Origin, Table, read_origin};
use platform::db::feature_matrices::feature_matrices;
use platform::db::sales_daily::sales_facts;
use platform::db::stockout_events::list_stockouts;
use platform::db::stores::StoreRow;
use uuid::Uuid;

use crate::nightly::{NightError, Nightly};

/// The matrices of the business days `[first_day, end_day)`, one below the other: `business_date` (of the night), `product_id`, `unique_id`,
/// `category`, `date` (that is predicted), `step`, `lead`, `y` (selling units that were sold on it as known now: 0 where the store sold something and nothing is told
/// of the product, null where it sold nothing), `is_lower_bound` (it ran out), then every feature that any of these nights saw, null where one did
/// not. Empty where no matrix is kept.
///
/// # Errors
/// [`NightError`].
pub async fn training_table(
    nightly: &Nightly,
    store: &StoreRow,
    first_day: NaiveDate,
    end_day: NaiveDate,
) -> Result<Vec<(String, ColumnData)>, NightError> {
    let mut below = Below::default();
    for matrix in feature_matrices(&nightly.work, store.id, first_day, end_day).await? {
        let bytes = nightly.objects.get(&matrix.object_key.parse()?).await?;
        let table = read_origin(&Origin::memory(&format!("features of {}.parquet", matrix.business_date), bytes));
        below.add(matrix.business_date, table.map_err(|source| NightError::Table { store: store.slug.clone(), source })?);
    }
    let (Some(&first), Some(&last)) = (below.dates.iter().min(), below.dates.iter().max()) else { return Ok(Vec::new()) };
    let sold = Sold::between(nightly, store, first, last).await?;
    Ok(below.columns(&sold))
}

/// What is known now of some days.
#[derive(Default)]
struct Sold {
    units: HashMap<(Uuid, NaiveDate), f64>,
    /// On which the store sold something.
    open: HashSet<NaiveDate>,
    ran_out: HashSet<(Uuid, NaiveDate)>,
}

impl Sold {
    /// Of versions the last one counts.
    async fn between(nightly: &Nightly, store: &StoreRow, first: NaiveDate, last: NaiveDate) -> Result<Self, NightError> {
        let now = nightly.clock.now();
        let mut sold = Self::default();
        for fact in sales_facts(&nightly.work, store.id, first, last, now).await? {
            let at = (fact.product_id, fact.business_date);
            sold.units.insert(at, fact.quantity);
            if fact.is_sold_out {
                sold.ran_out.insert(at)
            } else {
                sold.ran_out.remove(&at)
            };
        }
        sold.open = sold.units.iter().filter(|(_, units)| **units > 0.0).map(|((_, day), _)| *day).collect();
        let stockouts = list_stockouts(&nightly.work, store.id, first, last, now).await?;
        sold.ran_out.extend(stockouts.into_iter().map(|stockout| (stockout.product_id, stockout.business_date)));
        Ok(sold)
    }

    fn of(&self, product: Uuid, day: NaiveDate) -> f64 {
        let silence = if self.open.contains(&day) { 0.0 } else { f64::NAN };
        self.units.get(&(product, day)).copied().unwrap_or(silence)
    }
}

#[derive(Default)]
struct Below {
    nights: Vec<i32>,
    products: Vec<String>,
    names: Vec<String>,
    categories: Vec<String>,
    dates: Vec<NaiveDate>,
    steps: Vec<i64>,
    leads: Vec<i64>,
    features: Vec<(String, Vec<f64>)>,
}

impl Below {
    fn add(&mut self, night: NaiveDate, table: Table) {
        let above = self.dates.len();
        for Column { name, data } in table.columns {
            match (name.as_str(), data) {
                ("product_id", Data::Text(texts)) => self.products.extend((0..texts.len()).map(|row| texts.get(row).to_owned())),
                ("unique_id", Data::Text(texts)) => self.names.extend((0..texts.len()).map(|row| texts.get(row).to_owned())),
                ("category", Data::Text(texts)) => self.categories.extend((0..texts.len()).map(|row| texts.get(row).to_owned())),
                ("date", Data::Stamps(dates)) => self.dates.extend(dates.iter().map(|date| date.map_or(night, |date| date.wall.date()))),
                ("step", Data::Integers(steps)) => self.steps.extend(steps.into_iter().map(Option::unwrap_or_default)),
                ("lead", Data::Integers(leads)) => self.leads.extend(leads.into_iter().map(Option::unwrap_or_default)),
                (_, Data::Numbers(values)) => {
                    let place = self.place(&name);
                    self.features[place].1.resize(above, f64::NAN);
                    self.features[place].1.extend(values.into_iter().map(|value| value.unwrap_or(f64::NAN)));
                }
                // Nothing else is written.
                _ => {}
            }
        }
        self.nights.resize(self.dates.len(), day(night));
    }

    fn place(&mut self, name: &str) -> usize {
        self.features.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            self.features.push((name.to_owned(), Vec::new()));
            self.features.len() - 1
        })
    }

    fn columns(self, sold: &Sold) -> Vec<(String, ColumnData)> {
        let rows = self.dates.len();
        let of = || self.products.iter().map(|product| product.parse().unwrap_or_default()).zip(self.dates.iter().copied());
        let y = of().map(|(product, day)| sold.of(product, day)).collect();
        let ran_out = of().map(|at| sold.ran_out.contains(&at)).collect();
        let text = |texts: &[String]| ColumnData::text(texts.iter().map(String::as_str));
        let mut columns = vec![
            ("business_date".to_owned(), ColumnData::Date(self.nights)),
            ("product_id".to_owned(), text(&self.products)),
            ("unique_id".to_owned(), text(&self.names)),
            ("category".to_owned(), text(&self.categories)),
            ("date".to_owned(), ColumnData::Date(self.dates.iter().copied().map(day).collect())),
            ("step".to_owned(), ColumnData::Int64(self.steps)),
            ("lead".to_owned(), ColumnData::Int64(self.leads)),
            ("y".to_owned(), ColumnData::Float64(y)),
            ("is_lower_bound".to_owned(), ColumnData::Bool(ran_out)),
        ];
        for (name, mut values) in self.features {
            values.resize(rows, f64::NAN);
            columns.push((name, ColumnData::Float64(values)));
        }
        columns
    }
}

fn day(date: NaiveDate) -> i32 {
    i32::try_from(days_since_epoch(date)).unwrap_or_default()
}
