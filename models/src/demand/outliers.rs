//! Days unlike any other of their series, and single orders that no forecast should expect again.
//!
//! A period is compared with the median of the same weekday over the weeks before, on a scale on which counts of any size
//! vary alike: `2 sqrt(x + 3/8)`, with a variance of about 1 for a Poisson count (Anscombe 1948). The distance is counted in
//! the median absolute deviation of the distances before (Rousseeuw and Croux 1993, section 1, for the factor 1.4826), so
//! that neither the odd period itself nor its predecessors hide it. Only earlier periods are read.
//!
//! What is odd keeps its value and gets a smaller weight, Huber's `c / |z|` (Huber 1964): nothing is dropped.

use domain::Ordinal;
use serde::{Deserialize, Serialize};

/// Seasons looked back on for the median.
const SEASONS: usize = 8;
/// Values of the same season position needed to say that one is odd.
const FEWEST_SEASONS: usize = 4;
/// Distances looked back on for their deviation.
const DISTANCES: usize = 56;
/// Distances needed.
const FEWEST_DISTANCES: usize = 14;
/// Periods by whose median distance a shift of the whole level is told from an odd day.
const RECENT: usize = 7;
/// Deviations from which a period is odd on the word of its total alone.
const ODD: f64 = 5.0;
/// The same where a single order explains it.
const ODD_WITH_ORDER: f64 = 3.0;
/// Share of the period's total that such an order holds, at least.
const MOST: f64 = 0.5;
/// Times the usual largest order of a day that it is, at least.
const LARGE_ORDER: f64 = 4.0;
/// Deviations that keep their full weight.
const HUBER: f64 = 3.0;
/// Makes the median absolute deviation of a normal distribution its standard deviation.
const MAD_TO_DEVIATION: f64 = 1.482_6;
/// The deviation never falls below that of a Poisson count, 1 on this scale, for whole numbers; below this share of the
/// scaled median for others.
const LEAST_SHARE: f64 = 0.05;

/// One period of a series, as far as the search needs it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Period {
    pub at: Ordinal,
    /// Units; recovered demand where it sold out.
    pub value: f64,
    /// The largest single order of the period; `None` where only totals are known.
    pub largest_order: Option<f64>,
    /// An event, a promo or news that is known to the models: it is no surprise, whatever it does.
    pub explained: bool,
}

/// A period that was unlike its like.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Oddity {
    pub at: Ordinal,
    pub value: f64,
    /// Median of the same season position before.
    pub usual: f64,
    /// Distance in robust deviations, signed.
    pub size: f64,
    pub kind: OddityKind,
    /// What the period may teach, next to 1 for an ordinary one.
    pub weight: f64,
}

/// In what way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OddityKind {
    /// One large order (a wedding, an office) holds most of the total, which is ordinary without it.
    OneOff,
    High,
    Low,
}

/// Odd periods of one series, whose open periods come in ascending order. `season` is the seasonal period in steps, 1 for none.
#[must_use]
pub fn odd_periods(periods: &[Period], season: u16) -> Vec<Oddity> {
    let mut past =
        Past { season: Ordinal::from(season.max(1)), seen: Vec::with_capacity(periods.len()), distances: Vec::new(), orders: Vec::new() };
    let mut odd = Vec::new();
    for period in periods.iter().filter(|period| period.value.is_finite()) {
        let usual = past.usual(period.at);
        odd.extend(usual.filter(|_| !period.explained).and_then(|usual| past.judge(period, usual)));
        past.add(period, usual);
    }
    odd
}

/// What the periods before say.
struct Past {
    season: Ordinal,
    seen: Vec<(Ordinal, f64)>,
    /// Distance of each period, where there was something to compare it with.
    distances: Vec<f64>,
    orders: Vec<f64>,
}

impl Past {
    fn add(&mut self, period: &Period, usual: Option<f64>) {
        // An event's own distance is not what an ordinary day's is measured by.
        if !period.explained {
            self.distances.extend(usual.map(|usual| stabilised(period.value) - usual));
            self.seen.push((period.at, period.value));
        }
        self.orders.extend(period.largest_order);
    }

    fn judge(&self, period: &Period, usual: f64) -> Option<Oddity> {
        let distances = last(&self.distances, DISTANCES);
        if distances.len() < FEWEST_DISTANCES {
            return None;
        }
        let centre = median(distances.iter().copied())?;
        let spread = MAD_TO_DEVIATION * median(distances.iter().map(|distance| (distance - centre).abs()))?;
        let whole = last(&self.seen, DISTANCES).iter().all(|(_, value)| value.fract() == 0.0);
        let deviation = spread.max(if whole { 1.0 } else { LEAST_SHARE * usual });
        let shift = median(last(&self.distances, RECENT).iter().copied())?;
        let size = (stabilised(period.value) - usual - shift) / deviation;
        let kind = match () {
            () if size > ODD_WITH_ORDER && self.is_one_off(period, usual, deviation) => OddityKind::OneOff,
            () if size > ODD => OddityKind::High,
            () if size < -ODD => OddityKind::Low,
            () => return None,
        };
        let weight = (HUBER / size.abs()).min(1.0);
        Some(Oddity { at: period.at, value: period.value, usual: raw(usual), size, kind, weight })
    }

