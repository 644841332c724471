//! What became of what was published: sales as they are known now, and as they were known when a forecast was made.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Days, NaiveDate, Utc};
use platform::db::overrides::{OverrideRow, list_overrides};
use platform::db::past_predictions::PastPrediction;
use platform::db::sales_daily::{SalesFact, SalesSpan, sales_facts, sales_spans};
use platform::db::stockout_events::{StockoutRow, list_stockouts};
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;

/// How far back the seasonal naive forecast looks for a weekday that says something.
const WEEKS_BACK: u64 = 8;
/// A store that sells on less than this share of its days sells seldom: its silence is no closed door. As the nights count.
const SOLD_ON_SHARE: f64 = 0.5;

/// What can be said of a prediction now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OutcomeState {
    /// The actual is what people wanted.
    Scored,
    /// It ran out: people wanted at least the actual. Of `sales`: one of the products did.
    SoldOut,
    /// The store sold nothing that day, and did so before and after.
    Closed,
    /// Nothing is known of the day yet.
    Pending,
    /// What happened is told by nobody: how much of an ingredient was used, or `sales` of sources that tell no prices.
    Unobserved,
}

/// A prediction's outcome.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Outcome {
    pub state: OutcomeState,
    /// Selling units, or rupiah.
    pub actual: Option<f64>,
    /// The same weekday of the last week that was known when the forecast was made, and that says something.
    pub naive: Option<f64>,
}

impl Outcome {
    fn without_actual(state: OutcomeState) -> Self {
        Self { state, actual: None, naive: None }
    }
}

/// Versions of sales and news of stock-outs of a span of days, by product and day.
#[derive(Debug)]
pub(crate) struct Ledger {
    now: DateTime<Utc>,
    sales: BTreeMap<NaiveDate, HashMap<Uuid, Vec<SalesFact>>>,
    /// First instant that knew of it.
    sold_out: HashMap<(Uuid, NaiveDate), DateTime<Utc>>,
    first_sold: HashMap<Uuid, NaiveDate>,
    overrides: HashMap<(Uuid, NaiveDate), OverrideRow>,
    span: Option<SalesSpan>,
    silence_is_closure: bool,
}

impl Ledger {
    /// Of the days [`first`, `last`], with what is needed to compare them.
    pub async fn load(
        connection: &mut PgConnection,
        store_id: Uuid,
        (first, last): (NaiveDate, NaiveDate),
        now: DateTime<Utc>,
    ) -> Result<Self, ApiError> {
        let from = first.checked_sub_days(Days::new(7 * WEEKS_BACK)).unwrap_or(first);
        let facts = sales_facts(&mut *connection, store_id, from, last, now).await?;
        let stockouts = list_stockouts(&mut *connection, store_id, from, last, now).await?;
        let span = sales_spans(&mut *connection, &[store_id]).await?.remove(&store_id);
        let overrides = list_overrides(connection, store_id, first, last).await?;
        Ok(Self::of(facts, &stockouts, overrides, span, (from, last), now))
    }

    fn of(
        facts: Vec<SalesFact>,
        stockouts: &[StockoutRow],
        overrides: Vec<OverrideRow>,
        span: Option<SalesSpan>,
        (from, last): (NaiveDate, NaiveDate),
        now: DateTime<Utc>,
    ) -> Self {
        let mut ledger = Self {
            now,
            sales: BTreeMap::new(),
            sold_out: HashMap::new(),
            first_sold: HashMap::new(),
            overrides: overrides.into_iter().map(|row| ((row.product_id, row.target_date), row)).collect(),
            span,
            silence_is_closure: false,
        };
        for fact in facts {
            let first = ledger.first_sold.entry(fact.product_id).or_insert(fact.business_date);
            *first = fact.business_date.min(*first);
            ledger.sales.entry(fact.business_date).or_default().entry(fact.product_id).or_default().push(fact);
        }
        for event in stockouts {
            let first = ledger.sold_out.entry((event.product_id, event.business_date)).or_insert(event.available_at);
            *first = event.available_at.min(*first);
        }
        ledger.silence_is_closure = ledger.sells_most_days(from, last);
        ledger
    }

    fn sells_most_days(&self, from: NaiveDate, last: NaiveDate) -> bool {
        let Some(span) = self.span else { return false };
        let days = (last.min(span.last) - from.max(span.first)).num_days() + 1;
        let sold_on = self.sales.keys().filter(|day| self.sold_anything(**day, self.now)).count();
        sold_on as f64 >= SOLD_ON_SHARE * days as f64
    }

