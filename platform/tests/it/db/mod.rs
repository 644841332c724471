//! The schema and the functions over it, against a real database.

mod begin;
mod catalogue;
mod erasure;
mod forecasts;
mod migrations;
mod orders;
mod overrides;
mod partitions;
mod prepared;
mod runs;
mod sales;
mod schema;
mod shop;
mod sources;
mod tenancy;
mod vintages;
