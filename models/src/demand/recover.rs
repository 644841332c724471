//! Day by day through a store's past: which products ran out, and what they would have sold.

use std::collections::BTreeMap;

use domain::Ordinal;
use serde::{Deserialize, Serialize};

use super::latent::{Lost, Usual};
use super::level::{Levels, Sale};
use super::profile::{Profile, Profiles};
use super::{DayKind, ProductDay, ProductDays};

/// A silence up to closing that comes by chance on fewer days than this was an empty shelf.
const SILENCE: f64 = 0.001;
/// Own orders, of days like this one, without which a profile is too rough for silence to mean anything.
const ORDERS_FOR_SILENCE: f64 = 100.0;
/// Units without which no silence can be that unlikely: their Poisson probability of none is just below [`SILENCE`].
const UNITS_FOR_SILENCE: f64 = 6.9;
/// A store that sold less than this share of what its own profile says for the rest of the day closed early.
const STORE_WENT_ON: f64 = 0.5;

/// Expected demand of a product on a day on which it ran out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Recovered {
    /// Position of the product.
    pub product: usize,
    pub day: Ordinal,
    /// Units sold: the lower bound.
    pub sold: f64,
    /// Units more that would have sold.
    pub lost: f64,
    /// What the value may teach, next to 1 for a day that was seen whole: the variance of an ordinary day's demand over the
    /// same with that of `lost` added.
    pub weight: f64,
    pub evidence: Evidence,
}

/// What says that a product ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// It was written down, and when is known.
    Time,
    /// Nobody wrote it down, but orders stopped long before the profile says they would.
    Silence,
    /// It was written down, and nothing tells when.
    Total,
}

impl Recovered {
    /// Expected demand in units.
    #[must_use]
    pub fn demand(&self) -> f64 {
        self.sold + self.lost
    }
}

/// Recovers demand on every day on which a product ran out, ordered by day, then product. `kind` names days on which people
/// buy at other times.
///
/// A day before anything is known of the product's usual sale is left out: its sale stays a lower bound.
#[must_use]
pub fn recover(products: &[ProductDays], kind: impl Fn(Ordinal) -> DayKind) -> Vec<Recovered> {
    let mut days: BTreeMap<Ordinal, Vec<(usize, &ProductDay)>> = BTreeMap::new();
    for (number, product) in products.iter().enumerate() {
        for day in &product.days {
            days.entry(day.day).or_default().push((number, day));
        }
    }
    let Some((&first, _)) = days.first_key_value() else { return Vec::new() };
    let mut past = Past { products, profiles: Profiles::new(first), levels: Levels::new(products.len()) };
    days.iter().flat_map(|(&day, rows)| past.walk(day, kind(day), rows)).collect()
}

/// Everything learnt from the days before.
struct Past<'a> {
    products: &'a [ProductDays],
    profiles: Profiles,
    levels: Levels,
}

/// How a product's day went.
struct Told {
    usual: Usual,
    /// What says that it ran out, and in which share of the day's demand it was there.
    gone: Option<(Evidence, f64)>,
}

