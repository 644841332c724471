//! Ratios averaged from coarse to fine, each level leaning on the one above.

use std::collections::BTreeMap;

use domain::Ordinal;

use super::baseline::Affected;
use super::slot::Slot;

/// Variance of a day's mean ratio where a slot has too few days to tell its own.
const UNKNOWN_VARIANCE: f64 = 0.09;
/// Squared standard errors that a difference must exceed to count at all; 1 would be James-Stein's own, but there are dozens of
/// differences to be fooled by.
const CAUTION: f64 = 4.0;
/// A day that sold many times its baseline is cut off here: one wedding is no holiday effect.
const LARGEST_RATIO: f64 = 6.0;
/// The other tracks' factor must leave at least this much of a day to be divided out.
const SMALLEST_DIVISOR: f64 = 0.3;

/// Factors of one track.
#[derive(Debug, Clone, Default)]
pub(super) struct TrackEffect {
    panel: BTreeMap<Slot, f64>,
    position: BTreeMap<(Slot, u16), f64>,
    series: BTreeMap<(u32, Slot), f64>,
}

impl TrackEffect {
    /// `days[series]` with the other tracks' effects as learnt so far.
    pub fn learn(track: usize, days: &[Vec<Affected>], effects: &[Self], season: u16) -> Self {
        let rows: Vec<Row> = rows(track, days, effects, season);
        let mut learnt = Self::default();
        learnt.panel = shrunk(by_day(&rows, |row| row.slot), |_| 1.0);
        learnt.position = shrunk(by_day(&rows, |row| (row.slot, row.position)), |&(slot, _)| learnt.panel[&slot]);
        // A series' own rows, relative to what is expected of everybody on their days.
        let mut own: BTreeMap<(u32, Slot), Vec<f64>> = BTreeMap::new();
        for row in &rows {
            own.entry((row.series, row.slot)).or_default().push(row.ratio - learnt.expected(row.slot, row.position));
        }
        learnt.series = shrunk(own, |_| 0.0);
        learnt
    }

    /// The factor of a series on a day.
    pub fn factor(&self, series: usize, slot: Slot, at: Ordinal, season: u16) -> f64 {
        let own = self.series.get(&(series as u32, slot)).copied().unwrap_or(0.0);
        (self.expected(slot, position(at, season)) + own).max(0.0)
    }

    fn expected(&self, slot: Slot, position: u16) -> f64 {
        let of_panel = || self.panel.get(&slot).copied();
        self.position.get(&(slot, position)).copied().or_else(of_panel).unwrap_or(1.0)
    }
}

/// One series on one day with an event of this track.
struct Row {
    series: u32,
    at: Ordinal,
    slot: Slot,
    position: u16,
    ratio: f64,
}

fn rows(track: usize, days: &[Vec<Affected>], effects: &[TrackEffect], season: u16) -> Vec<Row> {
    let mut rows = Vec::new();
    for (series, days) in days.iter().enumerate() {
        for day in days {
            let Some(slot) = day.slots[track] else { continue };
            let other = |(number, slot): (usize, &Option<Slot>)| match slot {
                Some(slot) if number != track => effects[number].factor(series, *slot, day.at, season),
                _ => 1.0,
            };
            let others: f64 = day.slots.iter().enumerate().map(other).product();
            if others >= SMALLEST_DIVISOR {
                let ratio = (day.ratio / others).min(LARGEST_RATIO);
                rows.push(Row { series: series as u32, at: day.at, slot, position: position(day.at, season), ratio });
            }
        }
    }
    rows
}

fn position(at: Ordinal, season: u16) -> u16 {
    at.rem_euclid(Ordinal::from(season.max(1))) as u16
}

/// Mean ratio of each day, by group: the independent draws of a group's mean.
fn by_day<K: Ord + Copy>(rows: &[Row], group: impl Fn(&Row) -> K) -> BTreeMap<K, Vec<f64>> {
    let mut days: BTreeMap<(K, Ordinal), (f64, f64)> = BTreeMap::new();
    for row in rows {
        let day = days.entry((group(row), row.at)).or_default();
        day.0 += row.ratio;
        day.1 += 1.0;
    }
    let mut groups: BTreeMap<K, Vec<f64>> = BTreeMap::new();
    for ((key, _), (sum, count)) in days {
        groups.entry(key).or_default().push(sum / count);
    }
    groups
}

/// Each group's mean, drawn towards its parent as far as its standard error lets it.
fn shrunk<K: Ord>(groups: BTreeMap<K, Vec<f64>>, parent: impl Fn(&K) -> f64) -> BTreeMap<K, f64> {
    let pooled = pooled_variance(groups.values());
    let shrink = |(key, draws): (K, Vec<f64>)| {
        let (count, parent) = (draws.len() as f64, parent(&key));
        let mean = draws.iter().sum::<f64>() / count;
        // A group's own variance rests on few draws: as many as the group has, and two of the pooled one.
        let squares = draws.iter().map(|draw| (draw - mean) * (draw - mean)).sum::<f64>();
        let variance = (squares + 2.0 * pooled) / (count + 1.0);
        let difference = mean - parent;
        let keep = if difference == 0.0 { 0.0 } else { (1.0 - CAUTION * variance / count / (difference * difference)).max(0.0) };
        (key, parent + keep * difference)
    };
    groups.into_iter().map(shrink).collect()
}

fn pooled_variance<'a>(groups: impl Iterator<Item = &'a Vec<f64>>) -> f64 {
    let (mut squares, mut freedom) = (0.0, 0.0);
    for draws in groups.filter(|draws| draws.len() > 1) {
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        squares += draws.iter().map(|draw| (draw - mean) * (draw - mean)).sum::<f64>();
        freedom += draws.len() as f64 - 1.0;
    }
    if freedom > 0.0 { squares / freedom } else { UNKNOWN_VARIANCE }
}
