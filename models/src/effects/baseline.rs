//! What a day with an event would have sold without it.

use domain::features::EventTrack;
use domain::{History, Ordinal};

use super::slot::Slot;
use crate::history::usable;

/// Quiet days averaged, at most.
const NEIGHBOURS: usize = 6;
/// Seasons searched for them on each side.
const SEASONS: Ordinal = 8;
/// Fewer quiet days than this make no baseline.
const FEWEST: usize = 2;

/// A past day with events.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Affected {
    pub at: Ordinal,
    /// Sale over baseline.
    pub ratio: f64,
    /// By track.
    pub slots: Vec<Option<Slot>>,
}

/// Days of a series on which anything happened and that have a baseline, ascending.
pub(super) fn affected(
    history: &History,
    series: usize,
    tracks: &[EventTrack],
    slots: &[Vec<Vec<(Ordinal, Slot)>>],
    season: u16,
) -> Vec<Affected> {
    let of_track = |track: usize| tracks[track].key.get(series).copied().flatten().map(|key| slots[track][key as usize].as_slice());
    let slot_at = |track: usize, at: Ordinal| {
        let of_key = of_track(track)?;
        of_key.binary_search_by_key(&at, |&(period, _)| period).ok().map(|found| of_key[found].1)
    };
    let mut busy: Vec<Ordinal> = (0..tracks.len()).filter_map(of_track).flatten().map(|&(at, _)| at).collect();
    busy.sort_unstable();
    busy.dedup();
    let is_quiet = |at: Ordinal| busy.binary_search(&at).is_err();
    let day = |&at: &Ordinal| {
        let value = usable(history, at)?;
        let ratio = value / baseline(history, at, season, is_quiet)?;
        ratio.is_finite().then(|| Affected { at, ratio, slots: (0..tracks.len()).map(|track| slot_at(track, at)).collect() })
    };
    busy.iter().filter_map(day).collect()
}

fn baseline(history: &History, at: Ordinal, season: u16, is_quiet: impl Fn(Ordinal) -> bool) -> Option<f64> {
    let around = (1..=SEASONS).flat_map(|k| [at - k * Ordinal::from(season.max(1)), at + k * Ordinal::from(season.max(1))]);
    let quiet = around.filter(|&period| is_quiet(period)).filter_map(|period| usable(history, period)).take(NEIGHBOURS);
    let (count, sum) = quiet.fold((0, 0.0), |(count, sum), value| (count + 1, sum + value));
    (count >= FEWEST && sum > 0.0).then(|| sum / count as f64)
}
