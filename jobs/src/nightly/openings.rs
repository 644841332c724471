//! When a store was open, and when it will be closed.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use domain::Ordinal;
use domain::panel::{Beyond, Cells, Regressor, RegressorKind, Scope};

use super::facts::Sale;
use super::knowledge::Knowledge;

/// A store that sells on less than this share of its days sells seldom: its silence is no demand, not a closed door.
const SOLD_ON_SHARE: f64 = 0.5;
/// A weekday on which the store was closed in this many weeks running is its day of rest.
const REST_WEEKS: Ordinal = 4;
/// Days on which the store sold something in each of these weeks: a long holiday is no day of rest.
const OPEN_IN_WEEK: usize = 4;
/// Weeks ahead for which a day of rest is expected.
const WEEKS_AHEAD: Ordinal = 5;

/// The days on which a store sold anything, each with the first cutoff that knew of it.
#[derive(Debug, Default)]
pub(super) struct Openings(BTreeMap<Ordinal, Ordinal>);

impl Openings {
    /// `sales` up to and including day `last`.
    pub fn of<'a>(sales: impl Iterator<Item = (&'a Sale, Ordinal)>, knowledge: &Knowledge) -> Self {
        let mut open = BTreeMap::new();
        for (sale, day) in sales.filter(|(sale, _)| sale.quantity > 0.0) {
            let known_from = knowledge.known_from(sale.available_at).max(day);
            open.entry(day).and_modify(|known: &mut Ordinal| *known = known_from.min(*known)).or_insert(known_from);
        }
        Self(open)
    }

    /// The days from `first` on for which a product without a sale counts as a zero, with the cutoffs that know of them.
    pub fn counted(&self, first: Ordinal) -> Vec<(Ordinal, Ordinal)> {
        if self.silence_is_closure() {
            return self.0.range(first..).map(|(&day, &known_from)| (day, known_from)).collect();
        }
        let last = self.0.last_key_value().map_or(first - 1, |(&day, _)| day);
        (first..=last).map(|day| (day, self.0.get(&day).copied().unwrap_or(day))).collect()
    }

    /// Announced closings, silent days, and the weekly day of rest that follows from them. An observed sale beats each.
    pub fn closed(&self, mut announced: Cells) -> Regressor {
        let silent = self.silent();
        let planned: HashSet<Ordinal> = announced.at.iter().copied().collect();
        silent.iter().for_each(|&day| announced.push(0, day, 1.0, day));
        self.push_days_of_rest(&silent, &planned, &mut announced);
        self.reopen(&mut announced);
        let name = "closed".to_owned();
        Regressor { name, kind: RegressorKind::KnownFuture, scope: Scope::Panel, cells: announced, beyond: Beyond::Zero }
    }

    fn silence_is_closure(&self) -> bool {
        let (Some((first, _)), Some((last, _))) = (self.0.first_key_value(), self.0.last_key_value()) else { return false };
        self.0.len() as f64 >= SOLD_ON_SHARE * (last - first + 1) as f64
    }

    /// Closed days between the first sale and the last. After the last one, silence may as well be a file that has not come yet.
    fn silent(&self) -> BTreeSet<Ordinal> {
        match (self.0.first_key_value(), self.0.last_key_value()) {
            (Some((&first, _)), Some((&last, _))) if self.silence_is_closure() => {
                (first..=last).filter(|day| !self.0.contains_key(day)).collect()
            }
            _ => BTreeSet::new(),
        }
    }

    /// What each day of rest tells of the same weekday of the next weeks, and each sale on one.
    fn push_days_of_rest(&self, silent: &BTreeSet<Ordinal>, planned: &HashSet<Ordinal>, cells: &mut Cells) {
        let in_use = |week: Ordinal| self.0.range(week - 6..week).count() >= OPEN_IN_WEEK;
        let is_rest = |day: Ordinal| (0..REST_WEEKS).map(|k| day - 7 * k).all(|day| silent.contains(&day) && in_use(day));
        let mut expected = BTreeSet::new();
        let mut tell = |cells: &mut Cells, day: Ordinal, value: f64, known_from: Ordinal| {
            for at in (1..=WEEKS_AHEAD).map(|k| day + 7 * k).filter(|at| !planned.contains(at)) {
                let is_news = if value > 0.0 { expected.insert(at) } else { expected.remove(&at) };
                if is_news {
                    cells.push(0, at, value, known_from);
                }
            }
        };
        let (Some((&first, _)), Some((&last, _))) = (self.0.first_key_value(), self.0.last_key_value()) else { return };
        for day in first..=last {
            match self.0.get(&day) {
                Some(&known_from) => tell(cells, day, 0.0, known_from),
                None if is_rest(day) => tell(cells, day, 1.0, day),
                None => {}
            }
        }
    }

    /// A day with a sale is not closed, whatever was announced and whenever.
    fn reopen(&self, cells: &mut Cells) {
        let closed: BTreeSet<Ordinal> = cells.at.iter().copied().collect();
        for i in 0..cells.at.len() {
            if self.0.get(&cells.at[i]).is_some_and(|&known_from| known_from <= cells.known_from[i]) {
                cells.value[i] = 0.0;
            }
        }
        for day in closed {
            if let Some(&known_from) = self.0.get(&day) {
                cells.push(0, day, 0.0, known_from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(days: impl Iterator<Item = Ordinal>) -> Openings {
        Openings(days.map(|day| (day, day)).collect())
    }

    /// Days that are closed as known by a cutoff.
    fn closed_days(openings: &Openings, announced: Cells, known_by: Ordinal) -> Vec<Ordinal> {
        let cells = openings.closed(announced).cells;
        let mut rows: Vec<_> = (0..cells.at.len()).map(|i| (cells.at[i], cells.known_from[i], cells.value[i])).collect();
        rows.retain(|row| row.1 <= known_by);
        rows.sort_by_key(|row| (row.0, row.1));
        let current: BTreeMap<Ordinal, f64> = rows.into_iter().map(|(at, _, value)| (at, value)).collect();
        current.into_iter().filter(|(_, value)| *value > 0.5).map(|(at, _)| at).collect()
    }

    #[test]
    fn four_sundays_make_a_day_of_rest_and_an_open_one_ends_it() {
        let shop = open((0..60).filter(|day| day % 7 != 6 || *day == 41));
        assert_eq!(closed_days(&shop, Cells::default(), 26), [6, 13, 20], "three are none yet");
        assert_eq!(closed_days(&shop, Cells::default(), 28), [6, 13, 20, 27, 34, 41, 48, 55, 62]);
        assert_eq!(closed_days(&shop, Cells::default(), 41), [6, 13, 20, 27, 34]);
        assert_eq!(closed_days(&shop, Cells::default(), 59), [6, 13, 20, 27, 34, 48, 55]);
    }

    #[test]
    fn a_month_of_holidays_is_no_day_of_rest() {
        let shop = open((0..120).filter(|day| !(40..75).contains(day)));
        assert_eq!(closed_days(&shop, Cells::default(), 119), (40..75).collect::<Vec<_>>());
    }

    #[test]
    fn a_shop_that_sells_seldom_is_not_closed_in_between() {
        let stall = open((0..60).filter(|day| day % 5 == 0));
        assert!(closed_days(&stall, Cells::default(), 59).is_empty());
        assert_eq!(stall.counted(50).len(), 6, "days without a sale are zeros up to the last one, day 55");
    }

    #[test]
    fn a_sale_beats_an_announcement_even_a_later_one() {
        let shop = open(0..30);
        let mut announced = Cells::default();
        announced.push(0, 10, 1.0, 3);
        announced.push(0, 11, 1.0, 20);
        announced.push(0, 33, 1.0, 20);
        assert_eq!(closed_days(&shop, announced.clone(), 9), [10]);
        assert_eq!(closed_days(&shop, announced, 29), [33]);
    }
}
