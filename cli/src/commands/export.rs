//! `viralcast export predictions | features`

use std::path::{Path, PathBuf};

use chrono::{Days, NaiveDate};
use clap::Subcommand;
use domain::frequency::days_since_epoch;
use domain::quantile;
use ingest::tabular::ColumnData;
use platform::db::forecasts::{ForecastRow, published_forecasts};

use crate::context::{Global, with_context};
use crate::failure::Failure;

/// Write published results to a file
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: viralcast export predictions --store warung-imas --output predictions.csv")]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Published forecasts with their quantiles
    Predictions {
        /// One store (slug or id) instead of all
        #[arg(long)]
        store: Option<String>,
        /// First day; without it each store's own today
        #[arg(long, value_name = "YYYY-MM-DD")]
        from: Option<NaiveDate>,
        /// Days
        #[arg(long, default_value_t = 14)]
        days: u16,
        /// *.csv or *.parquet
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
    },
    /// What models saw of a store on the eve of each day, beside what was sold then: made by `backfill start features`
    Features {
        /// Slug or id
        #[arg(long)]
        store: String,
        /// First business day that was forecast for
        #[arg(long, value_name = "YYYY-MM-DD")]
        from: NaiveDate,
        /// Last one
        #[arg(long, value_name = "YYYY-MM-DD")]
        to: NaiveDate,
        /// *.csv or *.parquet
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
    },
}

impl Arguments {
    pub fn run(self, global: &Global) -> anyhow::Result<()> {
        let (store, from, days, output) = match self.what {
            What::Predictions { store, from, days, output } => (store, from, days, output),
            What::Features { store, from, to, output } => return features(global, &store, from, to, &output),
        };
        with_context(global, async |context| {
            let mut rows: Vec<(String, ForecastRow)> = Vec::new();
            for store in context.stores(store.as_deref()).await? {
                let first = match from {
                    Some(first) => first,
                    None => context.business_day(&store)?,
                };
                let last = first.checked_add_days(Days::new(u64::from(days.max(1)) - 1)).unwrap_or(first);
                let published = published_forecasts(context.db.work(), store.id, None, first, last).await?;
                rows.extend(published.into_iter().map(|row| (store.slug.clone(), row)));
            }
            if rows.is_empty() {
                return Err(Failure::with_hint(
                    "nothing is published for these days",
                    "run viralcast run nightly, or ask for other days with --from",
                ));
            }
            super::forecast::write(&output, &columns(&rows))
        })
    }
}

fn features(global: &Global, store: &str, first: NaiveDate, last: NaiveDate, output: &Path) -> anyhow::Result<()> {
    let end = last.succ_opt().unwrap_or(last);
    with_context(global, async |context| {
        let store = context.store(store).await?;
        let table = jobs::training_table(&context.nightly()?, &store, first, end).await?;
        if table.is_empty() {
            return Err(Failure::with_hint(
                "no features are kept of these days",
                format!("make them: viralcast backfill start features --store {} --from {first} --to {last}", store.slug),
            ));
        }
        let (names, data): (Vec<String>, Vec<ColumnData>) = table.into_iter().unzip();
        let columns: Vec<(&str, ColumnData)> = names.iter().map(String::as_str).zip(data).collect();
        super::forecast::write(output, &columns)
    })
}

fn columns(rows: &[(String, ForecastRow)]) -> Vec<(&'static str, ColumnData)> {
    let day = |row: &ForecastRow| i32::try_from(days_since_epoch(row.target_date)).unwrap_or(0);
    let mut columns = vec![
        ("store", ColumnData::text(rows.iter().map(|(store, _)| store.as_str()))),
        ("type", ColumnData::text(rows.iter().map(|(_, row)| row.target_kind.as_str()))),
        ("item", ColumnData::text(rows.iter().map(|(_, row)| row.target_item.as_str()))),
        ("date", ColumnData::Date(rows.iter().map(|(_, row)| day(row)).collect())),
        ("chosen", ColumnData::text(rows.iter().map(|(_, row)| row.chosen.as_str()))),
        ("rung", ColumnData::text(rows.iter().map(|(_, row)| row.rung.as_str()))),
        ("confidence", ColumnData::Float64(rows.iter().map(|(_, row)| row.confidence_score).collect())),
        ("yhat", ColumnData::Float64(rows.iter().map(|(_, row)| row.yhat).collect())),
    ];
    for (level, name) in quantile::NAMES.into_iter().enumerate() {
        columns.push((name, ColumnData::Float64(rows.iter().map(|(_, row)| row.quantiles[level]).collect())));
    }
    columns
}
