mod config;
mod database;
mod db;
mod embedded;
mod health;
mod telemetry;
mod testing;
