//! What models see of a store on the eve of a business day, as a table that can be kept: the rows of all direct models, with every family of
//! features, also those that a night finds idle. Sales, stock-outs, orders, calendar, promos, weather, news and market prices are as they were known at
//! the night's cutoff. Which products there are, their categories and list prices have no history: they are today's, as they are in nights.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::NaiveDate;
use domain::features::{FeatureColumn, FeatureMatrix, FeatureSource as _};
use domain::frequency::days_since_epoch;
use domain::time::Night;
use ingest::tabular::{ColumnData, to_parquet};
use models::{EngineConfig, step_groups};
use pipeline::{FeatureConfig, PanelFeatures};
use platform::database::begin;
use platform::db::feature_matrices::{FeatureMatrixRow, replace_feature_matrix};
use platform::db::partition_ranges::{Made, mark_day};
use platform::db::stores::StoreRow;
use sha2::{Digest, Sha256};

use super::forecast::engine_config;
use super::load::{Loaded, load};
use super::run::off_thread;
use super::{FEATURES, NightError, Nightly, Pace, calendar, facts, fingerprint};

/// The family of what does not change over time.
const STATICS: &str = "statics";

/// A matrix that was kept.
pub(crate) struct Kept {
    pub rows: u64,
    /// Snapshot of the database in which its facts were read.
    pub read_in: String,
}

/// Makes the matrix of business day `date` as its night would have, and keeps it in place of an earlier one. Made again of the same facts it
/// has the same bytes.
///
/// # Errors
/// [`NightError`]; what was kept before stays.
pub(crate) async fn keep_matrix(nightly: &Nightly, store: &StoreRow, date: NaiveDate) -> Result<Kept, NightError> {
    let began = Instant::now();
    let night = Night::of(date, calendar(store)?);
    let loaded = Arc::new(load(&nightly.work, store, night).await?);
    let (facts, slug, config) = (Arc::clone(&loaded), store.slug.clone(), engine_config(&nightly.settings, night));
    let settings = fingerprint::of_settings(&nightly.settings);
    let (input_hash, table) = off_thread(store, move || {
        Ok((fingerprint::of_input(&facts, night, Pace::Calm, &settings), Table::of(&slug, &facts, night, &config)?))
    })
    .await?;
    let content_hash = Sha256::digest(&table.bytes).to_vec();
    let content_length = i64::try_from(table.bytes.len()).unwrap_or(i64::MAX);
    let row = FeatureMatrixRow {
        business_date: date,
        cutoff: night.cutoff(),
        input_hash: input_hash.to_vec(),
        code_version: fingerprint::CODE_VERSION.to_owned(),
        object_key: nightly.objects.put_content(table.bytes).await?.to_string(),
        content_hash,
        content_length,
        row_count: i32::try_from(table.rows).unwrap_or(i32::MAX),
        column_count: i32::try_from(table.columns).unwrap_or(i32::MAX),
        made_in_ms: milliseconds(began.elapsed()),
    };
    let mut tx = begin(&nightly.work).await?;
    let replaced = replace_feature_matrix(&mut tx, store.id, &row, nightly.clock.now()).await?;
    let scope = store.id.to_string();
    mark_day(&mut tx, FEATURES, &scope, Made::Materialised, date, Some(&loaded.read_in)).await?;
    tx.commit().await?;
    if let Some(replaced) = replaced {
        nightly.objects.delete(&replaced.parse()?).await?;
    }
    Ok(Kept { rows: table.rows as u64, read_in: loaded.read_in.clone() })
}

fn milliseconds(time: Duration) -> i32 {
    i32::try_from(time.as_millis()).unwrap_or(i32::MAX)
}

/// As Parquet: `product_id`, `unique_id`, `category`, `date`, `step` (days ahead, from 1), `lead` (what the target says of itself is at least so many
/// days older), then every feature, null where it is missing. Columns whose codes are places in a list of that night (`series_code`, categories) are
/// left out: another night's mean something else.
struct Table {
    bytes: Vec<u8>,
    rows: usize,
    columns: usize,
}

impl Table {
    fn of(store: &str, loaded: &Loaded, night: Night, config: &EngineConfig) -> Result<Self, NightError> {
        let (panel, _) = facts::studied_panel(&loaded.facts, night.calendar, night.last_day());
        let source = PanelFeatures::new(panel, FeatureConfig::default())
            .map_err(|source| NightError::Pipeline { store: store.to_owned(), source })?;
        let cutoff = days_since_epoch(night.last_day());
        let mut blocks = Vec::new();
        for group in step_groups(config.horizon, config.season) {
            let rows = source.future(cutoff, group.layout(), group.first..=group.last);
            blocks.push((group.lead, rows.map_err(|source| NightError::Features { store: store.to_owned(), source })?));
        }
        let (names, data): (Vec<String>, Vec<ColumnData>) = columns(loaded, cutoff, &blocks).into_iter().unzip();
        let columns: Vec<(&str, ColumnData)> = names.iter().map(String::as_str).zip(data).collect();
        let bytes = to_parquet(&columns).map_err(|source| NightError::Table { store: store.to_owned(), source })?;
        Ok(Self { bytes, rows: blocks.iter().map(|(_, rows)| rows.rows).sum(), columns: columns.len() })
    }
}

/// One below the other: what only some models see is missing in the rows of others.
fn columns(loaded: &Loaded, cutoff: i64, blocks: &[(u16, FeatureMatrix)]) -> Vec<(String, ColumnData)> {
    let rows: usize = blocks.iter().map(|(_, block)| block.rows).sum();
    let series = || blocks.iter().flat_map(|(_, block)| &block.series);
    let at = || blocks.iter().flat_map(|(_, block)| &block.at);
    let product = |series: &u32| loaded.facts.products.get(*series as usize);
    let category =
        |series: &u32| loaded.facts.listings.get(*series as usize).and_then(|listing| listing.category.as_deref()).unwrap_or_default();
    let ids: Vec<String> = series().map(|series| product(series).map_or_else(String::new, |(id, _)| id.to_string())).collect();
    let leads = blocks.iter().flat_map(|(lead, block)| std::iter::repeat_n(i64::from(*lead), block.rows));
    let mut columns = vec![
        ("product_id".to_owned(), ColumnData::text(ids.iter().map(String::as_str))),
        ("unique_id".to_owned(), ColumnData::text(series().map(|series| product(series).map_or("", |(_, name)| name.as_str())))),
        ("category".to_owned(), ColumnData::text(series().map(category))),
        ("date".to_owned(), ColumnData::Date(at().map(|&at| i32::try_from(at).unwrap_or_default()).collect())),
        ("step".to_owned(), ColumnData::Int64(at().map(|&at| at - cutoff).collect())),
        ("lead".to_owned(), ColumnData::Int64(leads.collect())),
    ];
    let mut features: Vec<(String, Vec<f64>)> = Vec::new();
    let mut place = HashMap::new();
    let mut above = 0;
    for (_, block) in blocks {
        let comparable = |column: &FeatureColumn| column.family != STATICS || column.levels == 0;
        for (index, column) in block.columns.iter().enumerate().filter(|(_, column)| comparable(column)) {
            let place = *place.entry(column.name.as_str()).or_insert_with(|| {
                features.push((column.name.clone(), vec![f64::NAN; rows]));
                features.len() - 1
            });
            let cells = block.column(index).iter().map(|&value| f64::from(value));
            features[place].1[above..above + block.rows].iter_mut().zip(cells).for_each(|(place, value)| *place = value);
        }
        above += block.rows;
    }
    columns.extend(features.into_iter().map(|(name, values)| (name, ColumnData::Float64(values))));
    columns
}
