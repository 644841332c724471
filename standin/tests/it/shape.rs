//! The world has the shape that the demo promises.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{Datelike, Duration, Timelike, Weekday};
use standin::world::{EffectRow, SalesLine, SimulatedWorld, StockPolicy, World, WorldError, simulate};

use crate::{SEED, day, simulated, today, world};

#[test]
fn three_stores_in_three_zones_sell_over_120_products() {
    let definition = World::definition();
    let zones: HashSet<&str> = definition.stores.iter().map(|store| store.zone.name()).collect();
    assert_eq!(zones, HashSet::from(["Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"]));
    assert!(definition.stores.iter().all(|store| store.products.len() >= 40));
    assert!(definition.stores.iter().map(|store| store.products.len()).sum::<usize>() >= 120);
    let products = || definition.stores.iter().flat_map(|store| &store.products);
    assert!(products().filter(|product| product.every_days.is_some()).count() >= 5);
    assert!(products().filter(|product| product.launched_days_ago.is_some()).count() >= 1);
    assert!(products().filter(|product| product.ended_days_ago.is_some()).count() >= 1);
    let deep = definition
        .recipes
        .iter()
        .filter(|recipe| recipe.uses.iter().any(|part| definition.recipes.iter().any(|inner| inner.slug == part.component)));
    assert!(deep.count() >= 3, "recipes of recipes");
}

#[test]
fn three_years_of_orders_end_the_day_before_today() {
    let world = world();
    assert_eq!((world.first_day, world.last_day), (day("2023-11-23"), day("2026-11-22")));
    for (store, lines) in world.definition.stores.iter().zip(&world.sales) {
        let orders: HashSet<_> = lines.iter().map(|line| (line.business_day, line.order)).collect();
        let days: HashSet<_> = lines.iter().map(|line| line.business_day).collect();
        let per_day = orders.len() as f64 / days.len() as f64;
        assert!((60.0..=100.0).contains(&per_day), "{}: {per_day} orders a day", store.slug);
        let largest = lines.chunk_by(|a, b| (a.business_day, a.order) == (b.business_day, b.order)).map(<[_]>::len).max();
        assert_eq!(largest, Some(4), "{}: lines of the largest order", store.slug);
        assert!(lines.is_sorted_by_key(|line| line.ordered_at));
    }
    assert!((200_000..320_000).contains(&world.order_count()), "{} orders", world.order_count());
}

#[test]
fn orders_fall_within_opening_hours_and_late_ones_into_the_business_day_before() {
    let world = world();
    for (store, lines) in world.definition.stores.iter().zip(&world.sales) {
        for line in lines {
            let hour = (line.ordered_at - line.business_day.and_time(chrono::NaiveTime::MIN)).num_seconds() as f64 / 3600.0;
            assert!((store.opens..store.closes).contains(&hour), "{}: {line:?}", store.slug);
        }
    }
    let after_midnight = |line: &&SalesLine| line.ordered_at.date() != line.business_day;
    let counts: Vec<usize> = world.sales.iter().map(|lines| lines.iter().filter(after_midnight).count()).collect();
    assert!(counts[0] > 5_000, "the warung sells until 02:00: {counts:?}");
    assert_eq!(counts[1..], [0, 0]);
    let last = world.sales[0].last().expect("sales");
    assert_eq!((last.business_day, last.ordered_at.date()), (world.last_day, world.today));
    assert!(last.ordered_at.time() < world.definition.stores[0].business_day_cutoff);
}

#[test]
fn lunch_and_dinner_are_busier_than_the_afternoon() {
    let at = |from: u32, to: u32| {
        let lines = world().sales[0].iter().filter(|line| !world().definition.calendar.is_ramadan(line.business_day));
        lines.filter(|line| (from..to).contains(&line.ordered_at.hour())).count()
    };
    let (lunch, afternoon, dinner) = (at(12, 13), at(15, 16), at(19, 20));
    assert!(lunch > 2 * afternoon && dinner > 2 * afternoon, "{lunch} {afternoon} {dinner}");
}

#[test]
fn closed_days_have_no_sales() {
    let world = world();
    let days = |store: usize| world.sales[store].iter().map(|line| line.business_day).collect::<HashSet<_>>();
    let (warung, bakery, kiosk) = (days(0), days(1), days(2));
    assert!(!kiosk.iter().any(|day| day.weekday() == Weekday::Sun));
    for closed in ["2024-04-10", "2025-03-31", "2026-03-20", "2026-03-24"] {
        assert!(!warung.contains(&day(closed)), "Lebaran {closed}");
    }
    assert!(warung.contains(&day("2026-03-19")) && warung.contains(&day("2026-03-25")));
    assert!(!bakery.contains(&day("2026-03-19")), "Nyepi closes Bali");
    assert!(!kiosk.contains(&day("2025-12-25")) && kiosk.contains(&day("2025-12-24")));
    assert!(world.truth.rows.iter().filter(|row| !row.open).all(|row| row.demand == 0 && row.expected == 0.0));
}