    /// What became of a prediction.
    pub fn outcome(&self, prediction: &PastPrediction) -> Outcome {
        let day = prediction.target_date;
        let target = match (prediction.target_kind.as_str(), prediction.target_id) {
            ("product", Some(product)) => Target::Product(product),
            ("sales", _) => Target::Rupiah,
            _ => return Outcome::without_actual(OutcomeState::Unobserved),
        };
        if !self.sold_anything(day, self.now) {
            if self.span.is_none_or(|span| day > span.last) {
                return Outcome::without_actual(OutcomeState::Pending);
            }
            if self.silence_is_closure {
                return Outcome { state: OutcomeState::Closed, actual: Some(0.0), naive: None };
            }
        }
        let Some(Known { value, sold_out }) = self.known(target, day, self.now) else {
            return Outcome::without_actual(OutcomeState::Unobserved);
        };
        let state = if sold_out { OutcomeState::SoldOut } else { OutcomeState::Scored };
        Outcome { state, actual: Some(value), naive: self.naive(target, prediction) }
    }

    /// The number that a person put in the place of a prediction, and that nobody has taken back.
    pub fn overruled(&self, prediction: &PastPrediction) -> Option<&OverrideRow> {
        let product = prediction.target_id.filter(|_| prediction.target_kind == "product")?;
        self.overrides.get(&(product, prediction.target_date))
    }

    /// Days that say nothing of demand are passed over for the week before, as by the model of that name.
    fn naive(&self, target: Target, prediction: &PastPrediction) -> Option<f64> {
        let weeks = (1..=WEEKS_BACK).filter_map(|weeks| prediction.target_date.checked_sub_days(Days::new(7 * weeks)));
        let known = |day: NaiveDate| {
            let existed = match target {
                Target::Product(product) => self.first_sold.get(&product).is_some_and(|first| *first <= day),
                Target::Rupiah => true,
            };
            let is_open = self.sold_anything(day, prediction.cutoff) || !self.silence_is_closure;
            let known = self.known(target, day, prediction.cutoff).filter(|_| existed && is_open)?;
            (!known.sold_out).then_some(known.value)
        };
        weeks.filter(|day| *day <= prediction.last_day).find_map(known)
    }

    /// Whether the store sold anything on a day, as far as was known at `at`.
    fn sold_anything(&self, day: NaiveDate, at: DateTime<Utc>) -> bool {
        let products = self.sales.get(&day).into_iter().flat_map(HashMap::values);
        products.filter_map(|versions| current(versions, at)).any(|fact| fact.quantity > 0.0)
    }

