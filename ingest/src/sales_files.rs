//! Sales files that are left in a place: a folder that is watched, or a prefix of a bucket.
//!
//! Each store has a subfolder by its slug. Whatever is put there is loaded as `viralcast ingest sales_csv` would load it, and once more
//! whenever it changes. `sales_csv.toml` beside the files says how to read them, where that cannot be told. Nothing is ever moved or
//! deleted: what became of each file is kept in `sales_files`.

use std::collections::HashMap;
use std::sync::Arc;

use domain::Hint;
use platform::db::DbError;
use platform::db::quarantined_rows::dismiss_quarantined_rows;
use platform::db::sales_files::{SalesFile, list_sales_files, note_sales_file};
use platform::db::stores::{StoreRow, find_store};
use platform::objects::{FileSeen, ObjectError, Place};

use crate::sales_csv::{self, ColumnMap, Destination, IngestError, Report, SalesCsvOptions};
use crate::source::SourceError;
use crate::tabular::{DateFormat, Decimal, Locale};

/// How the files beside it are to be read.
pub const OPTIONS: &str = "sales_csv.toml";

/// Why files were not looked at.
#[derive(Debug, thiserror::Error)]
pub enum SalesFilesError {
    #[error(transparent)]
    Database(#[from] DbError),
    #[error(transparent)]
    Objects(#[from] ObjectError),
    #[error("no folder for a copy of `{path}` can be made")]
    Scratch {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("`{path}` could not be stored")]
    Store {
        path: String,
        #[source]
        source: IngestError,
    },
}

impl Hint for SalesFilesError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Database(error) => error.hint(),
            Self::Objects(error) => error.hint(),
            Self::Scratch { .. } => Some("make room, or set TMPDIR".to_owned()),
            Self::Store { source, .. } => source.hint(),
        }
    }
}

/// What a look has brought.
#[derive(Debug, Default)]
pub struct Look {
    /// What became of each file that is new or has changed.
    pub news: Vec<SalesFile>,
    /// Files that could not be had or stored, which is not theirs to answer for: they are looked at again.
    pub failed: Vec<SalesFilesError>,
}

/// Looks at everything in a place and loads what is new or has changed. In a folder a file may still be written to: unless `at_once`, it
/// is loaded when two looks have found it the same.
///
/// # Errors
/// [`SalesFilesError`], when there is nothing to look at. One file's trouble does not cost the others theirs.
pub async fn take_sales_files(to: Destination<'_>, place: &Place, at_once: bool) -> Result<Look, SalesFilesError> {
    let known = list_sales_files(to.pool, place.name()).await?;
    let known: HashMap<&str, &SalesFile> = known.iter().map(|file| (file.path.as_str(), file)).collect();
    let mut look = Look::default();
    for file in sales_files(place.list().await?) {
        match take_if_new(to, place, &file, &known, at_once).await {
            Ok(news) => look.news.extend(news),
            Err(error) => look.failed.push(error),
        }
    }
    Ok(look)
}

/// What became of a file; `None` if that is known.
async fn take_if_new(
    to: Destination<'_>,
    place: &Place,
    file: &FileSeen,
    known: &HashMap<&str, &SalesFile>,
    at_once: bool,
) -> Result<Option<SalesFile>, SalesFilesError> {
    let before = known.get(file.path.as_str()).copied();
    let same = before.filter(|before| before.version == file.version);
    // Its store may have been created since.
    let is_homeless = same.is_some_and(|same| same.state == "refused" && same.store_id.is_none());
    if same.is_some_and(|same| same.state != "seen") && !is_homeless {
        return Ok(None);
    }
    let seen = SalesFile {
        path: file.path.clone(),
        version: file.version.clone(),
        state: "seen".to_owned(),
        store_id: None,
        reason: None,
        // What was taken of it before counts until it is taken again.
        raw_record_id: before.and_then(|before| before.raw_record_id),
        good_rows: None,
        bad_rows: None,
        seen_at: to.clock.now(),
    };
    let is_settled = at_once || place.is_atomic() || same.is_some();
    let became = if is_settled { take(to, place, file, seen).await? } else { seen };
    if is_homeless && became.store_id.is_none() {
        return Ok(None);
    }
    let is_anothers = |record| known.values().any(|other| other.path != file.path && other.raw_record_id == record);
    if let Some(before) = before.filter(|before| !is_anothers(before.raw_record_id)) {
        put_right(to, before, &became).await?;
    }
    note_sales_file(to.pool, place.name(), &became).await?;
    Ok(Some(became))
}

