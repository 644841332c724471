//! When in the day a product is asked for, learnt day by day from orders.
//!
//! A past day counts for more the more it resembles the day asked about: the same kind (a day of fasting), the same weekday,
//! not long ago. A product's own counts are shrunk to its category's, and those to the store's: a Dirichlet-multinomial
//! posterior at each level (Gelman et al. 2013, section 3.4).

use std::collections::HashMap;

use domain::Ordinal;

use super::{DayKind, Order};

/// Width of a bin. Within one, orders are spread evenly.
const BIN_MINUTES: u16 = 15;
/// A business day is at most 36 hours.
const BINS: usize = 36 * 60 / BIN_MINUTES as usize;
/// Days after which an order counts half.
const HALF_LIFE: f64 = 120.0;
/// What an order of another weekday counts, next to one of the same.
const OTHER_WEEKDAY: f64 = 0.5;
/// What an order of another kind of day counts.
const OTHER_KIND: f64 = 0.01;
/// Orders of the wider group that the narrower one starts with.
const PRIOR_ORDERS: f64 = 40.0;
/// Orders of a product, its category or its store that must have been seen before anything is said.
const FEWEST_ORDERS: f64 = 20.0;

/// More than this share of a store's orders in one bin are dates without a time, not a rush.
const MOST_AT_ONCE: f64 = 0.5;

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Group {
    Store,
    Category(u32),
    Product(usize),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    group: Group,
    kind: DayKind,
    /// `None` for all of them together.
    weekday: Option<u8>,
}

/// Intraday profiles of a store's products, as of the last day added.
pub(super) struct Profiles {
    /// Orders by bin, of all days of a kind and weekday; weights grow from `start` on, so that nothing need decay.
    counts: HashMap<Key, Box<[f64; BINS]>>,
    kinds: Vec<DayKind>,
    start: Ordinal,
}

/// The profile of one product on one day.
pub(super) struct Profile {
    /// Share of the day's demand that comes before the end of each bin.
    cumulative: [f64; BINS],
    /// Orders that it rests on: of the product itself, or of the store for the store's.
    pub orders: f64,
}

impl Profiles {
    pub fn new(start: Ordinal) -> Self {
        Self { counts: HashMap::new(), kinds: Vec::new(), start }
    }

    /// Adds the orders of one product's day.
    pub fn add(&mut self, product: usize, category: Option<u32>, day: Ordinal, kind: DayKind, orders: &[Order]) {
        if !self.kinds.contains(&kind) {
            self.kinds.push(kind);
        }
        let (weight, weekday) = (self.weight(day), weekday(day));
        let groups = [Some(Group::Store), category.map(Group::Category), Some(Group::Product(product))];
        for group in groups.into_iter().flatten() {
            for weekday in [None, Some(weekday)] {
                let counts = self.counts.entry(Key { group, kind, weekday }).or_insert_with(|| Box::new([0.0; BINS]));
                orders.iter().for_each(|order| counts[bin_of(order.minute)] += weight);
            }
        }
    }

    /// The profile of a product on a day after all that was added; `None` as long as too little is known.
    pub fn of(&self, product: usize, category: Option<u32>, day: Ordinal, kind: DayKind) -> Option<Profile> {
        let (mut shares, mut orders) = self.store_shares(day, kind)?;
        for group in [category.map(Group::Category), Some(Group::Product(product))].into_iter().flatten() {
            let own = self.group(group, day, kind);
            let total: f64 = own.iter().sum();
            for (share, own) in shares.iter_mut().zip(own) {
                *share = (own + PRIOR_ORDERS * *share) / (total + PRIOR_ORDERS);
            }
            orders = total;
        }
        Some(Profile::of(shares, orders))
    }

    /// The profile of the store as a whole.
    pub fn of_store(&self, day: Ordinal, kind: DayKind) -> Option<Profile> {
        let (shares, orders) = self.store_shares(day, kind)?;
        Some(Profile::of(shares, orders))
    }

    fn store_shares(&self, day: Ordinal, kind: DayKind) -> Option<([f64; BINS], f64)> {
        let store = self.group(Group::Store, day, kind);
        let total: f64 = store.iter().sum();
        let busiest = store.iter().copied().fold(0.0, f64::max);
        (total >= FEWEST_ORDERS && busiest <= MOST_AT_ONCE * total).then(|| (store.map(|count| count / total), total))
    }

    /// Orders of a group by bin, by how much their days resemble this one.
    fn group(&self, group: Group, day: Ordinal, kind: DayKind) -> [f64; BINS] {
        let mut sums = [0.0; BINS];
        let today = self.weight(day);
        for &of_kind in &self.kinds {
            let likeness = if of_kind == kind { 1.0 } else { OTHER_KIND } / today;
            let parts = [(None, OTHER_WEEKDAY), (Some(weekday(day)), 1.0 - OTHER_WEEKDAY)];
            for (weekday, share) in parts {
                let Some(counts) = self.counts.get(&Key { group, kind: of_kind, weekday }) else { continue };
                sums.iter_mut().zip(counts.iter()).for_each(|(sum, count)| *sum += share * likeness * count);
            }
        }
        sums
    }

    fn weight(&self, day: Ordinal) -> f64 {
        ((day - self.start) as f64 / HALF_LIFE).exp2()
    }
}

impl Profile {
    fn of(shares: [f64; BINS], orders: f64) -> Self {
        let mut sum = 0.0;
        let add = |share: f64| {
            sum += share;
            sum
        };
        Self { cumulative: shares.map(add), orders }
    }

    /// Share of the day's demand that comes before a minute.
    pub fn before(&self, minute: u16) -> f64 {
        let bin = bin_of(minute);
        let start = if bin == 0 { 0.0 } else { self.cumulative[bin - 1] };
        let into = f64::from(minute.saturating_sub(bin as u16 * BIN_MINUTES).min(BIN_MINUTES)) / f64::from(BIN_MINUTES);
        (start + into * (self.cumulative[bin] - start)).clamp(0.0, 1.0)
    }
}

fn bin_of(minute: u16) -> usize {
    usize::from(minute / BIN_MINUTES).min(BINS - 1)
}

fn weekday(day: Ordinal) -> u8 {
    day.rem_euclid(7) as u8
}
