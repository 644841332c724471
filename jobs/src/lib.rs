#![doc = include_str!("../README.md")]

pub mod alerts;
mod asked;
pub mod backfill;
mod events;
pub mod nightly;
pub mod scheduler;
mod training_table;
pub mod what_if;
pub mod workers;

pub use nightly::{NightError, NightReport, Nightly, Stage};
pub use scheduler::{Schedule, ScheduleError};
pub use training_table::training_table;
