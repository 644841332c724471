//! The demo world: a seeded simulator of three small shops in three time zones.
//!
//! `simulate(seed, today, definition)` is a pure function: the same arguments give the same bytes on every platform.
//! Two things make that so. Every random number comes from a stream keyed by what it is for (store, product, day,
//! purpose), so that changing one draw shifts no other, and a later `today` extends the same history. And `exp`, `ln`,
//! `pow` and the like come from the `libm` crate, not from the platform's mathematics library.

mod calendar;
mod definition;
mod demand;
mod effects;
mod error;
mod market;
mod menu;
mod news;
mod orders;
mod prices;
mod promos;
mod random;
mod rows;
mod simulate;
mod truth;
mod weather;
mod write;

use std::sync::LazyLock;

pub use calendar::{Calendar, Feast};
pub use definition::{Closing, Columns, Daypart, Definition, Export, Family, Observance, Region, StockPolicy, Store, Topic};
pub use effects::{EffectRow, Effects, FACTORS};
pub use error::WorldError;
pub(crate) use market::price as market_price;
pub use menu::{ComponentUse, Ingredient, Product, Recipe};
pub use news::Spike;
pub(crate) use news::to_utc;
pub(crate) use random::{Key, Stream};
pub use rows::{
    CalendarEvent, CalendarKind, MarketPrice, NewsSignal, PriceChange, Promo, SalesLine, Stockout, WeatherActual, WeatherForecast,
};
pub use simulate::{SimulatedWorld, simulate};
pub use truth::{ProductTruth, Truth};
pub use weather::{ForecastSlot, RegionWeather};
pub(crate) use write::order_id;

/// The committed demo world.
pub struct World;

static DEFINITION: LazyLock<Definition> = LazyLock::new(|| {
    // The files are compiled in and a test parses them, so this cannot fail in a build that passed its tests.
    Definition::parse(definition::WORLD, definition::MENUS, definition::PANTRY, definition::CALENDAR)
        .expect("the committed data/demo/*.toml parse")
});

impl World {
    /// The parsed definition of `data/demo`: stores, menus, pantry, calendar and the effects that hold in them.
    pub fn definition() -> &'static Definition {
        &DEFINITION
    }
}
