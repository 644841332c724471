//! Every SQL statement of the product that is not the queue's: one file a table or tight group.
//!
//! Functions take an executor (or a connection where they open a transaction of their own, which nests in the caller's).
//! Statements are checked at build time against `.sqlx/`; `scripts/prepare-sql.sh` renews it. Times come from the caller, who
//! has the clock.
//!
//! Facts are read as *versions*: everything that was available by some time, each with its `available_at`. A version counts
//! until the next one of the same fact; `as_of(cutoff)` in the pipeline picks.

mod copy;
pub mod customers;
pub mod disabled_accounts;
pub(crate) mod error;
mod new_facts;
mod tellings;

pub mod alert_notices;
pub mod asked_jobs;
pub mod audit_log;
pub mod auth_sessions;
pub mod backfills;
pub mod calendar_events;
pub mod categories;
pub mod erasure;
pub mod export_kinds;
pub mod exports;
pub mod feature_matrices;
pub mod forecast_runs;
pub mod forecasts;
pub mod idempotency_keys;
pub mod ingredients;
pub mod market_prices;
pub mod model_artifacts;
pub mod month_partitions;
pub mod news_articles;
pub mod news_signals;
pub mod notifications;
pub mod one_time_tokens;
pub mod order_stats;
pub mod orders;
pub mod overrides;
pub mod partition_ranges;
pub mod past_predictions;
pub mod payment_receipts;
pub mod payment_reconciliations;
pub mod payments;
pub mod personal_data;
pub mod plan_items;
pub mod pos_connections;
pub mod predictions;
pub mod products;
pub mod profiles;
pub mod promos;
pub mod published_runs;
pub mod push_secrets;
pub mod quarantined_rows;
pub mod quota_leases;
pub mod raw_records;
pub mod recipes;
pub mod refunds;
pub mod runs;
pub mod sales_daily;
pub mod sales_files;
pub mod schedule_ticks;
pub mod sealed;
pub mod second_factors;
pub mod signing_keys;
pub mod source_breakers;
pub mod source_findings;
pub mod stock_counts;
pub mod stockout_events;
pub mod store_members;
pub mod stores;
pub mod taken_orders;
pub mod tenant;
pub mod users;
pub mod villages;
pub mod waste_log;
pub mod watermarks;
pub mod weather_forecasts;
pub mod weather_observations;
pub mod webhook_events;

pub use error::DbError;
pub use new_facts::NewFacts;
