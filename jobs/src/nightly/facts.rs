//! A store's facts as loaded, and their translation into a panel.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use domain::Frequency;
use domain::frequency::days_since_epoch;
use domain::panel::{GapPolicy, Panel};
use domain::time::BusinessCalendar;
use uuid::Uuid;

use super::demand::Study;
use super::knowledge::Knowledge;
use super::openings::Openings;
use super::{regressors, sales};

/// Everything one store's forecast may draw on. Instants are when each fact became available; versions of one fact come
/// in the order in which they did.
#[derive(Debug, Clone, Default)]
pub struct StoreFacts {
    /// Products to forecast, in the order of the panel's series.
    pub products: Vec<(Uuid, String)>,
    /// What is fixed about each of them, in the same order.
    pub listings: Vec<Listing>,
    /// By product, day and availability; of products that are not forecast too, for they tell when the store was open.
    pub sales: Vec<Sale>,
    /// By product and day: when each was asked for, where the store's orders are known.
    pub orders: Vec<Orders>,
    pub stockouts: Vec<Stockout>,
    pub events: Vec<CalendarSpan>,
    pub promos: Vec<Promo>,
    pub weather: Vec<WeatherIssue>,
    pub news: Vec<NewsSignal>,
    /// Of what the products are made of, by commodity and day.
    pub market_prices: Vec<MarketPrice>,
    /// What one unit of a product takes of each commodity, in the unit of its market prices.
    pub made_of: HashMap<Uuid, Vec<(String, f64)>>,
}

impl StoreFacts {
    /// What was told later counts as if it had been known at `instant`: panels know nights, and nothing between two of them.
    pub(super) fn count_as_known_by(&mut self, instant: DateTime<Utc>) {
        let Self { sales, orders, stockouts, events, promos, weather, news, market_prices, products: _, listings: _, made_of: _ } = self;
        let told = sales.iter_mut().map(|sale| &mut sale.available_at);
        let told = told.chain(orders.iter_mut().map(|orders| &mut orders.available_at));
        let told = told.chain(stockouts.iter_mut().map(|stockout| &mut stockout.available_at));
        let told = told.chain(events.iter_mut().map(|event| &mut event.available_at));
        let told = told.chain(promos.iter_mut().map(|promo| &mut promo.available_at));
        let told = told.chain(weather.iter_mut().map(|issue| &mut issue.available_at));
        let told = told.chain(news.iter_mut().map(|signal| &mut signal.available_at));
        let told = told.chain(market_prices.iter_mut().map(|price| &mut price.available_at));
        told.for_each(|at| *at = instant.min(*at));
    }
}

/// One version of one product's daily total.
#[derive(Debug, Clone, PartialEq)]
pub struct Sale {
    pub product: Uuid,
    pub day: NaiveDate,
    /// Selling units.
    pub quantity: f64,
    pub sold_out: bool,
    pub available_at: DateTime<Utc>,
}

/// What is fixed about a product.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    pub category: Option<String>,
    /// Rupiah, as it is today.
    pub price: Option<i64>,
}

/// One product's orders of one day.
#[derive(Debug, Clone, PartialEq)]
pub struct Orders {
    pub product: Uuid,
    pub day: NaiveDate,
    /// Minutes from the start of the business day, ascending.
    pub minutes: Vec<i32>,
    /// Units in each.
    pub quantities: Vec<f64>,
    pub available_at: DateTime<Utc>,
}

/// A product was gone before the day was over.
#[derive(Debug, Clone, PartialEq)]
pub struct Stockout {
    pub product: Uuid,
    pub day: NaiveDate,
    pub from: DateTime<Utc>,
    /// When there was more of it; `None` for not that day.
    pub until: Option<DateTime<Utc>>,
    pub available_at: DateTime<Utc>,
}

/// One version of the days of one calendar event, last day included.
#[derive(Debug, Clone, PartialEq)]
pub struct CalendarSpan {
    pub kind: String,
    /// Versions of one event share it.
    pub name: String,
    pub from: NaiveDate,
    pub to: NaiveDate,
    /// 1, or the probability of this branch of a moving feast; 0 takes an earlier version back.
    pub likelihood: f64,
    pub available_at: DateTime<Utc>,
}

/// One version of a planned promo; `product` is `None` for the whole store.
#[derive(Debug, Clone, PartialEq)]
pub struct Promo {
    pub product: Option<Uuid>,
    /// Versions of one promo of one product share it.
    pub name: String,
    pub from: NaiveDate,
    pub to: NaiveDate,
    /// Share of the price taken off; 0 takes an earlier version back.
    pub discount: f64,
    pub available_at: DateTime<Utc>,
}

/// One issue of a weather forecast for one day.
#[derive(Debug, Clone, PartialEq)]
pub struct WeatherIssue {
    pub day: NaiveDate,
    /// Sum of the day.
    pub rain_mm: Option<f64>,
    /// Mean of the day.
    pub temperature_c: Option<f64>,
    pub available_at: DateTime<Utc>,
}

/// One version of how much a topic that concerns a product was in the news on a day.
#[derive(Debug, Clone, PartialEq)]
pub struct NewsSignal {
    pub product: Uuid,
    /// Topic and region; volumes of several add up.
    pub topic: String,
    pub day: NaiveDate,
    /// Articles.
    pub volume: f64,
    pub available_at: DateTime<Utc>,
}

/// One version of a commodity's price on a day, on one market.
#[derive(Debug, Clone, PartialEq)]
pub struct MarketPrice {
    pub commodity: String,
    pub day: NaiveDate,
    /// Rupiah.
    pub price: f64,
    pub available_at: DateTime<Utc>,
}

/// The panel of a store's products, one series each.
///
/// A product that sold nothing on a day on which the store sold something is a zero from its first day on, up to
/// `last_day`, and known as soon as the store's day is. A day without any sale inside the history was a closed one, unless
/// the store sells seldom; a weekday that keeps being closed is expected to stay so.
///
/// A day on which a product ran out carries the demand recovered from its orders, with a trust below 1, where that can be
/// told; a day unlike any other is trusted less too.
#[must_use]
pub fn panel(facts: &StoreFacts, calendar: BusinessCalendar, last_day: NaiveDate) -> Panel {
    studied_panel(facts, calendar, last_day).0
}

/// As [`panel`], with what was found out about demand on the way.
pub(super) fn studied_panel(facts: &StoreFacts, calendar: BusinessCalendar, last_day: NaiveDate) -> (Panel, Study) {
    let knowledge = Knowledge::new(calendar);
    let index: HashMap<Uuid, u32> = facts.products.iter().zip(0..).map(|((id, _), number)| (*id, number)).collect();
    let last = days_since_epoch(last_day);
    let on_days = facts.sales.iter().map(|sale| (sale, days_since_epoch(sale.day))).filter(|(_, day)| *day <= last);
    let openings = Openings::of(on_days, &knowledge);
    let study = Study::of(facts, &knowledge, &openings, last);
    let panel = Panel {
        frequency: Frequency::Daily,
        series: facts.products.iter().map(|(_, name)| name.clone()).collect(),
        observations: sales::observations(facts, &index, &knowledge, &openings, &study, last),
        regressors: regressors::regressors(facts, &index, &knowledge),
        closed: Some(openings.closed(regressors::announced_closings(facts, &knowledge))),
        gaps: GapPolicy::Missing,
    };
    (panel, study)
}