#[test]
fn sold_out_days_are_cut_off() {
    let world = world();
    assert!(world.truth.rows.iter().all(|row| row.sales == row.prepared.map_or(row.demand, |stock| stock.min(row.demand))));
    let cooked = |row: &&standin::world::EffectRow| {
        let product = &world.definition.stores[usize::from(row.store)].products[usize::from(row.product)];
        row.open && world.definition.families[&product.family].stock == StockPolicy::Cooked
    };
    let (all, out) = world.truth.rows.iter().filter(cooked).fold((0, 0), |(all, out), row| (all + 1, out + i32::from(row.sold_out())));
    let share = f64::from(out) / f64::from(all);
    assert!((0.03..0.12).contains(&share), "{share} of the cooked product days sell out");

    let mut last_sale = HashMap::new();
    for (store, lines) in world.definition.stores.iter().zip(&world.sales) {
        for line in lines {
            let name = store.products[usize::from(line.product)].name.as_str();
            last_sale.insert((store.slug.as_str(), name, line.business_day), line.ordered_at);
        }
    }
    for out in &world.stockouts {
        let last = last_sale[&(out.store.as_str(), out.product.as_str(), out.business_day)];
        assert!(last <= out.sold_out_at, "sold after it was gone: {out:?} {last}");
    }
    let sold_out = world.truth.rows.iter().filter(|row| row.sold_out()).count();
    assert_eq!(sold_out, world.stockouts.len());
}

#[test]
fn orders_add_up_to_the_sales_of_the_truth() {
    let world = world();
    let mut sold: BTreeMap<(u16, u16, chrono::NaiveDate), u32> = BTreeMap::new();
    for (store, lines) in world.sales.iter().enumerate() {
        for line in lines {
            *sold.entry((store as u16, line.product, line.business_day)).or_default() += line.quantity;
        }
    }
    for row in &world.truth.rows {
        assert_eq!(sold.remove(&(row.store, row.product, row.business_day)).unwrap_or_default(), row.sales);
    }
    assert!(sold.is_empty());
}

#[test]
fn the_new_product_is_new_and_the_old_one_gone() {
    let world = world();
    let days_of = |name: &str| -> Vec<chrono::NaiveDate> {
        let rows = world
            .truth
            .rows
            .iter()
            .filter(|row| world.definition.stores[usize::from(row.store)].products[usize::from(row.product)].name == name);
        rows.map(|row| row.business_day).collect()
    };
    assert_eq!(days_of("Cireng Isi Ayam").first(), Some(&day("2026-11-01")));
    assert!(days_of("Es Kepal Cokelat").last().is_some_and(|last| *last < today() - Duration::days(90)));
}

#[test]
fn a_later_today_extends_the_same_history() {
    let (now, then) = (world(), simulated(today() - Duration::days(8)));
    let lasting = |row: &&EffectRow| {
        let product = &now.definition.stores[usize::from(row.store)].products[usize::from(row.product)];
        product.launched_days_ago.is_none()
            && product.ended_days_ago.is_none()
            && (now.first_day..=then.last_day).contains(&row.business_day)
    };
    let (later, earlier) = (now.truth.rows.iter().filter(lasting), then.truth.rows.iter().filter(lasting));
    assert!(later.clone().count() > 100_000 && later.clone().count() == earlier.clone().count());
    assert_eq!(later.zip(earlier).find(|(a, b)| a != b), None);

    let issued = |world: &SimulatedWorld| {
        let until = then.weather_forecasts.iter().map(|row| row.issued_at).max();
        let rows = world.weather_forecasts.iter().filter(|row| row.date >= now.first_day && Some(row.issued_at) <= until);
        rows.cloned().collect::<Vec<_>>()
    };
    assert!(issued(now) == issued(&then), "forecasts that were issued stay as they were");
}

#[test]
fn plans_are_known_before_they_happen() {
    let world = world();
    let horizon = world.today + Duration::days(60);
    assert!(world.promos.iter().any(|promo| promo.starts_on > world.today + Duration::days(30)));
    for promo in &world.promos {
        assert!(promo.starts_on <= horizon && promo.available_at.date_naive() + Duration::days(20) < promo.starts_on, "{promo:?}");
    }
    assert!(world.calendar.iter().all(|event| event.date <= horizon && event.available_at.date_naive() <= world.today));
    assert!(world.calendar.iter().any(|event| event.date > world.today));
    let changes: Vec<_> = world.prices.iter().filter(|change| change.previous_price.is_some()).collect();
    assert!(changes.len() > 100 && changes.iter().all(|change| change.previous_price != Some(change.price)));
    assert!(world.prices.iter().all(|change| change.price > 0));
}

#[test]
fn days_outside_the_calendar_are_refused() {
    let error = simulate(SEED, day("2031-01-01"), World::definition()).expect_err("outside");
    assert!(matches!(error, WorldError::UnsupportedDay { .. }));
    assert!(error.to_string().contains("2028-11-01"), "{error}");
    assert!(simulate(SEED, day("2024-12-31"), World::definition()).is_err());
    assert!(simulate(SEED, day("2025-01-01"), World::definition()).is_ok());
}
