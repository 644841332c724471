mod config;
mod database;
mod embedded;
mod health;
mod telemetry;
mod testing;
