//! The definition of the demo world, parsed from the committed files under `data/demo` and checked for meaning.

use std::collections::BTreeMap;

use chrono::{NaiveTime, Weekday};
use chrono_tz::Tz;
use serde::Deserialize;

use super::calendar::{Calendar, Feast};
use super::effects::Effects;
use super::error::WorldError;
use super::menu::{self, Ingredient, Product, Recipe};

pub(crate) const WORLD: &str = include_str!("../../../data/demo/world.toml");
pub(crate) const MENUS: &str = include_str!("../../../data/demo/menus.toml");
pub(crate) const PANTRY: &str = include_str!("../../../data/demo/pantry.toml");
pub(crate) const CALENDAR: &str = include_str!("../../../data/demo/calendar.toml");

const FILE: &str = "world.toml";

/// The whole demo world before any chance.
#[derive(Debug, Clone)]
pub struct Definition {
    /// Years of history before `today`.
    pub history_years: u32,
    /// The year whose prices the menu shows.
    pub price_year: i32,
    /// Spread of a product's effects around its family's.
    pub sensitivity_spread: f64,
    /// Share of demand in the week from Idul Fitri on, times a store's observance.
    pub after_lebaran: f64,
    /// The shops, with their menus.
    pub stores: Vec<Store>,
    /// What products of one kind share, by name.
    pub families: BTreeMap<String, Family>,
    /// Intraday profiles, by name.
    pub dayparts: BTreeMap<String, Daypart>,
    /// News topics.
    pub topics: Vec<Topic>,
    /// Everything bought: kitchen ingredients and, for goods sold on as they are, one per product.
    pub ingredients: Vec<Ingredient>,
    /// Half-made things cooked from ingredients and other recipes.
    pub recipes: Vec<Recipe>,
    /// Holidays and Ramadan.
    pub calendar: Calendar,
}

/// One invented shop.
#[derive(Debug, Clone)]
pub struct Store {
    /// Short name in file names.
    pub slug: String,
    /// Name on the sign.
    pub name: String,
    /// warung, bakery or minimarket.
    pub kind: String,
    /// IANA zone.
    pub zone: Tz,
    /// Local opening, hours after midnight.
    pub opens: f64,
    /// Local closing, hours after the business day's midnight (26 = 02:00).
    pub closes: f64,
    /// Local time at which the next business day begins.
    pub business_day_cutoff: NaiveTime,
    /// Weekdays without business.
    pub closed_weekdays: Vec<Weekday>,
    /// Feasts without business.
    pub closed: Vec<Closing>,
    /// Demand by weekday, Monday first.
    pub weekday: [f64; 7],
    /// How much the neighbourhood keeps the feasts.
    pub observance: Observance,
    /// How orders come in, with shares.
    pub channels: Vec<(String, f64)>,
    /// Mean lines of an order (1 to 4).
    pub receipt_lines: f64,
    /// First part of order numbers.
    pub order_prefix: String,
    /// Where it stands, and that place's weather.
    pub region: Region,
    /// How the owner's till exports sales.
    pub export: Export,
    /// The menu.
    pub products: Vec<Product>,
}

/// How much the neighbourhood keeps the feasts, 0 to 1.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observance {
    /// Fasting.
    pub ramadan: f64,
    /// Idul Fitri.
    pub lebaran: f64,
    /// Christmas.
    pub christmas: f64,
}

/// Closed from `from` to `to` days after a feast.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closing {
    /// The feast.
    pub feast: Feast,
    /// First closed day, relative to it.
    pub from: i64,
    /// Last closed day.
    pub to: i64,
}

/// A place and its climate.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Kemendagri code `PP.KK.CC.VVVV`.
    pub adm4: String,
    /// Province.
    pub province: String,
    /// City or regency.
    pub city: String,
    /// District (kecamatan).
    pub district: String,
    /// Village (kelurahan).
    pub village: String,
    /// Degrees east.
    pub lon: f64,
    /// Degrees north.
    pub lat: f64,
    /// Yearly mean, degrees Celsius.
    pub temperature: f64,
    /// Amplitude over the year, degrees Celsius.
    pub swing: f64,
    /// Share of wet days, by month.
    pub rain_chance: [f64; 12],
    /// Mean millimetres of a wet day, by month.
    pub rain_mm: [f64; 12],
}