impl Past<'_> {
    /// Recovers one day, then learns from it.
    fn walk(&mut self, day: Ordinal, kind: DayKind, rows: &[(usize, &ProductDay)]) -> Vec<Recovered> {
        let store = StoreDay::of(rows);
        let told: Vec<Option<Told>> = rows.iter().map(|&(product, row)| self.told(product, row, kind, &store)).collect();
        let lost = |factor: f64| -> Vec<Option<(Lost, Evidence)>> {
            let of = |(told, (_, row)): (&Option<Told>, &(usize, &ProductDay))| told.as_ref()?.lost(row.quantity, factor);
            told.iter().zip(rows).map(of).collect()
        };
        let sales = |lost: &[Option<(Lost, Evidence)>]| -> Vec<Sale> {
            let sale = |(&(product, row), lost): (&(usize, &ProductDay), &Option<(Lost, Evidence)>)| Sale {
                product,
                demand: row.quantity + lost.map_or(0.0, |(lost, _)| lost.mean),
            };
            rows.iter().zip(lost).map(sale).collect()
        };
        // The day as a whole is judged with a first guess of what was lost, and the guess made again with the judgement.
        let factor = self.levels.day_factor(day, &sales(&lost(1.0)));
        let lost = lost(factor);
        self.levels.add(day, &sales(&lost), factor);
        let mut recovered = Vec::new();
        for ((&(product, row), lost), told) in rows.iter().zip(&lost).zip(&told) {
            match (lost, told) {
                (Some((lost, evidence)), Some(told)) => {
                    let ordinary = told.usual.times(factor).variance();
                    let weight = ordinary / (ordinary + lost.variance);
                    recovered.push(Recovered { product, day, sold: row.quantity, lost: lost.mean, weight, evidence: *evidence });
                }
                _ if row.sold_out => {}
                _ => self.profiles.add(product, self.products[product].category, day, kind, &row.orders),
            }
            row.orders.iter().for_each(|order| self.levels.add_order(product, f64::from(order.quantity)));
        }
        recovered
    }

    /// `None` before anything is known of the product.
    fn told(&self, product: usize, row: &ProductDay, kind: DayKind, store: &StoreDay) -> Option<Told> {
        let usual = self.levels.usual(product, row.day)?;
        let last = row.orders.last().map(|order| order.minute);
        if !row.sold_out && (last.is_none() || usual.mean < UNITS_FOR_SILENCE * usual.grain()) {
            return Some(Told { usual, gone: None });
        }
        let profile = self.profiles.of(product, self.products[product].category, row.day, kind);
        let gone = match (&profile, last) {
            (Some(profile), _) if !row.out.is_empty() => Some((Evidence::Time, seen(profile, row))),
            (Some(profile), Some(last)) if row.sold_out => Some((Evidence::Time, profile.before(last))),
            (Some(profile), Some(last)) if !row.sold_out => {
                let seen = profile.before(last);
                let is_silent = profile.orders > ORDERS_FOR_SILENCE && usual.silence(row.quantity, seen) < SILENCE;
                (is_silent && store.went_on(&self.profiles, row.day, kind, last)).then_some((Evidence::Silence, seen))
            }
            _ => row.sold_out.then_some((Evidence::Total, 1.0)),
        };
        Some(Told { usual, gone })
    }
}

/// Share of the day's demand that fell into the time in which the product was there.
fn seen(profile: &Profile, row: &ProductDay) -> f64 {
    let missed = row.out.iter().map(|out| out.until.map_or(1.0, |until| profile.before(until)) - profile.before(out.from));
    (1.0 - missed.sum::<f64>()).clamp(0.0, 1.0)
}

impl Told {
    /// What was lost, on a day of so many times the usual demand.
    fn lost(&self, sold: f64, factor: f64) -> Option<(Lost, Evidence)> {
        let usual = self.usual.times(factor);
        let (evidence, seen) = self.gone?;
        Some(match evidence {
            Evidence::Total => (usual.lost_above(sold), evidence),
            Evidence::Time | Evidence::Silence => (usual.lost_since(sold, seen), evidence),
        })
    }
}

/// All orders of a store's day.
struct StoreDay {
    minutes: Vec<u16>,
}

impl StoreDay {
    fn of(rows: &[(usize, &ProductDay)]) -> Self {
        let mut minutes: Vec<u16> = rows.iter().flat_map(|(_, row)| row.orders.iter().map(|order| order.minute)).collect();
        minutes.sort_unstable();
        Self { minutes }
    }

