//! `viralcast ingest sales_csv FILE`, `viralcast ingest status`

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Subcommand;
use ingest::sales_csv::{self, ColumnMap, Destination, Report, SalesCsvOptions};
use ingest::tabular::{DateFormat, Decimal, Locale};
use platform::db::quarantined_rows::count_quarantined_rows;
use platform::db::stores::{StoreRow, list_stores};
use platform::db::watermarks::list_watermarks;
use serde_json::json;

use crate::context::{Context, Global, with_context};
use crate::progress;
use crate::table::table;

/// Bring the outside world into the database, one window now
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: viralcast ingest sales_csv penjualan.csv --store warung-sari --map ds=Tanggal,y=Jumlah --dry-run")]
pub struct Arguments {
    #[command(subcommand)]
    source: Source,
}

#[derive(Debug, Subcommand)]
enum Source {
    /// A sales export: order lines or daily totals, CSV or Parquet
    #[command(name = "sales_csv")]
    SalesCsv(SalesCsv),
    /// How far each source is complete, and what waits in quarantine
    Status,
}

#[derive(Debug, clap::Args)]
struct SalesCsv {
    file: PathBuf,
    /// Store (slug or id)
    #[arg(long)]
    store: String,
    /// Columns by the part they play: ds, product, y, and where present order, price, revenue, category, sold_out
    #[arg(long, value_name = "PART=COLUMN,...")]
    map: Option<ColumnMap>,
    /// How dates are written, if the column leaves it open: iso, dd/mm/yyyy, mm/dd/yyyy
    #[arg(long, value_name = "FORMAT")]
    date_format: Option<DateFormat>,
    /// Decimal sign, if the columns leave it open: point or comma
    #[arg(long, value_name = "SIGN")]
    decimal: Option<Decimal>,
    /// Add up rows of one product and day instead of keeping the first
    #[arg(long)]
    sum_duplicates: bool,
    /// Read and report, write nothing
    #[arg(long)]
    dry_run: bool,
}

impl Arguments {
    pub fn run(self, global: &Global) -> anyhow::Result<()> {
        match self.source {
            Source::SalesCsv(command) => with_context(global, async |context| {
                let store = context.store(&command.store).await?;
                let options = SalesCsvOptions {
                    map: command.map.clone().unwrap_or_default(),
                    locale: Locale { dates: command.date_format, decimal: command.decimal },
                    sum_duplicates: command.sum_duplicates,
                };
                let report = load(&context, &store, &command.file, &options, command.dry_run).await?;
                if context.json {
                    println!("{}", serde_json::to_string_pretty(&report)?);
                } else {
                    println!("{report}");
                }
                Ok(())
            }),
            Source::Status => with_context(global, async |context| status(&context).await),
        }
    }
}

/// Loads a file with its columns named, and says in one line what came of it.
pub async fn ingest_file(context: &Context, store: &StoreRow, file: &Path, map: Vec<(String, String)>) -> anyhow::Result<()> {
    let text = map.iter().map(|(part, column)| format!("{part}={column}")).collect::<Vec<_>>().join(",");
    let map = text.parse().map_err(|error: String| anyhow::anyhow!(error))?;
    let report = load(context, store, file, &SalesCsvOptions { map, ..SalesCsvOptions::default() }, false).await?;
    let news = if report.changed_nothing() { "nothing new".to_owned() } else { format!("{} rows", report.rows_good) };
    eprintln!("{}: {news}, {} to {}, {} quarantined", store.slug, report.first_day, report.last_day, report.quarantined);
    Ok(())
}

async fn load(context: &Context, store: &StoreRow, file: &Path, options: &SalesCsvOptions, dry_run: bool) -> anyhow::Result<Report> {
    let bar = progress::bar(0, format!("reading {}", file.display()));
    let (shown, name) = (bar.clone(), file.display().to_string());
    let told: sales_csv::Progress = Arc::new(move |rows| shown.set_message(format!("reading {name}: {rows} rows")));
    let (pool, clock) = (context.db.work(), context.clock.as_ref());
    let result = if dry_run {
        sales_csv::dry_run(pool, clock, store, file, options, told).await
    } else {
        let objects = context.objects()?;
        sales_csv::run(Destination { pool, objects: &objects, clock }, store, file, options, told).await
    };
    bar.finish_and_clear();
    Ok(result?)
}

async fn status(context: &Context) -> anyhow::Result<()> {
    let pool = context.db.work();
    let (watermarks, now) = (list_watermarks(pool).await?, context.clock.now());
    let slugs: HashMap<String, String> = list_stores(pool, true).await?.into_iter().map(|store| (store.id.to_string(), store.slug)).collect();
    let mut rows = Vec::new();
    for watermark in &watermarks {
        let quarantined = count_quarantined_rows(pool, &watermark.source).await?;
        rows.push((watermark, (now - watermark.complete_until).num_hours(), quarantined));
    }
    if context.json {
        let rows: Vec<_> = rows
            .iter()
            .map(|(mark, age, quarantined)| json!({ "source": mark.source, "scope": mark.scope, "watermark": mark.complete_until, "age_hours": age, "quarantined": quarantined }))
            .collect();
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    let rows = rows.iter().map(|(mark, age, quarantined)| {
        vec![
            mark.source.clone(),
            mark.scope.clone(),
            mark.complete_until.format("%Y-%m-%d %H:%MZ").to_string(),
            format!("{age} h"),
            quarantined.to_string(),
        ]
    });
    println!("{}", table(&["source", "scope", "complete until", "age", "quarantined (source)"], 3.., rows));
    Ok(())
}