    fn is_one_off(&self, period: &Period, usual: f64, deviation: f64) -> bool {
        let (Some(order), Some(common)) = (period.largest_order, median(last(&self.orders, DISTANCES).iter().copied())) else {
            return false;
        };
        let without = (period.value - order).max(0.0);
        order >= MOST * period.value && order >= LARGE_ORDER * common && stabilised(without) - usual < ODD_WITH_ORDER * deviation
    }

    /// Median of the same season position over the seasons before, on the stabilised scale.
    fn usual(&self, at: Ordinal) -> Option<f64> {
        let oldest = at - self.season * SEASONS as Ordinal;
        let start = self.seen.partition_point(|(seen, _)| *seen < oldest);
        let same = self.seen[start..].iter().filter(|(seen, _)| (at - seen) % self.season == 0);
        let values = same.map(|(_, value)| stabilised(*value));
        if values.clone().count() < FEWEST_SEASONS { None } else { median(values) }
    }
}

/// A scale on which counts of any size vary alike.
fn stabilised(value: f64) -> f64 {
    2.0 * (value.max(0.0) + 0.375).sqrt()
}

fn raw(stabilised: f64) -> f64 {
    (stabilised * stabilised / 4.0 - 0.375).max(0.0)
}

fn last<T>(values: &[T], count: usize) -> &[T] {
    &values[values.len().saturating_sub(count)..]
}

/// Of at most [`DISTANCES`] values.
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut buffer, mut count) = ([0.0; DISTANCES], 0);
    for (place, value) in buffer.iter_mut().zip(values) {
        *place = value;
        count += 1;
    }
    if count == 0 {
        return None;
    }
    let (below, middle, _) = buffer[..count].select_nth_unstable_by(count / 2, f64::total_cmp);
    let middle = *middle;
    let before = below.iter().copied().max_by(f64::total_cmp).filter(|_| count % 2 == 0);
    Some(before.map_or(middle, |before| (before + middle) / 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts around 20 a day, 30 on the seventh, of many small orders; the same every time.
    fn weeks(periods: usize) -> Vec<Period> {
        let noise = [0.0, 3.0, -2.0, 5.0, -4.0, 1.0, -1.0, 2.0, -5.0, 4.0, -3.0];
        let value = |at: usize| if at % 7 == 6 { 30.0 } else { 20.0 } + noise[at % noise.len()];
        (0..periods).map(|at| Period { at: at as Ordinal, value: value(at), largest_order: Some(3.0), explained: false }).collect()
    }

    #[test]
    fn an_ordinary_series_has_nothing_odd() {
        assert_eq!(odd_periods(&weeks(200), 7), []);
    }

    #[test]
    fn a_catering_order_is_a_one_off_and_a_full_house_is_high() {
        let mut days = weeks(150);
        days[100].value += 80.0;
        days[100].largest_order = Some(80.0);
        days[120].value += 80.0;
        days[130].value = 0.0;
        let odd = odd_periods(&days, 7);
        let found: Vec<_> = odd.iter().map(|odd| (odd.at, odd.kind)).collect();
        assert_eq!(found, [(100, OddityKind::OneOff), (120, OddityKind::High), (130, OddityKind::Low)]);
        assert!(odd.iter().all(|odd| odd.weight > 0.05 && odd.weight < 0.7), "{odd:?}");
        assert!((odd[0].usual - 20.0).abs() < 4.0, "{odd:?}");
    }

    #[test]
    fn an_event_explains_what_it_does() {
        let mut days = weeks(150);
        days[100] = Period { value: 120.0, explained: true, ..days[100] };
        assert_eq!(odd_periods(&days, 7), []);
    }

    #[test]
    fn a_lasting_change_is_odd_for_days_and_not_for_months() {
        let mut days = weeks(200);
        days[120..].iter_mut().for_each(|day| day.value *= 3.0);
        let odd = odd_periods(&days, 7);
        assert!(!odd.is_empty() && odd.len() < 8, "{}", odd.len());
    }

    #[test]
    fn a_single_piece_of_a_slow_seller_is_no_one_off() {
        let slow: Vec<Period> = (0..200)
            .map(|at| {
                let value = if at % 9 == 0 { 1.0 } else { 0.0 };
                Period { at, value, largest_order: (value > 0.0).then_some(1.0), explained: false }
            })
            .collect();
        assert_eq!(odd_periods(&slow, 7), []);
    }

    #[test]
    fn nothing_panics_on_odd_numbers() {
        let values = [f64::NAN, -4.0, f64::INFINITY, 1e300, 0.0];
        let days: Vec<Period> = (0..100).map(|at| Period { at, value: values[at as usize % 5], ..Period::default() }).collect();
        assert!(odd_periods(&days, 0).iter().all(|odd| odd.weight.is_finite()));
        assert_eq!(odd_periods(&[], 7), []);
    }
}
