//! `viralcast export predictions`

use std::path::PathBuf;

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
}

impl Arguments {
    pub fn run(self, global: &Global) -> anyhow::Result<()> {
        let What::Predictions { store, from, days, output } = self.what;
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
