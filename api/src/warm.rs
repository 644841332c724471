//! Loads anew what was forgotten, so that an owner finds this morning's plan at hand: the night that published it, an override, a new price
//! take the old one from every cache, and whoever came first would wait.

use std::collections::BTreeSet;
use std::mem;
use std::time::Duration;

use domain::ids::StoreId;
use platform::cache::keys;
use platform::db::tenant::Tenant;
use rand::Rng as _;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::error::ApiError;
use crate::routes;
use crate::state::AppState;

/// Run, plan and overrides of a night change within moments, and are one change here. Programs that share a cache do not all load at
/// one moment: who comes later finds it there.
const QUIET: std::ops::Range<Duration> = Duration::from_millis(300)..Duration::from_millis(1500);

/// Until `stop`. One store after another, so that a night of a thousand leaves the database to those who ask; what is not warmed in time, or
/// cannot be, is loaded by its first reader.
pub async fn keep_warm(state: AppState, stop: CancellationToken) {
    let mut forgotten = state.cache.forgotten();
    let (mut cold, mut due) = (BTreeSet::new(), Instant::now());
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep_until(due), if !cold.is_empty() => {
                for store in mem::take(&mut cold) {
                    if stop.run_until_cancelled(warm(&state, store)).await.is_none() {
                        return;
                    }
                }
            }
            heard = forgotten.recv() => match heard {
                Ok(what) => if let Some(store) = keys::store_of_predictions(&what) {
                    if cold.is_empty() {
                        due = Instant::now() + rand::thread_rng().gen_range(QUIET);
                    }
                    cold.insert(store);
                },
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            },
        }
    }
}

async fn warm(state: &AppState, store: StoreId) {
    // Nobody's eyes: what is kept is the same for all who may read it.
    let warmed = routes::warm(state, Tenant::Operator(Uuid::nil()), store.0).await;
    let outcome = match &warmed {
        Ok(()) => "done",
        Err(error) if is_nothing(error) => "nothing",
        Err(_) => "failed",
    };
    metrics::counter!("cache_warmed_total", "outcome" => outcome).increment(1);
    if let Err(error) = warmed {
        tracing::debug!(%store, error = %domain::chain(&error), "nothing was loaded before somebody asks");
    }
}

/// There is nothing to load.
fn is_nothing(error: &ApiError) -> bool {
    match error {
        ApiError::Shared(error) => is_nothing(error),
        ApiError::NotFound { .. } | ApiError::NothingPublished { .. } => true,
        _ => false,
    }
}
