//! The gates of a backfill: what must be true of the shadow before anybody may see it.

use platform::backfills;
use platform::db::backfills::{count_shadow, finish_backfill, shadow_changes};
use serde_json::json;
use uuid::Uuid;

use super::{BackfillError, asset, find};
use crate::nightly::Nightly;
use crate::nightly::gates::Gate;

/// Partitions on a rung below the first that a backfill may have: nights with little history have no models to trust.
const BELOW_FRESH: f64 = 0.1;

/// Judges a backfill whose partitions were all tried, and says so in its row. One that was cancelled stays so.
///
/// # Errors
/// [`BackfillError`].
pub async fn judge(nightly: &Nightly, id: Uuid) -> Result<(), BackfillError> {
    let backfill = find(nightly, id).await?;
    if !matches!(backfill.state.as_str(), "running" | "paused") {
        return Ok(());
    }
    let left = backfill.total_count - backfill.done_count - backfill.failed_count;
    let gate = |name: &str, passed: bool, detail: String| Gate { name: name.to_owned(), passed, detail };
    let mut gates = vec![gate(
        "complete",
        backfill.failed_count == 0 && left == 0,
        format!("{} of {} partitions failed, {left} were not made", backfill.failed_count, backfill.total_count),
    )];
    let has_shadow = asset(nightly, &backfill.asset).map_or(true, |asset| asset.has_shadow());
    let mut changes = json!({});
    if has_shadow {
        let shadow = count_shadow(&nightly.work, id).await?;
        let below = shadow.runs - shadow.fresh;
        gates.push(gate(
            "sound",
            shadow.gates_passed == shadow.runs,
            format!("the own gates of {} of {} runs passed", shadow.gates_passed, shadow.runs),
        ));
        let few = below as f64 <= BELOW_FRESH * shadow.runs as f64;
        gates.push(gate("fresh", few, format!("{below} of {} runs stand on a lower rung", shadow.runs)));
        changes = json!(shadow_changes(&nightly.work, id).await?);
    }
    let good = if has_shadow { "ready" } else { "published" };
    let state = if gates.iter().all(|gate| gate.passed) { good } else { "refused" };
    finish_backfill(&nightly.work, id, state, &json!(gates), &changes, nightly.clock.now()).await?;
    backfills::moved(id, state);
    Ok(())
}