/// The dialect of an owner's sales export, as `ingest sales_csv --map` needs it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// Field separator.
    pub delimiter: char,
    /// Whether the file starts with a UTF-8 byte order mark.
    pub byte_order_mark: bool,
    /// `strftime` pattern of the local time.
    pub datetime: String,
    /// Numbers as `2,00` instead of `2`.
    pub decimal_comma: bool,
    /// Header of each of our columns.
    pub columns: Columns,
}

/// Headers in the owner's words.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Columns {
    pub order_id: String,
    pub ordered_at: String,
    pub product: String,
    pub category: String,
    pub quantity: String,
    pub unit_price: String,
    pub channel: String,
}

impl Columns {
    /// Our names with the owner's, in file order.
    pub fn pairs(&self) -> [(&'static str, &str); 7] {
        [
            ("order_id", &self.order_id),
            ("ordered_at", &self.ordered_at),
            ("product", &self.product),
            ("category", &self.category),
            ("quantity", &self.quantity),
            ("unit_price", &self.unit_price),
            ("channel", &self.channel),
        ]
    }
}

/// How a product comes to be on the counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StockPolicy {
    /// Cooked ahead from what the owner expects: can run out.
    Cooked,
    /// Made when asked for: runs out only when supply fails.
    ToOrder,
    /// Bought in packs: runs out only when supply fails.
    Shelf,
}

/// What products of one kind share.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// Category on the receipt.
    pub category: String,
    /// Selling unit.
    pub unit: String,
    /// Name of the intraday profile.
    pub daypart: String,
    /// How it is stocked.
    pub stock: StockPolicy,
    /// Days it keeps once made or bought.
    pub shelf_life_days: u32,
    /// Mean units on one receipt line.
    pub line: f64,
    /// Overdispersion: variance = mean + dispersion x mean^2.
    pub dispersion: f64,
    /// Effects before a product's own sensitivity.
    pub effects: Effects,
    /// Promos a product has in a month.
    pub promos: f64,
}

/// When in the day people buy: peaks of (local hour, spread in hours, weight).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Daypart {
    /// On most days.
    pub usual: Vec<[f64; 3]>,
    /// On days of fasting, where most people fast.
    pub ramadan: Vec<[f64; 3]>,
}

