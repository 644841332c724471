//! What a commodity cost in a province on a day.

use std::collections::HashSet;

use chrono::{Datelike, Duration, NaiveDate, NaiveDateTime, Timelike, Weekday};
use chrono_tz::Asia::Jakarta;

use super::catalogue::{Commodity, Province};
use crate::services::Context;
use crate::world::{CalendarKind, Ingredient, Key, SimulatedWorld, Store, Stream, market_price};

/// First day of the survey, and the day from which every province was in it: year, month, day.
const BEGAN: (i32, u32, u32) = (2017, 3, 27);
const WHOLE: (i32, u32, u32) = (2017, 7, 1);
/// The hour at which a day's prices come out, in Jakarta.
const PUBLISHED_AT: u32 = 13;
/// Chance that a province has nothing on a day.
const EMPTY: f64 = 0.08;
/// Steps in which prices are given, in rupiah.
const STEP: f64 = 50.0;

/// What is surveyed: 1 traditional market, 2 modern market, 3 wholesaler, 4 producer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PriceType {
    Traditional,
    Modern,
    Wholesale,
    Producer,
}

impl PriceType {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "1" => Some(PriceType::Traditional),
            "2" => Some(PriceType::Modern),
            "3" => Some(PriceType::Wholesale),
            "4" => Some(PriceType::Producer),
            _ => None,
        }
    }

    /// Against the traditional market.
    fn level(self) -> f64 {
        match self {
            PriceType::Traditional => 1.0,
            PriceType::Modern => 1.11,
            PriceType::Wholesale => 0.94,
            PriceType::Producer => 0.86,
        }
    }

    /// How a respondent of that kind is labelled.
    pub(super) fn respondent(self, city: &str) -> String {
        match self {
            PriceType::Traditional => format!("Pasar {city}"),
            PriceType::Modern => format!("Ritel {city}"),
            PriceType::Wholesale => format!("Pedagang Besar {city}"),
            PriceType::Producer => format!("Produsen {city}"),
        }
    }
}

/// The survey as it is known at a time.
pub(super) struct Survey<'a> {
    world: &'a SimulatedWorld,
    now: NaiveDateTime,
    holidays: HashSet<NaiveDate>,
    pub(super) price_type: PriceType,
}

impl<'a> Survey<'a> {
    pub(super) fn new(context: &'a Context, price_type: PriceType) -> Self {
        let marked = context.world.definition.calendar.events().iter();
        let holidays = marked.filter(|event| event.kind != CalendarKind::Ramadan).map(|event| event.date).collect();
        let now = (context.now)().with_timezone(&Jakarta).naive_local();
        Survey { world: &context.world, now, holidays, price_type }
    }

    /// The working days of `[start, end]` that have a column: Monday to Friday since the survey began, up to today.
    pub(super) fn days(&self, start: NaiveDate, end: NaiveDate) -> Vec<NaiveDate> {
        let days = start.iter_days().take_while(|day| *day <= end.min(self.now.date())).filter(|day| ymd(*day) >= BEGAN);
        days.filter(|day| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun)).collect()
    }

    /// The mean over the provinces that have a price.
    pub(super) fn mean(&self, provinces: &[&Province], commodity: &Commodity, day: NaiveDate) -> Option<i64> {
        mean(provinces.iter().filter_map(|province| self.price(province, commodity, day)))
    }

    /// Rupiah a kilogram (oil: a litre). None on a holiday, before the day's publication, and where the province was silent.
    pub(super) fn price(&self, province: &Province, commodity: &Commodity, day: NaiveDate) -> Option<i64> {
        if !self.is_published(day) || self.is_silent(province, day) {
            return None;
        }
        let definition = &self.world.definition;
        let ingredient = definition.ingredients.iter().find(|entry| entry.slug == commodity.ingredient)?;
        let store = definition.stores.iter().find(|store| store.region.adm4.starts_with(province.adm1));
        let key = self.key(province, store);
        // The world's markets are surveyed on Mondays; in between, a price strays little from the last of them.
        let monday = day - Duration::days(i64::from(day.weekday().num_days_from_monday()));
        let weekly = market_price(key.of(&ingredient.slug), definition, ingredient, monday) as f64;
        let strays = if day == monday { 0.0 } else { 0.1 * ingredient.volatility * draw(key.of(commodity.name), day).normal() };
        let place = if store.is_some() { 1.0 } else { key.of("level").stream().between(0.94, 1.12) };
        let price = weekly * per_unit(ingredient) * (1.0 + strays) * commodity.level * place * self.price_type.level();
        Some(to_step(price))
    }

    /// Prices of the two surveyed cities: as far above the province's price as below it.
    pub(super) fn city_price(&self, province: &Province, commodity: &Commodity, city: usize, day: NaiveDate) -> Option<i64> {
        let price = self.price(province, commodity, day)?;
        let spread = draw(self.key(province, None).of("cities"), day).below(20);
        let apart = to_step(price as f64 * 0.002 * f64::from(spread));
        Some(if city == 0 { price + apart } else { price - apart })
    }

    /// A province with a shop has that shop's market.
    fn key(&self, province: &Province, store: Option<&Store>) -> Key {
        let root = Key::root(self.world.seed);
        store.map_or_else(|| root.of("pihps").at(i64::from(province.id)), |store| root.of(&store.slug).of("market"))
    }

    fn is_published(&self, day: NaiveDate) -> bool {
        let is_out = day < self.now.date() || (day == self.now.date() && self.now.hour() >= PUBLISHED_AT);
        is_out && !self.is_off(day)
    }

    /// Holidays and joint leave; before the calendar's first year only the holidays of a fixed date are known.
    fn is_off(&self, day: NaiveDate) -> bool {
        matches!((day.month(), day.day()), (1, 1) | (5, 1) | (6, 1) | (8, 17) | (12, 25)) || self.holidays.contains(&day)
    }

    fn is_silent(&self, province: &Province, day: NaiveDate) -> bool {
        let never = self.price_type == PriceType::Producer && province.adm1 == "31"; // nobody produces in Jakarta
        let chance = if ymd(day) < WHOLE { 0.5 } else { EMPTY };
        never || draw(Key::root(self.world.seed).of("pihps").of(province.name), day).chance(chance)
    }
}

fn ymd(day: NaiveDate) -> (i32, u32, u32) {
    (day.year(), day.month(), day.day())
}

fn draw(key: Key, day: NaiveDate) -> Stream {
    key.at(i64::from(day.num_days_from_ce())).stream()
}

/// Packs in a kilogram or litre; sixteen eggs weigh about a kilogram, which is their pack.
fn per_unit(ingredient: &Ingredient) -> f64 {
    if matches!(ingredient.unit.as_str(), "g" | "ml") { 1000.0 / ingredient.pack } else { 1.0 }
}

/// The mean of some prices, in their steps.
pub(super) fn mean(prices: impl Iterator<Item = i64>) -> Option<i64> {
    let (sum, count) = prices.fold((0, 0), |(sum, count), price| (sum + price, count + 1));
    (count > 0).then(|| to_step(sum as f64 / f64::from(count)))
}

fn to_step(price: f64) -> i64 {
    ((price / STEP).round() * STEP) as i64
}