    /// A product that nothing is told of on a day has sold nothing.
    fn known(&self, target: Target, day: NaiveDate, at: DateTime<Utc>) -> Option<Known> {
        let facts = self.sales.get(&day);
        let ran_out = |product: Uuid| self.sold_out.get(&(product, day)).is_some_and(|since| *since <= at);
        match target {
            Target::Product(product) => {
                let fact = facts.and_then(|facts| facts.get(&product)).and_then(|versions| current(versions, at));
                let (value, sold_out) = fact.map_or((0.0, false), |fact| (fact.quantity, fact.is_sold_out));
                Some(Known { value, sold_out: sold_out || ran_out(product) })
            }
            Target::Rupiah => {
                let facts = facts.into_iter().flat_map(HashMap::values).filter_map(|versions| current(versions, at));
                let mut known = Known { value: 0.0, sold_out: self.sold_out.iter().any(|((_, on), since)| *on == day && *since <= at) };
                for fact in facts {
                    // What was given away for nothing is told as 0; what has no price would be missing from the sum.
                    let is_nothing = fact.quantity == 0.0;
                    known.value += fact.revenue.or(is_nothing.then_some(0))? as f64;
                    known.sold_out |= fact.is_sold_out;
                }
                Some(known)
            }
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Target {
    Product(Uuid),
    Rupiah,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Known {
    value: f64,
    sold_out: bool,
}

/// Versions come in the order in which they became available.
fn current(versions: &[SalesFact], at: DateTime<Utc>) -> Option<&SalesFact> {
    versions.iter().rev().find(|version| version.available_at <= at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRODUCT: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);

    fn day(number: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 10, 1).expect("a date") + Days::new(u64::from(number))
    }

    /// Noon of a day.
    fn at(number: u32) -> DateTime<Utc> {
        day(number).and_hms_opt(12, 0, 0).expect("a time").and_utc()
    }

    /// Known from the next day on.
    fn sold(product: Uuid, number: u32, quantity: f64) -> SalesFact {
        let revenue = Some(quantity as i64 * 1000);
        SalesFact { product_id: product, business_date: day(number), quantity, revenue, is_sold_out: false, available_at: at(number + 1) }
    }

    fn ledger(facts: Vec<SalesFact>, stockouts: &[StockoutRow]) -> Ledger {
        let days = || facts.iter().map(|fact| fact.business_date);
        let span = days().min().zip(days().max()).map(|(first, last)| SalesSpan { first, last });
        let mut facts = facts.clone();
        facts.sort_by_key(|fact| (fact.product_id, fact.business_date, fact.available_at));
        Ledger::of(facts, stockouts, Vec::new(), span, (day(0), day(60)), at(60))
    }

    fn prediction(kind: &str, number: u32, step: i32) -> PastPrediction {
        let made_on = number + 1 - u32::try_from(step).expect("a step");
        PastPrediction {
            run_id: Uuid::nil(),
            target_kind: kind.into(),
            target_id: (kind == "product").then_some(PRODUCT),
            target_item: "x".into(),
            target_date: day(number),
            step,
            yhat: 5.0,
            quantiles: [5.0; 9],
            chosen: "ets".into(),
            confidence_score: 0.5,
            rung: "fresh".into(),
            // A day is known from noon of the next one on, and the forecast made that night.
            cutoff: at(made_on),
            last_day: day(made_on - 1),
            published_at: at(made_on),
        }
    }

    fn seen(ledger: &Ledger, kind: &str, number: u32, step: i32) -> (OutcomeState, Option<f64>, Option<f64>) {
        let Outcome { state, actual, naive } = ledger.outcome(&prediction(kind, number, step));
        (state, actual, naive)
    }

    #[test]
    fn a_correction_counts_now_and_not_for_whoever_forecast_before_it() {
        let mut facts: Vec<SalesFact> = (0..20).map(|number| sold(PRODUCT, number, f64::from(number))).collect();
        facts.push(SalesFact { quantity: 100.0, available_at: at(12), ..facts[7] });
        let ledger = ledger(facts, &[]);
        assert_eq!(seen(&ledger, "product", 7, 1), (OutcomeState::Scored, Some(100.0), None), "day 0 was a closed one");
        // Day 14 was forecast when day 7 was known to be 100, or still to be 7.
        assert_eq!(seen(&ledger, "product", 14, 1).2, Some(100.0));
        assert_eq!(seen(&ledger, "product", 14, 6).2, Some(7.0));
        // Eight days ahead the week before is not over yet.
        assert_eq!(seen(&ledger, "product", 16, 8).2, Some(2.0));
    }

    #[test]
    fn days_that_ran_out_are_told_apart_and_teach_the_naive_nothing() {
        let mut facts: Vec<SalesFact> = (0..30).map(|number| sold(PRODUCT, number, f64::from(number))).collect();
        facts[14].is_sold_out = true;
        let told = |number: u32, available_at| StockoutRow {
            product_id: PRODUCT,
            business_date: day(number),
            sold_out_at: at(number),
            restocked_at: None,
            available_at,
        };
        let ledger = ledger(facts, &[told(15, at(15)), told(16, at(40))]);
        assert_eq!(seen(&ledger, "product", 14, 1), (OutcomeState::SoldOut, Some(14.0), Some(7.0)));
        assert_eq!(seen(&ledger, "product", 15, 1).0, OutcomeState::SoldOut);
        assert_eq!(seen(&ledger, "sales", 15, 1).0, OutcomeState::SoldOut);
        assert_eq!(seen(&ledger, "product", 21, 1).2, Some(7.0), "day 14 ran out");
        assert_eq!(seen(&ledger, "product", 22, 1).2, Some(8.0), "day 15 ran out");
        assert_eq!(seen(&ledger, "product", 23, 1).2, Some(16.0), "nobody knew yet that day 16 did");
    }

    #[test]
    fn silence_is_a_closed_door_a_zero_or_not_known_yet() {
        let open = |number: &u32| number % 7 != 6;
        let mut facts: Vec<SalesFact> = (0..30).filter(open).map(|number| sold(OTHER, number, 3.0)).collect();
        facts.extend((0..10).filter(open).map(|number| sold(PRODUCT, number, 2.0)));
        let busy = ledger(facts, &[]);
        assert_eq!(seen(&busy, "product", 13, 1), (OutcomeState::Closed, Some(0.0), None));
        assert_eq!(seen(&busy, "product", 11, 1), (OutcomeState::Scored, Some(0.0), Some(2.0)), "the store sold something else");
        assert_eq!(seen(&busy, "product", 40, 1), (OutcomeState::Pending, None, None));
        assert_eq!(seen(&busy, "sales", 11, 1), (OutcomeState::Scored, Some(3000.0), Some(5000.0)));
        assert_eq!(seen(&busy, "ingredient", 11, 1), (OutcomeState::Unobserved, None, None));
        let seldom = ledger((0..30).filter(|number| number % 5 == 0).map(|number| sold(PRODUCT, number, 1.0)).collect(), &[]);
        assert_eq!(seen(&seldom, "product", 12, 1), (OutcomeState::Scored, Some(0.0), Some(1.0)));
    }

    #[test]
    fn a_sum_that_lacks_a_price_is_not_told() {
        let mut facts = vec![sold(PRODUCT, 0, 2.0), sold(OTHER, 0, 1.0), sold(PRODUCT, 1, 2.0), sold(OTHER, 1, 0.0)];
        facts[1].revenue = None;
        facts[3].revenue = None;
        let ledger = ledger(facts, &[]);
        assert_eq!(seen(&ledger, "sales", 0, 1), (OutcomeState::Unobserved, None, None));
        assert_eq!(seen(&ledger, "sales", 1, 1).1, Some(2000.0));
    }
}
