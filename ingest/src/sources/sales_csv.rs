//! Sales of one store from a file: daily totals, sales lines with a time, or order lines with their order's number.

use chrono::TimeDelta;

use crate::feed::{History, Terms};
use crate::sales_csv::{SalesCsvOptions, SalesRows};
use crate::source::{Batches, ParseContext, RawRecord, Source, SourceError};

/// Rows in a batch.
const CHUNK: usize = 1 << 16;

struct SalesCsv;

pub(super) fn source() -> impl Source {
    SalesCsv
}

impl Source for SalesCsv {
    fn name(&self) -> &'static str {
        crate::sales_csv::SOURCE
    }

    fn about(&self) -> &'static str {
        "A sales export: order lines or daily totals"
    }

    fn terms(&self) -> Terms {
        Terms {
            window_days: 1,
            lookback_days: 0,
            freshness: TimeDelta::hours(36),
            history: History::Landed,
            is_steady: false,
            attribution: "",
            scope_is: "store",
        }
    }

    fn parse(&self, raw: &RawRecord, context: &ParseContext) -> Result<Box<dyn Batches>, SourceError> {
        let options: SalesCsvOptions = serde_json::from_value(raw.parameters.clone())
            .map_err(|source| SourceError::Parameters { file: raw.contents.name().to_owned(), source })?;
        Ok(Box::new(SalesRows::open(raw, context.calendar, options, CHUNK)?))
    }
}
