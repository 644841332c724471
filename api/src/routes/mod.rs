//! One file per noun. A new route is a file here with a `pub(super) fn routes() -> OpenApiRouter<AppState>`, and its two
//! lines below; a test of `cli` fails on a file without them.

mod accuracy;
mod audit_log;
mod avatars;
mod backfill_moves;
mod backfills;
mod categories;
mod customers;
mod dead_letter_replays;
mod dead_letters;
mod erasures;
mod events;
mod exports;
mod forecasts;
mod healthchecker;
mod index;
mod ingredients;
mod jobs;
mod jwks;
mod live;
mod market_prices;
mod members;
mod metrics;
mod notifications;
mod order_imports;
mod order_states;
mod order_stats;
mod orders;
mod override_scores;
mod overrides;
mod past_predictions;
mod payments;
mod personal_exports;
mod plan;
mod predictions;
mod products;
mod profiles;
mod promos;
mod queue;
mod recipes;
mod refunds;
mod registrations;
mod runs;
mod second_factors;
mod security_txt;
mod sessions;
mod sold_out;
mod stock_counts;
mod stores;
mod users;
mod waste;
mod webhooks;
mod what_ifs;
mod xendit_webhooks;

use platform::db::tenant::Tenant;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use crate::error::ApiError;
use crate::state::AppState;

pub(crate) use stores::find as find_store;

/// Loads what an owner looks at first.
pub(crate) async fn warm(state: &AppState, tenant: Tenant, store: Uuid) -> Result<(), ApiError> {
    plan::warm(state, tenant, store).await?;
    predictions::warm(state, tenant, store).await
}

pub(crate) fn all() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .merge(accuracy::routes())
        .merge(audit_log::routes())
        .merge(avatars::routes())
        .merge(backfill_moves::routes())
        .merge(backfills::routes())
        .merge(categories::routes())
        .merge(customers::routes())
        .merge(dead_letter_replays::routes())
        .merge(dead_letters::routes())
        .merge(erasures::routes())
        .merge(events::routes())
        .merge(forecasts::routes())
        .merge(exports::routes())
        .merge(healthchecker::routes())
        .merge(index::routes())
        .merge(ingredients::routes())
        .merge(jobs::routes())
        .merge(jwks::routes())
        .merge(live::routes())
        .merge(market_prices::routes())
        .merge(members::routes())
        .merge(metrics::routes())
        .merge(notifications::routes())
        .merge(order_imports::routes())
        .merge(order_states::routes())
        .merge(order_stats::routes())
        .merge(orders::routes())
        .merge(override_scores::routes())
        .merge(overrides::routes())
        .merge(past_predictions::routes())
        .merge(payments::routes())
        .merge(personal_exports::routes())
        .merge(plan::routes())
        .merge(predictions::routes())
        .merge(products::routes())
        .merge(profiles::routes())
        .merge(promos::routes())
        .merge(queue::routes())
        .merge(recipes::routes())
        .merge(refunds::routes())
        .merge(registrations::routes())
        .merge(runs::routes())
        .merge(second_factors::routes())
        .merge(security_txt::routes())
        .merge(sessions::routes())
        .merge(sold_out::routes())
        .merge(stock_counts::routes())
        .merge(stores::routes())
        .merge(users::routes())
        .merge(waste::routes())
        .merge(webhooks::routes())
        .merge(what_ifs::routes())
        .merge(xendit_webhooks::routes())
}
