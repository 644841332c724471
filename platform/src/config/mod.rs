//! Settings of the product, one documented struct per concern.

mod database;

pub use database::DatabaseConfig;
