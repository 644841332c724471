//! Demand, stock and sales of one product, day by day, with every factor kept.

use chrono::{Datelike, Duration, NaiveDate};

use super::definition::{Definition, Family, StockPolicy, Store};
use super::effects::{EffectRow, Effects, lift};
use super::menu::Product;
use super::news::Spike;
use super::prices::{PricePath, rounded, years_since_reference};
use super::random::{Key, wander};
use super::rows::Promo;
use super::weather::RegionWeather;

/// How far a product's level strays from its trend, as the standard deviation of its logarithm.
const STRAY: f64 = 0.06;

/// Everything that shapes the demand of one product.
pub(crate) struct ProductSeries<'a> {
    pub key: Key,
    pub definition: &'a Definition,
    pub store: &'a Store,
    pub product: &'a Product,
    pub family: &'a Family,
    pub effects: Effects,
    pub weather: &'a RegionWeather,
    pub prices: PricePath,
    pub promos: Vec<Promo>,
    pub spikes: Vec<&'a Spike>,
    pub store_index: u16,
    pub product_index: u16,
}

/// The family's effects times this product's own sensitivity, one draw an effect.
pub(crate) fn sensitive(key: Key, product: &Product, spread: f64) -> Effects {
    let mut effects = product.effects;
    for name in Effects::DRAWN {
        let factor = key.of(name).stream().between(1.0 - spread, 1.0 + spread);
        if let Some(value) = effects.field(name) {
            *value *= factor;
        }
    }
    effects
}

impl ProductSeries<'_> {
    /// One row for each business day from `first` to `last`.
    pub(crate) fn rows(&self, first: NaiveDate, last: NaiveDate) -> impl Iterator<Item = EffectRow> + '_ {
        first.iter_days().take_while(move |day| *day <= last).map(|day| self.row(day))
    }

    /// Rupiah per unit as paid: the list price less the promo's discount.
    pub(crate) fn paid_price(&self, day: NaiveDate) -> i64 {
        let list = self.prices.on(day);
        match self.discount(day) {
            0 => list,
            percent => rounded(list as f64 * (1.0 - f64::from(percent) / 100.0)),
        }
    }

    fn row(&self, day: NaiveDate) -> EffectRow {
        let base = self.product.base / self.product.every_days.unwrap_or(1.0);
        let factors = self.factors(day);
        let open = self.store.is_open(day, &self.definition.calendar);
        let wanted = if open { base * factors.iter().product::<f64>() } else { 0.0 };
        let (expected, demand) = self.draw_demand(day, wanted);
        let prepared = if open { self.stock(day, base, &factors) } else { None };
        let sales = prepared.map_or(demand, |stock| demand.min(stock));
        let (store, product) = (self.store_index, self.product_index);
        EffectRow { store, product, business_day: day, base, factors, open, expected, demand, prepared, sales }
    }

    /// In the order of `FACTORS`.
    fn factors(&self, day: NaiveDate) -> [f64; 10] {
        let calendar = &self.definition.calendar;
        let effects = &self.effects;
        let observance = &self.store.observance;
        let number = i64::from(day.num_days_from_ce());
        let stray = libm::exp(STRAY * wander(self.key.of("level"), number));
        let weekday = self.store.weekday[day.weekday().num_days_from_monday() as usize];
        let rain = 1.0 - libm::exp(-self.weather.rain_mm(day) / 12.0);
        let price = self.prices.on(day) as f64 / self.product.price as f64;
        let viral: f64 = self.spikes.iter().map(|spike| spike.extra(day)).sum();
        let when = |condition: bool| if condition { 1.0 } else { 0.0 };
        [
            lift(effects.growth, years_since_reference(day)) * stray,
            lift(weekday - 1.0, effects.weekday),
            lift(effects.payday, when(day.day() >= 25 || day.day() == 1)),
            lift(effects.ramadan, observance.ramadan * when(calendar.is_ramadan(day))),
            self.feast(day),
            lift(effects.holiday, when(calendar.is_holiday(day))),
            lift(effects.rain, rain),
            libm::pow(price, effects.elasticity),
            lift(effects.promo, f64::from(self.discount(day)) / 20.0),
            1.0 + viral,
        ]
    }

    /// The week before Idul Fitri, the quiet week from it on, and the days before Christmas.
    fn feast(&self, day: NaiveDate) -> f64 {
        let observance = &self.store.observance;
        let lebaran = match self.definition.calendar.days_from_idul_fitri(day) {
            -7..=-1 => lift(self.effects.lebaran, observance.lebaran),
            0..=6 => lift(self.definition.after_lebaran, observance.lebaran),
            _ => 1.0,
        };
        let advent = day.month() == 12 && (14..=24).contains(&day.day());
        lebaran * if advent { lift(self.effects.christmas, observance.christmas) } else { 1.0 }
    }

    fn discount(&self, day: NaiveDate) -> u32 {
        let running = self.promos.iter().find(|promo| (promo.starts_on..=promo.ends_on).contains(&day));
        running.map_or(0, |promo| promo.discount_percent)
    }

    /// Mean and draw of the day's demand. Intermittent products sell on some days only, then `base` at once.
    fn draw_demand(&self, day: NaiveDate, wanted: f64) -> (f64, u32) {
        let mut stream = self.key.of("demand").at(i64::from(day.num_days_from_ce())).stream();
        if self.product.every_days.is_none() {
            return (wanted, stream.negative_binomial(wanted, self.family.dispersion));
        }
        let chance = (wanted / self.product.base).min(0.95);
        let sells = stream.chance(chance);
        let more = stream.poisson(self.product.base - 1.0);
        (chance * self.product.base, if sells { 1 + more } else { 0 })
    }

    /// Units there are to sell. Who cooks ahead goes by the plain level, the weekday and the fast, with a margin, and
    /// does not see rain, paydays or news coming; others only run short when supply fails, on one day in a hundred.
    fn stock(&self, day: NaiveDate, base: f64, factors: &[f64; 10]) -> Option<u32> {
        let mut stream = self.key.of("stock").at(i64::from(day.num_days_from_ce())).stream();
        let plain = base * factors[0] * factors[1] * factors[3] * factors[7];
        if self.family.stock == StockPolicy::Cooked && self.product.every_days.is_none() {
            let guess = plain * (1.0 + 0.08 * stream.normal()).max(0.6);
            let spread = libm::sqrt(guess + self.family.dispersion * guess * guess);
            let short = if stream.chance(0.015) { 0.6 } else { 1.0 };
            let wanted = (guess + 1.45 * spread) * short;
            let batch = f64::from(self.product.batch);
            return Some(((wanted / batch).ceil() * batch).max(1.0) as u32);
        }
        let fails = stream.chance(0.01);
        fails.then(|| (plain * stream.between(0.3, 0.8)).ceil().max(1.0) as u32)
    }
}

/// First and last day on the menu, within `[first, last]`. Launches and ends fall on the first of a month, so that the
/// world of tomorrow is the world of today with one day more on most days.
pub(crate) fn on_menu(product: &Product, today: NaiveDate, first: NaiveDate, last: NaiveDate) -> (NaiveDate, NaiveDate) {
    let month_of = |days: i64| {
        let day = today - Duration::days(days);
        day.with_day(1).unwrap_or(day)
    };
    let launched = product.launched_days_ago.map_or(first, month_of);
    let ended = product.ended_days_ago.map_or(last, |days| month_of(days) - Duration::days(1));
    (launched.max(first), ended.min(last))
}
