mod bus;
mod cache;
mod config;
mod database;
mod db;
mod embedded;
mod health;
mod limits;
mod mail;
mod objects;
mod places;
mod queue;
mod s3_server;
mod smtp;
mod telemetry;
mod testing;

use platform::testing::eventually;
