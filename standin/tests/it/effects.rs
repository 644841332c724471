//! The effects of the definition are in the truth, and show in the sales.

use chrono::Datelike;
use standin::world::{EffectRow, FACTORS, Product, ProductTruth};

use crate::world;

fn product_of(row: &EffectRow) -> &'static Product {
    &world().definition.stores[usize::from(row.store)].products[usize::from(row.product)]
}

fn truth_of(row: &EffectRow) -> &'static ProductTruth {
    let store = &world().definition.stores[usize::from(row.store)];
    let name = &product_of(row).name;
    let truth = world().truth.products.iter().find(|truth| truth.store == store.slug && truth.product == *name);
    truth.expect("every product has its truth")
}

fn factor(row: &EffectRow, name: &str) -> f64 {
    row.factor(name).expect("a factor")
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

#[test]
fn base_times_factors_is_expected_demand() {
    for row in world().truth.rows.iter().filter(|row| row.open && product_of(row).every_days.is_none()) {
        let product: f64 = row.factors.iter().product();
        assert!(close(row.expected, row.base * product), "{row:?}");
    }
}

#[test]
fn factors_are_the_effects_of_the_definition() {
    let definition = &world().definition;
    for row in &world().truth.rows {
        let store = &definition.stores[usize::from(row.store)];
        let effects = truth_of(row).effects;
        let day = row.business_day;
        let weekday = store.weekday[day.weekday().num_days_from_monday() as usize];
        assert!(close(factor(row, "weekday"), 1.0 + (weekday - 1.0) * effects.weekday));
        let payday = day.day() >= 25 || day.day() == 1;
        assert!(close(factor(row, "payday"), 1.0 + if payday { effects.payday } else { 0.0 }));
        let fasting = definition.calendar.is_ramadan(day);
        assert!(close(factor(row, "ramadan"), 1.0 + if fasting { effects.ramadan * store.observance.ramadan } else { 0.0 }));
        let holiday = definition.calendar.is_holiday(day);
        assert!(close(factor(row, "holiday"), 1.0 + if holiday { effects.holiday } else { 0.0 }));
    }
}

#[test]
fn rain_and_promo_factors_follow_the_weather_and_the_plan() {
    let world = world();
    let region = &world.definition.stores[0].region.adm4;
    let wet = world.weather_actual.iter().filter(|day| day.region == *region).max_by(|a, b| a.rain_mm.total_cmp(&b.rain_mm)).expect("rain");
    let exposure = 1.0 - (-wet.rain_mm / 12.0).exp();
    for row in world.truth.rows.iter().filter(|row| row.store == 0 && row.business_day == wet.date) {
        assert!(close(factor(row, "rain"), 1.0 + truth_of(row).effects.rain * exposure));
    }
    let promo = world.promos.iter().find(|promo| promo.ends_on <= world.last_day && promo.starts_on >= world.first_day).expect("a promo");
    let row =
        world.truth.rows.iter().find(|row| row.business_day == promo.starts_on && product_of(row).name == promo.product).expect("its day");
    let lift = truth_of(row).effects.promo * f64::from(promo.discount_percent) / 20.0;
    assert!(close(factor(row, "promo"), 1.0 + lift));
}

#[test]
fn own_sensitivity_stays_near_the_menu() {
    let world = world();
    for truth in &world.truth.products {
        let store = world.definition.store(&truth.store).expect("store");
        let menu = store.products.iter().find(|product| product.name == truth.product).expect("product").effects;
        let pairs = [(menu.rain, truth.effects.rain), (menu.payday, truth.effects.payday), (menu.promo, truth.effects.promo)];
        for (family, own) in pairs {
            let ratio = if family == 0.0 { 1.0 } else { own / family };
            assert!((0.75..=1.25).contains(&ratio), "{truth:?}");
        }
    }
}

/// Sum of sales on the chosen days over what the other factors alone would have given: recovers the factor from sales.
fn visible(name: &str, chosen: impl Fn(&EffectRow) -> bool) -> (f64, f64) {
    let mut sums = [(0.0, 0.0, 0.0); 2]; // (sales, expected without the factor, expected with it)
    for row in world().truth.rows.iter().filter(|row| row.open && product_of(row).every_days.is_none()) {
        let side = &mut sums[usize::from(chosen(row))];
        side.0 += f64::from(row.sales);
        side.1 += row.expected / factor(row, name);
        side.2 += row.expected;
    }
    let [usual, moved] = sums;
    ((moved.0 / moved.1) / (usual.0 / usual.1), (moved.2 / moved.1) / (usual.2 / usual.1))
}

fn assert_visible(name: &str, chosen: impl Fn(&EffectRow) -> bool, at_least: f64) {
    let (seen, true_ratio) = visible(name, chosen);
    assert!((seen - true_ratio).abs() < 0.05, "{name}: {seen} in the sales, {true_ratio} in truth");
    assert!((seen - 1.0).abs() > at_least, "{name}: {seen} hardly shows");
}

#[test]
fn each_cause_shows_in_the_sales() {
    assert_visible("weekday", |row| row.business_day.weekday().num_days_from_monday() == 5, 0.08);
    assert_visible("payday", |row| row.factors[2] != 1.0 && row.store == 2, 0.08);
    assert_visible("ramadan", |row| row.factors[3] < 1.0 && row.store == 0, 0.15);
    assert_visible("rain", |row| row.factors[6] < 0.85, 0.12);
    assert_visible("rain", |row| row.factors[6] > 1.15, 0.12);
    assert_visible("feast", |row| row.factors[4] > 1.2, 0.15);
    assert_visible("holiday", |row| row.factors[5] > 1.1, 0.08);
}

/// Who cooks ahead does not see these coming and sells out more, so sales show less than demand.
#[test]
fn promos_and_news_lift_sales_although_stock_caps_them() {
    for (name, chosen) in [("promo", 8), ("viral", 9)] {
        let (seen, true_ratio) = visible(name, |row| row.factors[chosen] > 1.25);
        assert!(seen > 1.15 && seen < true_ratio + 0.02, "{name}: {seen} in the sales, {true_ratio} in truth");
        assert_eq!(FACTORS[chosen], name);
    }
}

#[test]
fn demand_varies_around_what_is_expected() {
    let (demand, expected) = world().truth.rows.iter().fold((0.0, 0.0), |sum, row| (sum.0 + f64::from(row.demand), sum.1 + row.expected));
    assert!((demand / expected - 1.0).abs() < 0.01, "{demand} {expected}");
}

#[test]
fn news_without_a_lift_moves_nothing() {
    let spikes = &world().truth.spikes;
    assert!(spikes.iter().any(|spike| spike.lift > 0.5) && spikes.iter().any(|spike| spike.lift == 0.0));
    let noisy = world().truth.rows.iter().filter(|row| product_of(row).name == "Karedok");
    assert!(noisy.clone().count() > 1_000 && noisy.clone().all(|row| factor(row, "viral") == 1.0));
    let loud = world().news_signals.iter().filter(|signal| signal.topic == "kuliner-bandung").map(|signal| signal.mentions).max();
    assert!(loud.is_some_and(|mentions| mentions > 30), "{loud:?}");
}