/// Of what lies there, what sales may be in: hidden files are other programs' affairs, empty ones the marks of folders. A file is another when it is to be read otherwise.
fn sales_files(all: Vec<FileSeen>) -> Vec<FileSeen> {
    let (options, files): (Vec<FileSeen>, Vec<FileSeen>) = all
        .into_iter()
        .filter(|file| file.size > 0 && !file.path.split('/').any(|part| part.starts_with('.')))
        .partition(|file| name(&file.path) == OPTIONS);
    let options: HashMap<&str, &str> = options.iter().map(|file| (folder(&file.path), file.version.as_str())).collect();
    files
        .into_iter()
        .map(|file| match options.get(folder(&file.path)) {
            Some(read_as) => FileSeen { version: format!("{} read as {read_as}", file.version), ..file },
            None => file,
        })
        .collect()
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

async fn take(to: Destination<'_>, place: &Place, file: &FileSeen, seen: SalesFile) -> Result<SalesFile, SalesFilesError> {
    let slug = file.path.split_once('/').map(|(slug, _)| slug);
    let store = match slug {
        Some(slug) => find_store(to.pool, slug).await?,
        None => None,
    };
    let Some(store) = store else {
        let reason = match slug {
            Some(slug) => format!("no store is called `{slug}`; a store's files lie in a folder of its short name"),
            None => "it lies in no store's folder".to_owned(),
        };
        return Ok(refused(seen, reason));
    };
    let seen = SalesFile { store_id: Some(store.id), ..seen };
    let options = match options(place, file).await? {
        Ok(options) => options,
        Err(reason) => return Ok(refused(seen, reason)),
    };
    let scratch = tempfile::tempdir().map_err(|source| SalesFilesError::Scratch { path: file.path.clone(), source })?;
    let local = match place.bring(file, scratch.path()).await {
        Err(error @ ObjectError::Linked { .. }) => return Ok(refused(seen, error.to_string())),
        brought => brought?,
    };
    match load(to, &store, &local, &options).await {
        Ok(report) => Ok(SalesFile {
            state: "taken".to_owned(),
            raw_record_id: report.record,
            good_rows: Some(i64::try_from(report.rows_good).unwrap_or(i64::MAX)),
            bad_rows: Some(i64::try_from(report.quarantined).unwrap_or(i64::MAX)),
            ..seen
        }),
        Err(source @ (IngestError::Source(_) | IngestError::NothingGood { .. } | IngestError::TooManyBad { .. })) => {
            let hint = match &source {
                IngestError::Source(SourceError::NoColumn { part, .. }) => {
                    Some(format!("name it in `{OPTIONS}` beside the file: map = {{ {part} = \"COLUMN\" }}"))
                }
                source => source.hint(),
            };
            let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
            Ok(refused(seen, format!("{}{hint}", domain::chain(&source))))
        }
        Err(source) => Err(SalesFilesError::Store { path: file.path.clone(), source }),
    }
}

/// The rows that could not be read of a file are settled once the file has been mended.
async fn put_right(to: Destination<'_>, before: &SalesFile, became: &SalesFile) -> Result<(), DbError> {
    let record = before.raw_record_id.filter(|_| became.state == "taken");
    if let Some(record) = record.filter(|record| became.raw_record_id != Some(*record)) {
        dismiss_quarantined_rows(to.pool, sales_csv::SOURCE, became.store_id, Some(record)).await?;
    }
    Ok(())
}

async fn load(to: Destination<'_>, store: &StoreRow, file: &std::path::Path, options: &SalesCsvOptions) -> Result<Report, IngestError> {
    sales_csv::run(to, store, file, options, Arc::new(|_| ())).await
}

/// What the file's folder says of how to read it; the reason if that makes no sense.
async fn options(place: &Place, file: &FileSeen) -> Result<Result<SalesCsvOptions, String>, SalesFilesError> {
    let path = format!("{}/{OPTIONS}", folder(&file.path));
    let Some(bytes) = place.read(&path).await? else { return Ok(Ok(SalesCsvOptions::default())) };
    let text = String::from_utf8_lossy(&bytes);
    let told = toml::from_str::<FolderOptions>(&text).map_err(|error| error.message().to_owned()).and_then(FolderOptions::understood);
    Ok(told.map_err(|reason| format!("`{path}` makes no sense: {reason}")))
}

/// [`SalesCsvOptions`] as people write them, named like the command's.
#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FolderOptions {
    map: ColumnMap,
    date_format: Option<String>,
    decimal: Option<String>,
    sum_duplicates: bool,
    totals_only: bool,
}

impl FolderOptions {
    fn understood(self) -> Result<SalesCsvOptions, String> {
        let dates = self.date_format.map(|format| format.parse::<DateFormat>()).transpose().map_err(|error| error.to_string())?;
        let decimal = self.decimal.map(|sign| sign.parse::<Decimal>()).transpose().map_err(|error| error.to_string())?;
        let Self { map, sum_duplicates, totals_only, .. } = self;
        Ok(SalesCsvOptions { map, locale: Locale { dates, decimal }, sum_duplicates, totals_only })
    }
}

/// The reason may quote the file.
fn refused(seen: SalesFile, reason: String) -> SalesFile {
    SalesFile { state: "refused".to_owned(), reason: Some(reason.replace('\0', "")), ..seen }
}