    /// Whether the store was still open and busy after a minute.
    fn went_on(&self, profiles: &Profiles, day: Ordinal, kind: DayKind, minute: u16) -> bool {
        let Some(store) = profiles.of_store(day, kind) else { return false };
        let before = self.minutes.partition_point(|&at| at <= minute);
        let after = (self.minutes.len() - before) as f64;
        let seen = store.before(minute);
        after * seen > STORE_WENT_ON * (1.0 - seen) * before as f64
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::super::{Absence, Order};
    use super::*;

    /// Three products with about 40 orders of one unit a day each, spread over 600 minutes.
    fn store(days: Ordinal) -> Vec<ProductDays> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(5);
        let mut day = |day| {
            let count = 34 + (12.0 * random.r#gen::<f64>()) as usize;
            let mut minutes: Vec<u16> = (0..count).map(|_| (600.0 * random.r#gen::<f64>()) as u16).collect();
            minutes.sort_unstable();
            let orders: Vec<Order> = minutes.into_iter().map(|minute| Order { minute, quantity: 1.0 }).collect();
            ProductDay { day, quantity: orders.len() as f64, orders, ..ProductDay::default() }
        };
        (0..3).map(|_| ProductDays { category: Some(0), days: (0..days).map(&mut day).collect() }).collect()
    }

    /// Nothing is sold from a minute on.
    fn stop(day: &mut ProductDay, minute: u16) {
        day.orders.retain(|order| order.minute < minute);
        day.quantity = day.orders.len() as f64;
    }

    fn recovered(store: &[ProductDays]) -> Vec<Recovered> {
        recover(store, |_| 0)
    }

    #[test]
    fn a_written_stock_out_and_a_long_silence_are_recovered() {
        let mut store = store(60);
        let half = &mut store[0].days[50];
        stop(half, 300);
        (half.sold_out, half.out) = (true, vec![Absence { from: 300, until: None }]);
        stop(&mut store[1].days[52], 300);
        let pause = &mut store[2].days[54];
        pause.orders.retain(|order| !(300..420).contains(&order.minute));
        (pause.quantity, pause.sold_out) = (pause.orders.len() as f64, true);
        pause.out = vec![Absence { from: 300, until: Some(420) }];

        let found = recovered(&store);
        let evidence: Vec<_> = found.iter().map(|found| (found.product, found.day, found.evidence)).collect();
        assert_eq!(evidence, [(0, 50, Evidence::Time), (1, 52, Evidence::Silence), (2, 54, Evidence::Time)]);
        assert!((found[0].demand() - 40.0).abs() < 8.0 && (found[1].demand() - 40.0).abs() < 8.0, "{found:?}");
        assert!((found[2].lost - 8.0).abs() < 3.0, "a fifth of the day: {found:?}");
        assert!(found[2].weight > found[0].weight && found[0].weight > 0.3, "{found:?}");
    }

    #[test]
    fn a_store_that_closed_early_did_not_run_out() {
        let mut store = store(60);
        store.iter_mut().for_each(|product| stop(&mut product.days[50], 300));
        assert_eq!(recovered(&store), []);
    }

    #[test]
    fn a_total_without_times_is_recovered_by_its_level() {
        let mut store = store(60);
        store.iter_mut().flat_map(|product| &mut product.days).for_each(|day| day.orders.clear());
        (store[0].days[50].quantity, store[0].days[50].sold_out) = (25.0, true);
        (store[0].days[51].quantity, store[0].days[51].sold_out) = (44.0, true);
        let found = recovered(&store);
        assert!(found.iter().all(|found| found.evidence == Evidence::Total));
        assert!(found.len() == 2 && (found[0].demand() - 40.0).abs() < 4.0 && found[1].demand() > 45.0, "{found:?}");
    }

    #[test]
    fn dates_without_times_are_no_profile() {
        let mut store = store(60);
        store.iter_mut().flat_map(|product| &mut product.days).flat_map(|day| &mut day.orders).for_each(|order| order.minute = 0);
        (store[0].days[50].quantity, store[0].days[50].sold_out) = (25.0, true);
        assert_eq!(recovered(&store)[0].evidence, Evidence::Total);
    }

    #[test]
    fn later_days_change_nothing() {
        let mut all = store(90);
        for (product, day) in [(0, 30), (1, 31), (2, 31), (0, 45), (0, 80), (1, 59)] {
            stop(&mut all[product].days[day], 250);
            all[product].days[day].sold_out = product != 2;
        }
        let until = |day: Ordinal| recovered(&all).into_iter().filter(|found| found.day < day).collect::<Vec<_>>();
        for cut in [32, 46, 60] {
            let mut short = all.clone();
            short.iter_mut().for_each(|product| product.days.truncate(cut as usize));
            assert_eq!(recovered(&short), until(cut));
        }
        assert_eq!(until(90).len(), 5);
    }

    #[test]
    fn a_first_day_stays_as_it_is() {
        let mut store = store(3);
        store[0].days[0].sold_out = true;
        assert!(recovered(&store).iter().all(|found| found.day > 0));
        assert_eq!(recovered(&[]), []);
    }
}
