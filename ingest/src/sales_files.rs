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

/// Looks at everything in a place and loads what is new or has changed; answers what became of each such file. In a folder a file may
/// still be written to: unless `at_once`, it is loaded when two looks have found it the same.
///
/// # Errors
/// [`SalesFilesError`], when it is not the file that is to blame; what was loaded before stays.
pub async fn take_sales_files(to: Destination<'_>, place: &Place, at_once: bool) -> Result<Vec<SalesFile>, SalesFilesError> {
    let known: HashMap<String, SalesFile> =
        list_sales_files(to.pool, place.name()).await?.into_iter().map(|file| (file.path.clone(), file)).collect();
    let mut news = Vec::new();
    for file in place.list().await?.into_iter().filter(is_sales_file) {
        let before = known.get(&file.path).filter(|before| before.version == file.version);
        if before.is_some_and(|before| before.state != "seen") {
            continue;
        }
        let is_settled = at_once || place.is_atomic() || before.is_some();
        let now = to.clock.now();
        let seen = SalesFile {
            path: file.path.clone(),
            version: file.version.clone(),
            state: "seen".to_owned(),
            store_id: None,
            reason: None,
            raw_record_id: None,
            good_rows: None,
            bad_rows: None,
            seen_at: now,
        };
        let became = match (is_settled, known.get(&file.path)) {
            (true, before) => {
                let became = take(to, place, &file, seen).await?;
                put_right(to, before, &became).await?;
                became
            }
            // What was taken of it before counts until then.
            (false, before) => SalesFile { raw_record_id: before.and_then(|before| before.raw_record_id), ..seen },
        };
        note_sales_file(to.pool, place.name(), &became).await?;
        news.push(became);
    }
    Ok(news)
}

/// Hidden files are other programs' affairs.
fn is_sales_file(file: &FileSeen) -> bool {
    !file.path.split('/').any(|part| part.starts_with('.') || part == OPTIONS)
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
    let local = place.bring(file, scratch.path()).await?;
    match load(to, &store, &local, &options).await {
        Ok(report) => Ok(SalesFile {
            state: "taken".to_owned(),
            raw_record_id: report.record,
            good_rows: Some(i64::try_from(report.rows_good).unwrap_or(i64::MAX)),
            bad_rows: Some(i64::try_from(report.quarantined).unwrap_or(i64::MAX)),
            ..seen
        }),
        Err(source @ (IngestError::Source(_) | IngestError::NothingGood { .. })) => {
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
async fn put_right(to: Destination<'_>, before: Option<&SalesFile>, became: &SalesFile) -> Result<(), DbError> {
    let record = before.and_then(|before| before.raw_record_id).filter(|_| became.state == "taken");
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
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let path = format!("{folder}/{OPTIONS}");
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
