//! The place of a day in an event.

use domain::features::EventTrack;
use domain::{Driver, Ordinal};

/// Days before and after an event that it may still be felt on.
const REACH: Ordinal = 2;
/// Seasons with at least so many steps have days around an event; weeks and months don't.
const SHORTEST_SEASON: u16 = 5;
/// Runs of this many seasons or more (a school break) are a time of their own, not a feast with a first and a last day.
const LONG: usize = 1;

/// The place of a day in a run of consecutive days with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Slot {
    /// So many days before the first.
    Before(u8),
    Only,
    First,
    Middle,
    Last,
    /// So many days after the last.
    After(u8),
    /// Within a long run.
    During,
}

/// Slots of every key of a track, by period, ascending; a day between two events belongs to the nearer one, to the coming
/// one if they are as near.
pub(super) fn slots(track: &EventTrack, season: u16, last: Ordinal) -> Vec<Vec<(Ordinal, Slot)>> {
    if is_weather(track) {
        let during = |periods: &Vec<Ordinal>| periods.iter().take_while(|&&at| at <= last).map(|&at| (at, Slot::During)).collect();
        return track.periods.iter().map(during).collect();
    }
    track.periods.iter().map(|periods| of_periods(periods, season, last)).collect()
}

/// Weather has no eve, and the third wet day is as wet as the first.
fn is_weather(track: &EventTrack) -> bool {
    matches!(Driver::of_regressor(&track.name), Some(Driver::Rain | Driver::Weather))
}

fn of_periods(periods: &[Ordinal], season: u16, last: Ordinal) -> Vec<(Ordinal, Slot)> {
    let reach = if season >= SHORTEST_SEASON { REACH } else { 0 };
    let mut found = Vec::new();
    for run in periods.chunk_by(|a, b| b - a == 1) {
        let (start, end) = (run[0], run[run.len() - 1]);
        if run.len() > LONG * usize::from(season.max(SHORTEST_SEASON)) {
            found.extend(run.iter().map(|&at| (at, 0, Slot::During)));
            continue;
        }
        found.extend((1..=reach).map(|back| (start - back, back, Slot::Before(back as u8))));
        found.extend(run.iter().map(|&at| (at, 0, within(at, start, end))));
        found.extend((1..=reach).map(|on| (end + on, on, Slot::After(on as u8))));
    }
    found.sort_by_key(|&(at, distance, slot)| (at, distance, slot));
    found.dedup_by_key(|&mut (at, ..)| at);
    found.into_iter().filter(|&(at, ..)| at <= last).map(|(at, _, slot)| (at, slot)).collect()
}

fn within(at: Ordinal, start: Ordinal, end: Ordinal) -> Slot {
    match (at == start, at == end) {
        (true, true) => Slot::Only,
        (true, false) => Slot::First,
        (false, true) => Slot::Last,
        (false, false) => Slot::Middle,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weather_is_felt_on_its_own_days_only() {
        let track = EventTrack { name: "rainy".to_owned(), key: vec![Some(0)], periods: vec![vec![3, 4, 9]] };
        assert_eq!(slots(&track, 7, 8), [[(3, Slot::During), (4, Slot::During)]]);
    }

    #[test]
    fn days_around_and_within_events_have_their_places() {
        let found = of_periods(&[10, 14, 15, 16], 7, 30);
        let expected = [
            (8, Slot::Before(2)),
            (9, Slot::Before(1)),
            (10, Slot::Only),
            (11, Slot::After(1)),
            (12, Slot::Before(2)),
            (13, Slot::Before(1)),
            (14, Slot::First),
            (15, Slot::Middle),
            (16, Slot::Last),
            (17, Slot::After(1)),
            (18, Slot::After(2)),
        ];
        assert_eq!(found, expected);
        assert_eq!(of_periods(&[10], 1, 30), [(10, Slot::Only)]);
        assert_eq!(of_periods(&(0..20).collect::<Vec<_>>(), 7, 4).len(), 5);
    }
}
