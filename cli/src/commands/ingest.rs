//! `viralcast ingest sales_csv FILE`, `ingest SOURCE [FILE]`, `ingest reparse SOURCE`, `ingest status`

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use chrono::{DateTime, NaiveDate, Utc};
use clap::{Args as _, Subcommand};
use ingest::feed::Days;
use ingest::sales_csv::{self, ColumnMap, Destination, Report, SalesCsvOptions};
use ingest::sales_files::take_sales_files;
use ingest::sources::{self, Sources};
use ingest::tabular::{DateFormat, Decimal, Locale};
use ingest::take::{Taken, reparse, take, take_file};
use platform::config::SourcesConfig;
use platform::db::quarantined_rows::{count_quarantined_rows, dismiss_quarantined_rows, list_quarantined_rows};
use platform::db::quota_leases::quotas_in_use;
use platform::db::sales_files::{SalesFile, refused_sales_files};
use platform::db::source_breakers::{list_breakers, uncovered_scopes};
use platform::db::source_findings::list_findings;
use platform::db::stores::{StoreRow, list_stores};
use platform::db::watermarks::{Watermark, list_watermarks};
use platform::http::Quota;
use platform::objects::Place;
use serde::Serialize;
use serde_json::json;

use crate::context::{Context, Global, with_context};
use crate::failure::Failure;
use crate::progress;
use crate::table::table;
use comfy_table::Table;

/// Bring the outside world into the database, one window now
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: viralcast ingest sales_csv penjualan.csv --store warung-sari --map ds=Tanggal,y=Jumlah --dry-run")]
pub struct Arguments {
    #[command(subcommand)]
    source: Source,
}

#[derive(Debug)]
enum Source {
    Fixed(Fixed),
    /// A source that asks, or is handed files about a scope.
    Named(String, Window),
}

#[derive(Debug, Subcommand)]
enum Fixed {
    /// A sales export: order lines or daily totals, CSV or Parquet
    #[command(name = "sales_csv")]
    SalesCsv(SalesCsv),
    /// Sales files in the watched folder or bucket (sources.sales_files), all that are new or have changed
    #[command(name = "sales_files")]
    SalesFiles,
    /// Parse what has landed of a source once more, without asking anybody
    Reparse(Reparse),
    /// Rows that wait in quarantine, with the reasons
    Quarantine(Quarantine),
    /// How far each source is complete, what is left of quotas, what went wrong and what waits in quarantine
    Status,
}

/// A command for each registered source that asks, beside the fixed ones.
impl Subcommand for Source {
    fn augment_subcommands(command: clap::Command) -> clap::Command {
        let asking = sources::all();
        let asking = asking.iter().filter(|source| source.feed().is_some());
        let command = asking.fold(command, |command, source| {
            command.subcommand(Window::augment_args(clap::Command::new(source.name()).about(source.about())))
        });
        Fixed::augment_subcommands(command)
    }

    fn augment_subcommands_for_update(command: clap::Command) -> clap::Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        Fixed::has_subcommand(name) || sources::all().find(name).is_some()
    }
}

