//! Writes a world as files: what an owner and the outside would hand over, and `truth/` beside it.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use serde::Serialize;

use super::definition::{Export, Store};
use super::effects::FACTORS;
use super::error::WorldError;
use super::rows::SalesLine;
use super::simulate::SimulatedWorld;

type Cause = Box<dyn std::error::Error + Send + Sync>;

impl SimulatedWorld {
    /// Name of a store's sales export.
    pub fn sales_file(store: &Store) -> String {
        format!("sales_{}.csv", store.slug)
    }

    /// Writes every file into `folder`, which is created. The same world gives the same bytes.
    ///
    /// # Errors
    /// [`WorldError::Write`] naming the file that could not be written.
    pub fn write(&self, folder: &Path) -> Result<(), WorldError> {
        let truth = folder.join("truth");
        fs::create_dir_all(&truth).map_err(|error| failed(&truth, error.into()))?;
        for (store, lines) in self.definition.stores.iter().zip(&self.sales) {
            create(&folder.join(Self::sales_file(store)), |file| write_sales(file, store, lines))?;
        }
        create(&folder.join("weather_actual.csv"), |file| table(file, &self.weather_actual))?;
        create(&folder.join("weather_forecasts.csv"), |file| table(file, &self.weather_forecasts))?;
        create(&folder.join("calendar.csv"), |file| table(file, &self.calendar))?;
        create(&folder.join("promos.csv"), |file| table(file, &self.promos))?;
        create(&folder.join("prices.csv"), |file| table(file, &self.prices))?;
        create(&folder.join("market_prices.csv"), |file| table(file, &self.market_prices))?;
        create(&folder.join("news_signals.csv"), |file| table(file, &self.news_signals))?;
        create(&folder.join("stockouts.csv"), |file| table(file, &self.stockouts))?;
        create(&truth.join("effects.csv"), |file| self.write_effects(file))?;
        create(&truth.join("effects.json"), |file| self.write_parameters(file))?;
        create(&folder.join("SYNTHETIC.txt"), |file| Ok(file.write_all(self.notice().as_bytes())?))
    }

    fn notice(&self) -> String {
        format!(
            "SYNTHETIC DATA. None of this happened.\n\n\
             Three invented shops, simulated by viralcast (standin::world) with seed {} as seen on the morning of {}:\n\
             {} orders with {} lines on business days from {} to {}.\n\
             Holidays are real dates; shops, products, prices, weather, forecasts and news are made up.\n\
             truth/ holds the effects that made the data. Models must never read it.\n",
            self.seed,
            self.today,
            self.order_count(),
            self.line_count(),
            self.first_day,
            self.last_day
        )
    }

    fn write_effects(&self, file: &mut dyn Write) -> Result<(), Cause> {
        let factors = FACTORS.join(",");
        writeln!(file, "store,product,business_day,base,{factors},open,expected,demand,prepared,sales")?;
        for row in &self.truth.rows {
            let store = &self.definition.stores[usize::from(row.store)];
            let product = quoted(&store.products[usize::from(row.product)].name);
            write!(file, "{},{product},{},{:.6}", store.slug, row.business_day, row.base)?;
            for factor in row.factors {
                write!(file, ",{factor:.6}")?;
            }
            let prepared = row.prepared.map(|units| units.to_string()).unwrap_or_default();
            writeln!(file, ",{},{:.6},{},{prepared},{}", u8::from(row.open), row.expected, row.demand, row.sales)?;
        }
        Ok(())
    }

    fn write_parameters(&self, file: &mut dyn Write) -> Result<(), Cause> {
        let stores = self.definition.stores.iter().map(|store| {
            serde_json::json!({
                "store": store.slug, "weekday": store.weekday, "observance": {
                    "ramadan": store.observance.ramadan, "lebaran": store.observance.lebaran, "christmas": store.observance.christmas,
                },
            })
        });
        let parameters = serde_json::json!({
            "synthetic": true,
            "seed": self.seed,
            "today": self.today,
            "after_lebaran": self.definition.after_lebaran,
            "factors": FACTORS,
            "stores": stores.collect::<Vec<_>>(),
            "products": self.truth.products,
            "spikes": self.truth.spikes,
        });
        serde_json::to_writer_pretty(&mut *file, &parameters)?;
        Ok(writeln!(file)?)
    }
}

/// One store's sales in the dialect of its owner's till.
fn write_sales(file: &mut dyn Write, store: &Store, lines: &[SalesLine]) -> Result<(), Cause> {
    let export = &store.export;
    if export.byte_order_mark {
        file.write_all("\u{feff}".as_bytes())?;
    }
    let mut writer = csv::WriterBuilder::new().delimiter(u8::try_from(export.delimiter)?).from_writer(file);
    writer.write_record(export.columns.pairs().map(|(_, header)| header))?;
    for order in lines.chunk_by(|a, b| (a.business_day, a.order) == (b.business_day, b.order)) {
        let (id, time) = (order_id(store, &order[0]), order[0].ordered_at.format(&export.datetime).to_string());
        for line in order {
            let product = &store.products[usize::from(line.product)];
            let quantity = number(export, i64::from(line.quantity));
            let price = number(export, line.unit_price);
            let channel = &store.channels[usize::from(line.channel)].0;
            writer.write_record([&id, &time, &product.name, &product.category, &quantity, &price, channel])?;
        }
    }
    Ok(writer.flush()?)
}

/// `IMS-261122-0042`: prefix, business day, number within it.
pub(crate) fn order_id(store: &Store, line: &SalesLine) -> String {
    format!("{}-{}-{:04}", store.order_prefix, line.business_day.format("%y%m%d"), line.order)
}

fn number(export: &Export, value: i64) -> String {
    if export.decimal_comma { format!("{value},00") } else { value.to_string() }
}

/// Names of the definition hold no quotes; those with a comma ("Air Mineral 1,5 L") are quoted.
fn quoted(field: &str) -> Cow<'_, str> {
    if field.contains(',') { format!("\"{field}\"").into() } else { field.into() }
}

fn table<T: Serialize>(file: &mut dyn Write, rows: &[T]) -> Result<(), Cause> {
    let mut writer = csv::Writer::from_writer(file);
    for row in rows {
        writer.serialize(row)?;
    }
    Ok(writer.flush()?)
}

fn create(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<(), Cause>) -> Result<(), WorldError> {
    let file = File::create(path).map_err(|error| failed(path, error.into()))?;
    let mut buffer = BufWriter::with_capacity(1 << 18, file);
    write(&mut buffer).map_err(|error| failed(path, error))?;
    buffer.flush().map_err(|error| failed(path, error.into()))
}

fn failed(path: &Path, source: Cause) -> WorldError {
    WorldError::Write { path: path.to_owned(), source }
}
