//! Tests of the demo world and the stand-in services.

mod bmkg;
mod effects;
mod faults;
mod files;
mod groq;
mod open_meteo;
mod pihps;
mod pos;
mod registry;
mod serper;
mod shape;
mod smtp;
mod weather;
mod xendit;

use std::sync::LazyLock;

use chrono::NaiveDate;
use standin::world::{SimulatedWorld, World, simulate};

/// The pinned world of these tests.
pub const SEED: u64 = 7;

/// The world of seed 7 on Monday, 2026-11-23; simulated once.
pub fn world() -> &'static SimulatedWorld {
    static WORLD: LazyLock<SimulatedWorld> = LazyLock::new(|| simulated(today()));
    &WORLD
}

pub fn simulated(today: NaiveDate) -> SimulatedWorld {
    simulate(SEED, today, World::definition()).expect("the pinned day is inside the calendar")
}

pub fn today() -> NaiveDate {
    day("2026-11-23")
}

pub fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}
