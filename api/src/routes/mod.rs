//! One file per noun. A new route is a file here with a `pub(super) fn routes() -> OpenApiRouter<AppState>`, and its two
//! lines below; a test of `cli` fails on a file without them.

mod backfills;
mod dead_letters;
mod healthchecker;
mod index;
mod metrics;
mod plan;
mod predictions;
mod queue;
mod runs;
mod stores;
mod webhooks;
mod xendit_webhooks;

use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

pub(crate) fn all() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .merge(backfills::routes())
        .merge(dead_letters::routes())
        .merge(healthchecker::routes())
        .merge(index::routes())
        .merge(metrics::routes())
        .merge(plan::routes())
        .merge(predictions::routes())
        .merge(queue::routes())
        .merge(runs::routes())
        .merge(stores::routes())
        .merge(webhooks::routes())
        .merge(xendit_webhooks::routes())
}
