//! Recovered demand against the truth of the simulated demo world.

use std::collections::HashMap;
use std::sync::LazyLock;

use domain::FeatureSource as _;
use domain::frequency::{date_from_epoch, days_since_epoch};
use models::demand::{Absence, Evidence, Order, ProductDay, ProductDays, Recovered, recover};
use models::testing::SyntheticPanel;
use models::{Future, TrainingSet};
use standin::world::{SimulatedWorld, World, simulate};

/// A year of the three shops.
static WORLD: LazyLock<SimulatedWorld> = LazyLock::new(|| {
    let definition = standin::world::Definition { history_years: 1, ..World::definition().clone() };
    simulate(7, "2026-11-23".parse().expect("a day"), &definition).expect("a world")
});

/// What the models are told of stock-outs.
#[derive(Clone, Copy, PartialEq)]
enum Told {
    Times,
    /// That they happened.
    Flags,
    /// The same, of daily totals.
    FlaggedTotals,
    Nothing,
}

/// `(demand, sales)` of a shop's products by position and day.
type Truth = HashMap<(usize, i64), (f64, f64)>;

fn minute(day: chrono::NaiveDate, at: chrono::NaiveDateTime) -> u16 {
    u16::try_from((at - day.and_time(chrono::NaiveTime::MIN)).num_minutes()).expect("a minute of the day")
}

/// One shop as its till and its owner tell of it.
fn shop(number: usize, told: Told) -> (Vec<ProductDays>, Truth) {
    let (world, store) = (&*WORLD, &WORLD.definition.stores[number]);
    let mut orders: HashMap<_, Vec<Order>> = HashMap::new();
    for line in world.sales[number].iter().filter(|_| told != Told::FlaggedTotals) {
        let order = Order { minute: minute(line.business_day, line.ordered_at), quantity: line.quantity as f32 };
        orders.entry((line.business_day, line.product)).or_default().push(order);
    }
    let events = world.stockouts.iter().filter(|event| event.store == store.slug && told != Told::Nothing);
    let gone: HashMap<_, u16> =
        events.map(|event| ((event.business_day, event.product.as_str()), minute(event.business_day, event.sold_out_at))).collect();
    let mut categories: Vec<&str> = store.products.iter().map(|product| product.category.as_str()).collect();
    categories.sort_unstable();
    let category = |name: &str| categories.partition_point(|category| *category < name) as u32;
    let mut products: Vec<ProductDays> =
        store.products.iter().map(|product| ProductDays { category: Some(category(&product.category)), days: Vec::new() }).collect();
    let mut truth = Truth::new();
    for row in world.truth.rows.iter().filter(|row| usize::from(row.store) == number && row.open) {
        let (product, day) = (usize::from(row.product), days_since_epoch(row.business_day));
        let mut orders = orders.remove(&(row.business_day, row.product)).unwrap_or_default();
        orders.sort_by_key(|order| order.minute);
        let at = gone.get(&(row.business_day, store.products[product].name.as_str()));
        let out = at.filter(|_| told == Told::Times).map(|&from| Absence { from, until: None });
        let out = out.into_iter().collect();
        products[product].days.push(ProductDay { day, quantity: f64::from(row.sales), sold_out: at.is_some(), out, orders });
        truth.insert((product, day), (f64::from(row.demand), f64::from(row.sales)));
    }
    (products, truth)
}

fn recovered(number: usize, told: Told) -> (Vec<Recovered>, Truth) {
    let (products, truth) = shop(number, told);
    let fasting = |day| WORLD.definition.calendar.is_ramadan(date_from_epoch(day).expect("a day"));
    (recover(&products, |day| u8::from(fasting(day))), truth)
}

/// Bias of recovered demand and of bare sales on the days recovered, over all shops: `sum(found - true) / sum(true)`.
fn bias(told: Told) -> (f64, f64) {
    let (mut found, mut sold, mut wanted) = (0.0, 0.0, 0.0);
    for number in 0..3 {
        let (recovered, truth) = recovered(number, told);
        let sold_out = truth.values().filter(|(demand, sales)| demand > sales).count();
        assert!(recovered.len() * 100 >= sold_out * 97, "{} of {sold_out} recovered", recovered.len());
        for day in recovered {
            let (demand, sales) = truth[&(day.product, day.day)];
            assert_eq!(day.sold, sales);
            (found, sold, wanted) = (found + day.demand(), sold + sales, wanted + demand);
        }
    }
    (found / wanted - 1.0, sold / wanted - 1.0)
}

#[test]
fn demand_on_sold_out_days_is_recovered_within_three_percent() {
    let (bias, of_sales) = bias(Told::Times);
    assert!(bias.abs() < 0.03, "bias {bias:.4}");
    assert!(of_sales < -0.2, "sales alone are no test of it: {of_sales:.4}");
}

#[test]
fn orders_alone_tell_when_a_flagged_product_ran_out() {
    let (bias, _) = bias(Told::Flags);
    assert!(bias.abs() < 0.03, "bias {bias:.4}");
}