/// Something people start to talk about.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// Store slug.
    pub store: String,
    /// Short name.
    pub slug: String,
    /// Headline.
    pub headline: String,
    /// Names of the products it lifts.
    pub products: Vec<String>,
    /// How often it goes viral.
    pub per_year: f64,
    /// Lift at the peak; 0 makes the topic noise.
    pub lift: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WorldFile {
    history_years: u32,
    price_year: i32,
    sensitivity_spread: f64,
    after_lebaran: f64,
    stores: Vec<StoreFile>,
    dayparts: BTreeMap<String, Daypart>,
    families: BTreeMap<String, Family>,
    topics: Vec<Topic>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoreFile {
    slug: String,
    name: String,
    kind: String,
    zone: String,
    opens: f64,
    closes: f64,
    business_day_cutoff: NaiveTime,
    closed_weekdays: Vec<String>,
    closed: Vec<Closing>,
    weekday: [f64; 7],
    observance: Observance,
    channels: BTreeMap<String, f64>,
    receipt_lines: f64,
    order_prefix: String,
    region: Region,
    export: Export,
}

impl Definition {
    /// Parses and checks the four files. Errors name the file and the wrong line, name or number.
    pub(crate) fn parse(world: &str, menus: &str, pantry: &str, calendar: &str) -> Result<Self, WorldError> {
        let file: WorldFile = toml::from_str(world).map_err(|source| WorldError::Parse { file: FILE, source })?;
        let calendar = Calendar::parse(calendar)?;
        let (mut ingredients, recipes) = menu::parse_pantry(pantry)?;
        let mut stores = file.stores.into_iter().map(StoreFile::resolve).collect::<Result<Vec<_>, _>>()?;
        menu::fill(&mut stores, menus, &file.families, &mut ingredients)?;
        menu::check_components(&stores, &ingredients, &recipes)?;
        let definition = Definition {
            history_years: file.history_years,
            price_year: file.price_year,
            sensitivity_spread: file.sensitivity_spread,
            after_lebaran: file.after_lebaran,
            stores,
            families: file.families,
            dayparts: file.dayparts,
            topics: file.topics,
            ingredients,
            recipes,
            calendar,
        };
        definition.check_names()?;
        Ok(definition)
    }

    /// The store of that slug.
    pub fn store(&self, slug: &str) -> Option<&Store> {
        self.stores.iter().find(|store| store.slug == slug)
    }

    fn check_names(&self) -> Result<(), WorldError> {
        for (name, family) in &self.families {
            if !self.dayparts.contains_key(&family.daypart) {
                let what = format!("family `{name}` names the daypart `{}`, which does not exist", family.daypart);
                return Err(WorldError::definition(FILE, what));
            }
        }
        for topic in &self.topics {
            let store = self.store(&topic.store);
            for product in &topic.products {
                if !store.is_some_and(|store| store.products.iter().any(|known| known.name == *product)) {
                    let what = format!("topic `{}` lifts `{product}`, which `{}` does not sell", topic.slug, topic.store);
                    return Err(WorldError::definition(FILE, what));
                }
            }
        }
        Ok(())
    }
}

impl StoreFile {
    fn resolve(self) -> Result<Store, WorldError> {
        let wrong = |what: String| WorldError::definition(FILE, format!("store `{}`: {what}", self.slug));
        let zone = self.zone.parse().map_err(|_| wrong(format!("`{}` is not an IANA time zone", self.zone)))?;
        let closed_weekdays = self.closed_weekdays.iter().map(|day| day.parse());
        let closed_weekdays =
            closed_weekdays.collect::<Result<Vec<Weekday>, _>>().map_err(|_| wrong("a closed weekday is not one".into()))?;
        if self.closes <= self.opens || self.closes > 30.0 {
            return Err(wrong(format!("cannot close at {} after opening at {}", self.closes, self.opens)));
        }
        Ok(Store {
            slug: self.slug,
            name: self.name,
            kind: self.kind,
            zone,
            opens: self.opens,
            closes: self.closes,
            business_day_cutoff: self.business_day_cutoff,
            closed_weekdays,
            closed: self.closed,
            weekday: self.weekday,
            observance: self.observance,
            channels: self.channels.into_iter().collect(),
            receipt_lines: self.receipt_lines,
            order_prefix: self.order_prefix,
            region: self.region,
            export: self.export,
            products: Vec::new(),
        })
    }
}

impl Store {
    /// Whether the shop does business on that business day.
    pub fn is_open(&self, day: chrono::NaiveDate, calendar: &Calendar) -> bool {
        let weekday = chrono::Datelike::weekday(&day);
        let feast = self.closed.iter().any(|closing| calendar.is_near(closing.feast, day, closing.from, closing.to));
        !feast && !self.closed_weekdays.contains(&weekday)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(world: &str, menus: &str, pantry: &str) -> Result<Definition, WorldError> {
        Definition::parse(world, menus, pantry, CALENDAR)
    }

    #[test]
    fn committed_files_parse() {
        let definition = parse(WORLD, MENUS, PANTRY).expect("parses");
        assert_eq!(definition.stores.len(), 3);
    }

    #[test]
    fn an_unknown_component_is_named() {
        let menus = MENUS.replacen("nasi-putih = 180", "nasi-biru = 180", 1);
        let error = parse(WORLD, &menus, PANTRY).expect_err("unknown component").to_string();
        assert!(error.contains("nasi-biru") && error.contains("Nasi Putih"), "{error}");
    }

    #[test]
    fn a_recipe_cycle_is_refused() {
        let pantry = PANTRY.replacen("uses = { beras = 1000 }", "uses = { nasi-putih = 1000 }", 1);
        let error = parse(WORLD, MENUS, &pantry).expect_err("cycle").to_string();
        assert!(error.contains("nasi-putih"), "{error}");
    }

    #[test]
    fn unknown_keys_and_effects_are_refused() {
        assert!(parse(&format!("surprise = 1\n{WORLD}"), MENUS, PANTRY).is_err());
        let menus = MENUS.replacen("effects = { payday = 0.22 }", "effects = { paydya = 0.22 }", 1);
        assert!(parse(WORLD, &menus, PANTRY).expect_err("typo").to_string().contains("paydya"));
    }
}
