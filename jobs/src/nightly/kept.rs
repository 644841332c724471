//! The last good models of a store: kept after each fresh night, found again when a night has none of its own.

use chrono::NaiveDate;
use domain::time::Night;
use models::EngineArtifact;
use platform::db::model_artifacts::{NewModelArtifact, forget_model_artifacts, keep_model_artifact, last_model_artifact};
use platform::db::stores::StoreRow;
use platform::objects::ObjectKey;
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use super::error::{KeptError, NightError};
use super::gates::BacktestSummary;
use super::store::Outcome;
use super::{Nightly, fingerprint};
use crate::events;

/// Name of the whole engine among forecasters.
const ENGINE: &str = "engine";
/// Models of a store that are kept.
const KEPT: i64 = 7;
/// Zstandard's default: trees shrink to a third, in milliseconds.
const LEVEL: i32 = 3;

/// The youngest models that a night may know.
pub struct LastModel {
    /// The last observed business day.
    pub trained_until: NaiveDate,
    /// Inside their training data.
    pub(super) backtest: BacktestSummary,
    bytes: Vec<u8>,
}

impl LastModel {
    /// # Errors
    /// [`KeptError`] if the bytes are those of another version of the program.
    pub fn read(&self) -> Result<EngineArtifact, KeptError> {
        Ok(serde_json::from_reader(zstd::Decoder::new(self.bytes.as_slice())?)?)
    }
}

/// The youngest models of a store that were fitted to no more than this night knows.
///
/// # Errors
/// [`NightError::Database`], [`NightError::Objects`].
pub async fn last_model(nightly: &Nightly, store: &StoreRow, night: Night) -> Result<Option<LastModel>, NightError> {
    let row = last_model_artifact(&nightly.work, store.id, ENGINE, night.last_day(), night.cutoff()).await?;
    let Some(row) = row else { return Ok(None) };
    let bytes = nightly.objects.get(&row.object_key.parse()?).await?;
    let metric = |name: &str| row.metrics.get(name).and_then(serde_json::Value::as_f64);
    let backtest = BacktestSummary { coverage80: metric("coverage80"), bias: metric("bias") };
    Ok(Some(LastModel { trained_until: row.trained_until, backtest, bytes }))
}

/// Models as they are kept.
pub(super) fn packed(models: &EngineArtifact) -> Result<Vec<u8>, KeptError> {
    let mut encoder = zstd::Encoder::new(Vec::new(), LEVEL)?;
    serde_json::to_writer(&mut encoder, models)?;
    Ok(encoder.finish()?)
}

/// Models in the object store that no row tells of yet.
pub(super) struct Kept {
    key: ObjectKey,
    hash: Vec<u8>,
    length: usize,
}

impl Kept {
    pub fn length(&self) -> usize {
        self.length
    }
}

/// Writes tonight's models away, if there are any.
pub(super) async fn keep(nightly: &Nightly, models: Option<Vec<u8>>) -> Result<Option<Kept>, NightError> {
    let Some(bytes) = models else { return Ok(None) };
    let (hash, length) = (Sha256::digest(&bytes).to_vec(), bytes.len());
    Ok(Some(Kept { key: nightly.objects.put_content(bytes).await?, hash, length }))
}

/// Writes down which models a run has fitted.
pub(super) async fn note(connection: &mut PgConnection, nightly: &Nightly, outcome: &Outcome<'_>, models: &Kept) -> Result<(), NightError> {
    let backtest = outcome.forecast.backtest;
    let row = NewModelArtifact {
        store_id: outcome.store_id,
        run_id: outcome.run_id,
        forecaster: ENGINE,
        object_key: models.key.as_str(),
        content_hash: &models.hash,
        content_length: i64::try_from(models.length).unwrap_or(i64::MAX),
        trained_until: outcome.night.last_day(),
        code_version: fingerprint::CODE_VERSION,
        config_hash: &fingerprint::of_settings(&nightly.settings),
        metrics: json!({ "coverage80": backtest.coverage80, "bias": backtest.bias }),
    };
    Ok(keep_model_artifact(connection, &row).await?)
}

/// Forgets models that are older than a store will need. What fails here is tried again by the next night.
pub(super) async fn forget_old(nightly: &Nightly, store: &StoreRow) {
    let forget = async {
        for key in forget_model_artifacts(&nightly.work, store.id, ENGINE, KEPT).await? {
            nightly.objects.delete(&key.parse()?).await?;
        }
        Ok::<_, NightError>(())
    };
    if let Err(error) = forget.await {
        events::left_out(&store.slug, "forgetting old models", &error);
    }
}
