//! Puts the parts together: one pass over stores, products and days.

use std::collections::BTreeMap;

use chrono::{Duration, Months, NaiveDate};

use super::definition::{Definition, Store};
use super::demand::{ProductSeries, on_menu, sensitive};
use super::effects::EffectRow;
use super::error::WorldError;
use super::news::{self, Spike, to_utc};
use super::orders::{Clocks, Request, ring_up, serve_day, wall_clock};
use super::random::Key;
use super::rows::{CalendarEvent, MarketPrice, NewsSignal, PriceChange, Promo, SalesLine, Stockout, WeatherActual, WeatherForecast};
use super::truth::{ProductTruth, Truth};
use super::weather::RegionWeather;
use super::{market, prices, promos};

/// Days past `today` for which the promo plan and the calendar are handed over.
const PLAN_AHEAD: i64 = 60;
/// Days past `today` for which the weather exists, so that a stand-in can go on issuing forecasts.
const WEATHER_AHEAD: i64 = 30;

/// Three years of three shops up to the day before `today`. All of it is synthetic.
#[derive(Debug, Clone)]
pub struct SimulatedWorld {
    /// Seed of every stream.
    pub seed: u64,
    /// The morning the world is seen from.
    pub today: NaiveDate,
    /// First business day.
    pub first_day: NaiveDate,
    /// Last complete business day: the day before `today`.
    pub last_day: NaiveDate,
    /// What it was made from.
    pub definition: Definition,
    /// Order lines by store, in the definition's order; each by time.
    pub sales: Vec<Vec<SalesLine>>,
    /// Sold-out products.
    pub stockouts: Vec<Stockout>,
    /// The weather as it was, up to `last_day`.
    pub weather_actual: Vec<WeatherActual>,
    /// Every forecast run up to the morning of `today`.
    pub weather_forecasts: Vec<WeatherForecast>,
    /// Marked days up to `today` + 60 days.
    pub calendar: Vec<CalendarEvent>,
    /// Promos that start up to `today` + 60 days.
    pub promos: Vec<Promo>,
    /// Own list prices up to `today` + 7 days, as far ahead as they are decided.
    pub prices: Vec<PriceChange>,
    /// Weekly ingredient prices.
    pub market_prices: Vec<MarketPrice>,
    /// Daily loudness of news topics.
    pub news_signals: Vec<NewsSignal>,
    /// The weather behind the rows above, by store.
    pub regions: Vec<RegionWeather>,
    /// What really moved demand: for tests and explanations, never an input of a model.
    pub truth: Truth,
}

/// Simulates the world as it is known on the morning of `today`.
///
/// The same arguments give the same world; a later `today` extends it (only a product's launch or end moves, with the
/// month).
///
/// # Errors
/// [`WorldError::UnsupportedDay`] where the history or the plan would leave the years of the calendar.
pub fn simulate(seed: u64, today: NaiveDate, definition: &Definition) -> Result<SimulatedWorld, WorldError> {
    let epoch = supported(today, definition)?;
    let first_day = today - Months::new(12 * definition.history_years);
    let mut world = SimulatedWorld {
        seed,
        today,
        first_day,
        last_day: today - Duration::days(1),
        definition: definition.clone(),
        sales: Vec::new(),
        stockouts: Vec::new(),
        weather_actual: Vec::new(),
        weather_forecasts: Vec::new(),
        calendar: Vec::new(),
        promos: Vec::new(),
        prices: Vec::new(),
        market_prices: Vec::new(),
        news_signals: Vec::new(),
        regions: Vec::new(),
        truth: Truth::default(),
    };
    let plan_end = today + Duration::days(PLAN_AHEAD);
    world.calendar = definition.calendar.events().to_vec();
    world.calendar.retain(|event| (first_day..=plan_end).contains(&event.date) && event.available_at.date_naive() <= today);
    for (index, store) in definition.stores.iter().enumerate() {
        let key = Key::root(seed).of(&store.slug);
        let weather = RegionWeather::simulate(key.of("weather"), store, epoch, today + Duration::days(WEATHER_AHEAD));
        world.record_weather(&weather);
        world.record_news(key.of("news"), store, epoch);
        world.market_prices.extend(market::surveys(key.of("market"), definition, store, first_day, world.last_day));
        world.trade(index as u16, key, store, &weather);
        world.regions.push(weather);
    }
    Ok(world)
}

/// The first day whose calendar is known, if `today` can be simulated at all.
fn supported(today: NaiveDate, definition: &Definition) -> Result<NaiveDate, WorldError> {
    let (first_year, last_year) = definition.calendar.years();
    let epoch = NaiveDate::from_ymd_opt(first_year, 1, 1).unwrap_or(today);
    let end = NaiveDate::from_ymd_opt(last_year, 12, 31).unwrap_or(today);
    let first = epoch + Months::new(12 * definition.history_years);
    let last = end - Duration::days(PLAN_AHEAD);
    if (first..=last).contains(&today) { Ok(epoch) } else { Err(WorldError::UnsupportedDay { today, first, last }) }
}