impl clap::FromArgMatches for Source {
    fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
        match matches.subcommand() {
            Some((name, window)) if !Fixed::has_subcommand(name) => Ok(Self::Named(name.to_owned(), Window::from_arg_matches(window)?)),
            _ => Fixed::from_arg_matches(matches).map(Self::Fixed),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[derive(Debug, clap::Args)]
struct Window {
    /// A file about the scope, of a source that is handed files as well
    #[arg(requires = "scope")]
    file: Option<PathBuf>,
    /// Region, province, topic; without it all that stores are concerned by
    #[arg(long, value_name = "CODE")]
    scope: Option<String>,
    /// First day
    #[arg(long, value_name = "YYYY-MM-DD")]
    from: Option<NaiveDate>,
    /// Last day; without it today
    #[arg(long, value_name = "YYYY-MM-DD")]
    to: Option<NaiveDate>,
}

#[derive(Debug, clap::Args)]
struct Quarantine {
    /// As in pihps_prices
    source: String,
    /// Store (slug or id) of sales; without it rows of no store
    #[arg(long)]
    store: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// Close them: somebody has dealt with them otherwise
    #[arg(long)]
    dismiss: bool,
}

#[derive(Debug, clap::Args)]
struct Reparse {
    /// As in bmkg_forecast
    source: String,
    #[command(flatten)]
    window: Window,
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
    /// Add order lines up by product and business day, and do not keep them
    #[arg(long)]
    totals_only: bool,
    /// Read and report, write nothing
    #[arg(long)]
    dry_run: bool,
}

impl Arguments {
    pub fn run(self, global: &Global) -> anyhow::Result<()> {
        match self.source {
            Source::Fixed(Fixed::SalesCsv(command)) => with_context(global, async |context| {
                let store = context.store(&command.store).await?;
                let options = SalesCsvOptions {
                    map: command.map.clone().unwrap_or_default(),
                    locale: Locale { dates: command.date_format, decimal: command.decimal },
                    sum_duplicates: command.sum_duplicates,
                    totals_only: command.totals_only,
                };
                let report = load(&context, &store, &command.file, &options, command.dry_run).await?;
                if context.json {
                    println!("{}", serde_json::to_string_pretty(&report)?);
                } else {
                    println!("{report}");
                }
                Ok(())
            }),
            Source::Fixed(Fixed::SalesFiles) => with_context(global, async |context| files(&context).await),
            Source::Named(name, window) => with_context(global, async |context| match (&window.file, &window.scope) {
                (Some(file), Some(scope)) => hand_over(&context, &name, scope, file).await,
                _ => ask(&context, &name, &window, false).await,
            }),
            Source::Fixed(Fixed::Reparse(again)) => {
                with_context(global, async |context| ask(&context, &again.source, &again.window, true).await)
            }
            Source::Fixed(Fixed::Quarantine(wanted)) => with_context(global, async |context| quarantine(&context, &wanted).await),
            Source::Fixed(Fixed::Status) => with_context(global, async |context| status(&context).await),
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

/// Everything that lies in the place of the configuration, also what has just been put there.
async fn files(context: &Context) -> anyhow::Result<()> {
    let address = context.config.sources.sales_files.as_deref().ok_or_else(|| {
        Failure::with_hint("no folder or bucket is watched", "set VIRALCAST_SOURCES__SALES_FILES to a folder or s3://BUCKET/PREFIX")
    })?;
    let place = Place::open(address, &context.config.s3)?;
    let objects = context.objects()?;
    let to = Destination { pool: context.db.work(), objects: &objects, clock: context.clock.as_ref() };
    let look = take_sales_files(to, &place, true).await?;
    match look.news.as_slice() {
        files if context.json => println!("{}", serde_json::to_string_pretty(files)?),
        [] => println!("nothing new in {}", place.name()),
        files => println!("{}", files_table(files)),
    }
    look.failed.into_iter().next().map_or(Ok(()), |error| Err(error.into()))
}

fn files_table(files: &[SalesFile]) -> Table {
    let rows = files.iter().map(|file| {
        let count = |rows: Option<i64>| rows.map(|rows| rows.to_string()).unwrap_or_default();
        let reason = file.reason.clone().unwrap_or_default();
        vec![file.path.clone(), file.state.clone(), reason, count(file.good_rows), count(file.bad_rows)]
    });
    table(&["file", "state", "reason", "rows", "quarantined"], 3.., rows)
}

/// What a file tells of a scope.
async fn hand_over(context: &Context, name: &str, scope: &str, file: &Path) -> anyhow::Result<()> {
    let (nightly, sources) = (context.nightly()?, sources::all());
    let source = sources.find(name).with_context(|| format!("there is no source `{name}`"))?;
    anyhow::ensure!(source.takes_files(), "`{name}` asks and is handed no files");
    let id = scope_of(context, source, scope).await?;
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let shown = file.file_name().map_or_else(|| file.display().to_string(), |name| name.to_string_lossy().into_owned());
    let taken = take_file(nightly.workshop(), source, &id, &shown, bytes, context.clock.now()).await?;
    show(context, source, &[(scope, taken)])
}

/// One window of each scope now, one after the other; `again` parses what has landed instead of asking.
async fn ask(context: &Context, name: &str, window: &Window, again: bool) -> anyhow::Result<()> {
    let (nightly, sources) = (context.nightly()?, sources::all());
    let source = sources.find(name).with_context(|| format!("there is no source `{name}`; there are {}", sources.names().join(", ")))?;
    let feed = source.feed().with_context(|| format!("`{name}` is handed files: viralcast ingest {name} FILE"))?;
    let scopes = match &window.scope {
        Some(scope) => vec![scope_of(context, source, scope).await?],
        None => feed.scopes(context.db.work(), &context.config.sources).await?,
    };
    if scopes.is_empty() {
        return Err(Failure::with_hint("no store says where it is", "create one with its village code (viralcast store create --help)"));
    }
    let today = context.clock.now().with_timezone(&chrono_tz::Asia::Jakarta).date_naive();
    let last = window.to.unwrap_or(today);
    let back = chrono::Days::new(u64::from(source.terms().lookback_days));
    let days = Days { first: window.from.unwrap_or(last.checked_sub_days(back).unwrap_or(last)), end: last.succ_opt().unwrap_or(last) };
    let pieces = if again { vec![days] } else { days.pieces(source.terms().window_days) };
    let bar = progress::bar((scopes.len() * pieces.len()) as u64, format!("asking {name}"));
    let slugs = slugs(context).await?;
    let (mut rows, mut failures) = (Vec::new(), 0);
    for scope in &scopes {
        let name = slugs.get(scope).unwrap_or(scope).as_str();
        let mut sum = Taken::default();
        for piece in &pieces {
            let taken = match again {
                true => reparse(nightly.workshop(), source, scope, *piece).await,
                false => take(nightly.workshop(), source, scope, *piece).await,
            };
            bar.inc(1);
            match taken {
                Ok(taken) => sum = sum.and(taken),
                // One region's trouble must not cost the others theirs.
                Err(error) => {
                    failures += 1;
                    bar.suspend(|| crate::failure::print(&anyhow::Error::new(error).context(format!("{name} from {}", piece.first))));
                }
            }
        }
        rows.push((name, sum));
    }
    bar.finish_and_clear();
    show(context, source, &rows)?;
    anyhow::ensure!(failures == 0, "{failures} of {} windows could not be had", scopes.len() * pieces.len());
    Ok(())
}

/// A store is its id to a source, whatever people call it.
async fn scope_of(context: &Context, source: &dyn ingest::source::Source, scope: &str) -> anyhow::Result<String> {
    match source.terms().scope_is {
        "store" => Ok(context.store(scope).await?.id.to_string()),
        _ => Ok(scope.to_owned()),
    }
}

fn show(context: &Context, source: &dyn ingest::source::Source, rows: &[(&str, Taken)]) -> anyhow::Result<()> {
    if context.json {
        let rows: Vec<_> = rows.iter().map(|(scope, taken)| json!({ "scope": scope, "taken": taken })).collect();
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    let rows = rows.iter().map(|(scope, taken)| {
        let Taken { records, new_records, facts, new_facts, quarantined, unreadable } = taken;
        vec![
            (*scope).to_owned(),
            format!("{records} ({new_records} new)"),
            facts.to_string(),
            new_facts.to_string(),
            quarantined.to_string(),
            unreadable.to_string(),
        ]
    });
    println!("{}", table(&[source.terms().scope_is, "records", "facts", "new facts", "quarantined", "unreadable"], 1.., rows));
    println!("{}", source.terms().attribution);
    Ok(())
}

async fn quarantine(context: &Context, wanted: &Quarantine) -> anyhow::Result<()> {
    let store = match &wanted.store {
        Some(store) => Some(context.store(store).await?.id),
        None => None,
    };
    if wanted.dismiss {
        let closed = dismiss_quarantined_rows(context.db.work(), &wanted.source, store, None).await?;
        println!("{closed} rows of {} are dismissed", wanted.source);
        return Ok(());
    }
    let rows = list_quarantined_rows(context.db.work(), &wanted.source, store, wanted.limit.into()).await?;
    if context.json {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                json!({ "file": row.file_name, "row": row.row_number, "column": row.column_name, "value": row.value,
                        "reason": row.reason, "row_text": row.row_text, "since": row.created_at })
            })
            .collect();
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    let shown = rows.iter().map(|row| {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        vec![text(&row.file_name), row.row_number.to_string(), text(&row.column_name), text(&row.value), row.reason.clone()]
    });
    println!("{}", table(&["record", "row", "column", "value", "reason"], 9.., shown));
    let again = match wanted.source.as_str() {
        sales_csv::SOURCE => "ingest the file again",
        _ => "viralcast ingest reparse SOURCE",
    };
    eprintln!("after a fix: {}", again.replace("SOURCE", &wanted.source));
    Ok(())
}

/// Short names of the stores by id.
async fn slugs(context: &Context) -> anyhow::Result<HashMap<String, String>> {
    Ok(list_stores(context.db.work(), true).await?.into_iter().map(|store| (store.id.to_string(), store.slug)).collect())
}

/// Everything that `status` shows of one watermark.
#[derive(Serialize)]
struct Line {
    source: String,
    scope: String,
    watermark: DateTime<Utc>,
    age_hours: i64,
    is_late: bool,
    failures: i32,
    last_error: Option<String>,
}

async fn status(context: &Context) -> anyhow::Result<()> {
    let (pool, now, sources) = (context.db.work(), context.clock.now(), sources::all());
    let slugs = slugs(context).await?;
    let line = |mark: Watermark| {
        let age = now - mark.complete_until;
        let promised = sources.find(&mark.source).map(|source| source.terms().freshness);
        Line {
            scope: slugs.get(&mark.scope).cloned().unwrap_or(mark.scope),
            watermark: mark.complete_until,
            age_hours: age.num_hours(),
            is_late: promised.is_some_and(|promised| age > promised),
            failures: mark.failures,
            last_error: mark.last_error.filter(|_| mark.failures > 0),
            source: mark.source,
        }
    };
    let lines: Vec<Line> = list_watermarks(pool).await?.into_iter().map(line).collect();
    let quotas = quotas(pool, &sources, &context.config.sources).await?;
    let breakers = list_breakers(pool).await?;
    let findings = list_findings(pool).await?;
    let (mut quarantine, mut uncovered) = (Vec::new(), Vec::new());
    for source in sources.iter() {
        quarantine.push((source.name(), count_quarantined_rows(pool, source.name()).await?));
        uncovered
            .extend(uncovered_scopes(pool, source.name(), now).await?.into_iter().map(|(scope, reason)| (source.name(), scope, reason)));
    }
    let refused = refused_sales_files(pool).await?;
    if context.json {
        let quotas: Vec<_> = quotas.iter().map(|(name, left, limit)| json!({ "quota": name, "left": left, "limit": limit })).collect();
        let quarantine: HashMap<_, _> = quarantine.into_iter().collect();
        let uncovered: Vec<_> =
            uncovered.iter().map(|(source, scope, reason)| json!({ "source": source, "scope": scope, "reason": reason })).collect();
        let all = json!({ "scopes": lines, "quotas": quotas, "breakers": breakers, "quarantined": quarantine, "not_covered": uncovered, "findings": findings, "refused_files": refused });
        println!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    let rows = lines.iter().map(|line| {
        let late = if line.is_late { " late" } else { "" };
        let error = line.last_error.as_deref().map(|error| format!("{} x {error}", line.failures)).unwrap_or_default();
        let until = line.watermark.format("%Y-%m-%d %H:%MZ").to_string();
        vec![line.source.clone(), line.scope.clone(), until, format!("{} h{late}", line.age_hours), error]
    });
    println!("{}", table(&["source", "scope", "complete until", "age", "last error"], 9.., rows));
    let rows = quotas.iter().map(|(name, left, limit)| vec![name.clone(), left.to_string(), limit.to_string()]);
    println!("{}", table(&["quota", "left", "of"], 1.., rows));
    for (source, rows) in quarantine.iter().filter(|(_, rows)| *rows > 0) {
        println!("{rows} rows of {source} wait in quarantine");
    }
    for breaker in breakers.iter().filter(|breaker| breaker.open_seconds.is_some()) {
        let (seconds, error) = (breaker.open_seconds.unwrap_or_default(), breaker.last_error.as_deref().unwrap_or_default());
        println!("{} is left alone for another {seconds} s: {error}", breaker.source);
    }
    for finding in &findings {
        println!("{} for {}: {} ({} x {})", finding.source, finding.scope, finding.detail, finding.times, finding.check_name);
    }
    for file in &refused {
        println!("the sales file {} is refused: {}", file.path, file.reason.as_deref().unwrap_or_default());
    }
    for (source, scope, reason) in &uncovered {
        println!("{source} does not cover {scope}: {reason}");
    }
    Ok(())
}

/// Name, units left and limit of every quota.
async fn quotas(pool: &sqlx::PgPool, sources: &Sources, config: &SourcesConfig) -> anyhow::Result<Vec<(String, i64, u32)>> {
    let used: HashMap<String, i64> = quotas_in_use(pool).await?.into_iter().collect();
    let all = sources.iter().filter_map(|source| source.feed()).flat_map(|feed| feed.manners(config).quotas);
    let left = |quota: Quota| {
        let left = i64::from(quota.limit) - used.get(&quota.name).copied().unwrap_or_default();
        (quota.name, left, quota.limit)
    };
    Ok(all.map(left).collect())
}
