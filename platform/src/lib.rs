//! Everything the product stands on: config, database, queue, cache, limits, bus, objects, mail, telemetry, clock.
//!
//! This crate knows no source, model or screen by name. What the other crates use most:
//!
//! * [`database::Database`]: the pools of the three roles, on the private cluster or on `DATABASE_URL`;
//! * [`db`]: every SQL statement but the queue's and the outbox', one file a table;
//! * [`auth`]: passwords, signing keys, tokens;
//! * [`queue`], [`bus`], [`cache`], [`limits`], [`objects`], [`mail`]: each a small trait, its implementations and a conformance suite;
//! * [`config::Config`]: all settings, from a TOML file and the environment;
//! * [`clock::SharedClock`]: what time it is, also in tests that set it;
//! * [`testing::TestDb`]: a migrated database of its own for every test.

pub mod auth;
pub mod backfills;
pub mod bus;
pub mod cache;
pub mod clock;
pub mod config;
pub mod data_dir;
pub mod database;
pub mod db;
pub mod embedded;
pub mod health;
pub mod host;
pub mod http;
pub mod limits;
pub mod mail;
pub mod objects;
pub mod queue;
pub mod redis;
pub mod telemetry;
pub mod testing;