/// Owners do not cook for rain, paydays or news, and totals do not tell of these either.
#[test]
fn flagged_totals_are_recovered_roughly() {
    let (bias, of_sales) = bias(Told::FlaggedTotals);
    assert!(bias.abs() < 0.06 && of_sales < -0.2, "bias {bias:.4}");
}

/// Nobody wrote down that every twentieth day of the great sellers ended at half of its orders.
#[test]
fn silence_betrays_what_nobody_wrote_down() {
    let (mut hidden, mut wrong, mut days) = (0, 0, 0);
    let (mut found, mut demand) = (0.0, 0.0);
    for number in 0..3 {
        let (mut products, mut truth) = shop(number, Told::Nothing);
        let mut cut = std::collections::HashSet::new();
        for (number, product) in products.iter_mut().enumerate() {
            for day in product.days.iter_mut().skip(60).filter(|day| day.day % 20 == 7 && day.quantity >= 25.0) {
                day.orders.truncate(day.orders.len() / 2);
                day.quantity = day.orders.iter().map(|order| f64::from(order.quantity)).sum();
                truth.entry((number, day.day)).and_modify(|truth| truth.1 = day.quantity);
                cut.insert((number, day.day));
            }
        }
        days += truth.len();
        hidden += cut.len();
        let fasting = |day| u8::from(WORLD.definition.calendar.is_ramadan(date_from_epoch(day).expect("a day")));
        for day in recover(&products, fasting) {
            assert_eq!(day.evidence, Evidence::Silence);
            let (wanted, sold) = truth[&(day.product, day.day)];
            if cut.contains(&(day.product, day.day)) {
                (found, demand) = (found + day.demand(), demand + wanted);
            }
            wrong += usize::from(wanted == sold);
        }
    }
    assert!(hidden > 10 && demand > 0.0, "{hidden} hidden");
    assert!(wrong * 5_000 < days, "{wrong} false alarms on {days} days");
    assert!((found / demand - 1.0).abs() < 0.08, "bias {:.4}", found / demand - 1.0);
}

/// Weekly windows over the last half year.
const CUTOFFS: i64 = 26;

/// Bias of weekday means against true demand, by what sold-out days are taken for.
fn forecast_bias(value: impl Fn(usize, i64, f64, f64) -> f64) -> f64 {
    let (mut said, mut wanted) = (0.0, 0.0);
    let registry = models::forecasters::all();
    let forecaster = registry.iter().find(|forecaster| forecaster.name() == "weekday_mean").expect("registered");
    for number in 0..3 {
        let (products, truth) = shop(number, Told::Times);
        let first = truth.keys().map(|(_, day)| *day).min().expect("a day");
        let last = truth.keys().map(|(_, day)| *day).max().expect("a day");
        let known = |product: usize, day: i64| {
            truth.get(&(product, day)).map_or(f64::NAN, |&(demand, sales)| value(number * 1_000 + product, day, demand, sales))
        };
        let values = (0..products.len()).map(|product| (first..=last).map(|day| known(product, day)).collect()).collect();
        let panel = SyntheticPanel::new(values, 7);
        for cutoff in (1..=CUTOFFS).map(|week| last - first - 7 * week) {
            let histories = panel.histories(cutoff).expect("histories");
            let fitted = forecaster.fit(&TrainingSet::new(&panel, &histories, cutoff, 7, 7)).expect("fitted");
            let paths = fitted.predict(&Future::new(&panel, &histories, cutoff, 7, 7)).expect("predicted");
            for (product, path) in paths.iter().enumerate() {
                let Ok(path) = path else { continue };
                for (day, said_of_day) in (first + cutoff + 1..).zip(path) {
                    if let Some((demand, _)) = truth.get(&(product, day)) {
                        (said, wanted) = (said + said_of_day, wanted + demand);
                    }
                }
            }
        }
    }
    said / wanted - 1.0
}

#[test]
fn recovered_demand_takes_the_bias_out_of_forecasts() {
    let recovered: HashMap<(usize, i64), f64> = (0..3)
        .flat_map(|number| {
            recovered(number, Told::Times).0.into_iter().map(move |day| ((number * 1_000 + day.product, day.day), day.demand()))
        })
        .collect();
    let perfect = forecast_bias(|_, _, demand, _| demand);
    let sales = forecast_bias(|_, _, _, sales| sales) - perfect;
    let left_out = forecast_bias(|_, _, demand, sales| if demand > sales { f64::NAN } else { sales }) - perfect;
    let ours = forecast_bias(|product, day, _, sales| recovered.get(&(product, day)).copied().unwrap_or(sales)) - perfect;
    assert!(sales < -0.02 && left_out < -0.02, "what was done before: {sales:.4}, {left_out:.4}");
    assert!(ours.abs() < 0.005, "against knowing demand: {ours:.4} (sales {sales:.4}, left out {left_out:.4})");
}