impl SimulatedWorld {
    /// Order lines over all stores.
    pub fn line_count(&self) -> usize {
        self.sales.iter().map(Vec::len).sum()
    }

    /// Orders over all stores.
    pub fn order_count(&self) -> usize {
        let of_store = |lines: &Vec<SalesLine>| {
            let keys = lines.iter().map(|line| (line.business_day, line.order));
            keys.fold((0, None), |(count, last), key| (count + usize::from(last != Some(key)), Some(key))).0
        };
        self.sales.iter().map(of_store).sum()
    }

    fn record_weather(&mut self, weather: &RegionWeather) {
        for day in self.first_day.iter_days().take_while(|day| *day <= self.last_day) {
            self.weather_actual.extend(weather.actual(day));
        }
        // Three evenings before the first day a run speaks of it for the first time.
        let midnight = |day: NaiveDate| day.and_time(chrono::NaiveTime::MIN).and_utc();
        let mut run = midnight(self.first_day) - Duration::hours(60);
        while run <= midnight(self.today) {
            self.weather_forecasts.extend(weather.issue(run).into_iter().filter(|row| row.date >= self.first_day));
            run += Duration::hours(12);
        }
    }

    fn record_news(&mut self, key: Key, store: &Store, epoch: NaiveDate) {
        for topic in self.definition.topics.iter().filter(|topic| topic.store == store.slug) {
            let key = key.of(&topic.slug);
            let spikes = news::spikes(key, topic, epoch, self.last_day);
            self.news_signals.extend(news::signals(key, store, topic, &spikes, self.first_day, self.last_day));
            self.truth.spikes.extend(spikes);
        }
    }

    /// All products of one store: demand, stock, requests; then the orders of each day.
    fn trade(&mut self, store_index: u16, key: Key, store: &Store, weather: &RegionWeather) {
        let definition = self.definition.clone();
        let spikes = self.truth.spikes.clone();
        let mut series = Vec::new();
        let mut requests: BTreeMap<NaiveDate, Vec<Request>> = BTreeMap::new();
        for (index, product) in store.products.iter().enumerate() {
            let Some(family) = definition.families.get(&product.family) else { continue };
            let Some(daypart) = definition.dayparts.get(&family.daypart) else { continue };
            let key = key.of("product").of(&product.slug);
            let plan_end = self.today + Duration::days(PLAN_AHEAD);
            let plan_start = self.first_day - Duration::days(31); // a promo may still run on the first day
            let one = ProductSeries {
                key,
                definition: &definition,
                store,
                product,
                family,
                effects: sensitive(key.of("sensitivity"), product, definition.sensitivity_spread),
                weather,
                prices: prices::path(key.of("price"), &definition, product),
                promos: promos::plan(key.of("promo"), &definition, store, product, plan_start, plan_end),
                spikes: spikes.iter().filter(|spike| is_lifted(spike, store, &product.name)).collect(),
                store_index,
                product_index: index as u16,
            };
            let (first, last) = on_menu(product, self.today, self.first_day, self.last_day);
            let rows: Vec<EffectRow> = one.rows(first, last).collect();
            self.serve(&one, &Clocks::new(store, daypart), &rows, &mut requests);
            self.record_plan(&one, first, product.ended_days_ago.map(|_| last));
            self.truth.rows.extend(rows);
            series.push(one);
        }
        let ring = |(day, requests)| ring_up(key, store, day, requests, |product| series[usize::from(product)].paid_price(day));
        self.sales.push(requests.into_iter().flat_map(ring).collect());
    }

    fn serve(&mut self, one: &ProductSeries, clocks: &Clocks, rows: &[EffectRow], requests: &mut BTreeMap<NaiveDate, Vec<Request>>) {
        for row in rows.iter().filter(|row| row.demand > 0) {
            let day = row.business_day;
            let clock = clocks.on(one.definition.calendar.is_ramadan(day));
            let (served, sold_out) = serve_day(one.key, clock, row, one.family.line);
            requests.entry(day).or_default().extend(served);
            if let (Some(second), Some(prepared)) = (sold_out, row.prepared) {
                let sold_out_at = wall_clock(day, second);
                self.stockouts.push(Stockout {
                    store: one.store.slug.clone(),
                    product: one.product.name.clone(),
                    business_day: day,
                    prepared,
                    sold_out_at,
                    available_at: to_utc(one.store.zone, sold_out_at),
                });
            }
        }
    }

    fn record_plan(&mut self, one: &ProductSeries, first: NaiveDate, ended: Option<NaiveDate>) {
        let until = ended.unwrap_or(self.today + Duration::days(7));
        self.prices.extend(one.prices.rows(one.store, one.product, first, until));
        let until = ended.unwrap_or(self.today + Duration::days(PLAN_AHEAD));
        let running = one.promos.iter().filter(|promo| promo.ends_on >= first && promo.starts_on <= until);
        self.promos.extend(running.cloned());
        self.truth.products.push(ProductTruth::of(one));
    }
}

fn is_lifted(spike: &Spike, store: &Store, product: &str) -> bool {
    spike.store == store.slug && spike.products.iter().any(|lifted| lifted == product)
}
