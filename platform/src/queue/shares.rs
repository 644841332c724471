//! Which lane gets the next free slots: each its share of the program's time while all wait, and all of it while it waits alone.
//!
//! Stride scheduling (Waldspurger and Weihl 1995): a lane's pass grows by the time that its jobs took over its share, and the
//! lane with the smallest pass is next. A lane that comes back from idling starts level with the others: it cannot save up.

use std::time::Duration;

use domain::job::Lane;

use super::claim::Ask;

/// Guess of a job's time before any was seen.
const GUESS: f64 = 0.05;

#[derive(Debug, Clone)]
pub(super) struct Shares {
    lanes: Vec<LaneShare>,
    /// Greatest of the smallest passes of busy lanes so far: where the lanes stand as a whole.
    level: f64,
}

#[derive(Debug, Clone)]
struct LaneShare {
    lane: Lane,
    share: f64,
    /// Seconds of slots used so far, over the share.
    pass: f64,
    /// Mean seconds of a job, exponentially weighted.
    mean: f64,
    /// Jobs to ask for at most, by [`Queue`]: grows while the lane gives what it is asked for, falls where it had nothing.
    appetite: [usize; 2],
}

/// Jobs with limits are claimed apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Queue {
    Free,
    Limited,
}

impl Shares {
    /// `lanes` empty means all.
    pub fn new(lanes: &[Lane]) -> Self {
        let lanes = if lanes.is_empty() { Lane::ALL.as_slice() } else { lanes };
        let share = |lane: &Lane| LaneShare { lane: *lane, share: f64::from(lane.share()), pass: 0.0, mean: GUESS, appetite: [1; 2] };
        Self { lanes: lanes.iter().map(share).collect(), level: 0.0 }
    }

    /// How many jobs to ask of each lane for `slots` free slots, of those lanes that are not in `exhausted`.
    pub fn asks(&self, queue: Queue, slots: usize, exhausted: &[Lane]) -> Vec<Ask> {
        let mut open: Vec<(&LaneShare, usize)> =
            self.lanes.iter().filter(|lane| !exhausted.contains(&lane.lane)).map(|lane| (lane, 0)).collect();
        // Little enough that lanes that had nothing leave most slots to the others, enough to take a burst at once.
        let floor = slots.div_ceil(16);
        for _ in 0..slots {
            let next = open
                .iter_mut()
                .filter(|(lane, asked)| *asked < lane.appetite[queue as usize].max(floor))
                .min_by(|(a, asked_a), (b, asked_b)| a.pass_with(*asked_a).total_cmp(&b.pass_with(*asked_b)));
            match next {
                Some((_, asked)) => *asked += 1,
                None => break,
            }
        }
        open.into_iter().filter(|(_, asked)| *asked > 0).map(|(lane, asked)| (lane.lane, asked)).collect()
    }

    /// Whether one of these lanes is due before every other lane that has work.
    pub fn are_next(&self, lanes: &[Lane]) -> bool {
        let least = |of: &dyn Fn(&&LaneShare) -> bool| self.lanes.iter().filter(of).map(|lane| lane.pass).reduce(f64::min);
        let own = least(&|lane| lanes.contains(&lane.lane));
        let others = least(&|lane| !lanes.contains(&lane.lane) && lane.is_busy());
        own.is_some_and(|own| others.is_none_or(|others| own <= others))
    }

    /// Takes note of what a claim brought.
    pub fn answered(&mut self, queue: Queue, lane: Lane, asked: usize, got: usize) {
        let busy = self.lanes.iter().filter(|other| other.is_busy());
        let level = busy.map(|other| other.pass).reduce(f64::min).map_or(self.level, |least| least.max(self.level));
        self.level = level;
        let Some(own) = self.lanes.iter_mut().find(|own| own.lane == lane) else { return };
        if got > 0 && !own.is_busy() {
            own.pass = own.pass.max(level);
        }
        let appetite = &mut own.appetite[queue as usize];
        *appetite = if got < asked { (got * 2).max(1) } else { (*appetite * 8).min(4096) };
        // What was taken is charged at once by the mean, and corrected when it has ended.
        own.pass += got as f64 * own.mean / own.share;
    }

    /// Takes note of how long a job took from claim to end.
    pub fn spent(&mut self, lane: Lane, took: Duration) {
        let Some(own) = self.lanes.iter_mut().find(|own| own.lane == lane) else { return };
        let took = took.as_secs_f64();
        own.pass += (took - own.mean) / own.share;
        own.mean += (took - own.mean) / 16.0;
    }
}

impl LaneShare {
    /// Whether it gave something when it was last asked.
    fn is_busy(&self) -> bool {
        self.appetite != [1; 2]
    }

    fn pass_with(&self, asked: usize) -> f64 {
        self.pass + asked as f64 * self.mean / self.share
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// A program with `slots` slots, one after the other job, over lanes with this much waiting and these times of a job.
    fn seconds(waiting: &[(Lane, usize, f64)], rounds: usize, slots: usize) -> BTreeMap<Lane, f64> {
        let mut shares = Shares::new(&[]);
        let mut left: BTreeMap<Lane, (usize, f64)> = waiting.iter().map(|(lane, jobs, took)| (*lane, (*jobs, *took))).collect();
        let mut used = BTreeMap::new();
        for _ in 0..rounds {
            let (mut free, mut exhausted) = (slots, Vec::new());
            while free > 0 {
                let asks = shares.asks(Queue::Free, free, &exhausted);
                if asks.is_empty() {
                    break;
                }
                for (lane, asked) in asks {
                    let (jobs, took) = left.get_mut(&lane).map_or((0, 0.0), |(jobs, took)| {
                        let got = asked.min(*jobs);
                        *jobs -= got;
                        (got, *took)
                    });
                    shares.answered(Queue::Free, lane, asked, jobs);
                    free -= jobs;
                    if jobs < asked {
                        exhausted.push(lane);
                    }
                    for _ in 0..jobs {
                        shares.spent(lane, Duration::from_secs_f64(took));
                        *used.entry(lane).or_default() += took;
                    }
                }
            }
        }
        used
    }

    #[test]
    fn full_lanes_get_their_shares_of_time_whatever_their_jobs_take() {
        let many = 1_000_000;
        for slots in [1, 2, 16] {
            let used = seconds(&[(Lane::Nightly, many, 2.0), (Lane::Backfill, many, 10.0), (Lane::Default, many, 0.1)], 20_000, slots);
            let total: f64 = used.values().sum();
            for (lane, wanted) in [(Lane::Nightly, 0.5), (Lane::Backfill, 0.25), (Lane::Default, 0.25)] {
                let share = used[&lane] / total;
                assert!((share - wanted).abs() < 0.05, "{lane} got {share} of the time with {slots} slots");
            }
        }
    }

    #[test]
    fn a_lane_alone_gets_everything_and_saves_nothing_up() {
        let mut shares = Shares::new(&[]);
        // Backfill has worked alone for an hour.
        for _ in 0..360 {
            shares.answered(Queue::Free, Lane::Backfill, 2, 2);
            (0..2).for_each(|_| shares.spent(Lane::Backfill, Duration::from_secs(10)));
        }
        let asks = shares.asks(Queue::Free, 64, &[]);
        assert!(asks.contains(&(Lane::Backfill, 52)), "{asks:?}");
        // Then the nights come: they do not get a whole hour back.
        let mut nights = 0;
        for _ in 0..100 {
            let (lane, asked) = shares.asks(Queue::Free, 1, &[Lane::Interactive, Lane::Default])[0];
            shares.answered(Queue::Free, lane, asked, asked);
            shares.spent(lane, Duration::from_secs(10));
            nights += usize::from(lane == Lane::Nightly);
        }
        assert!((60..=72).contains(&nights), "{nights} of 100");
    }

    #[test]
    fn a_lane_owes_nothing_after_all_were_idle() {
        let mut shares = Shares::new(&[]);
        for _ in 0..360 {
            shares.answered(Queue::Free, Lane::Backfill, 2, 2);
            (0..2).for_each(|_| shares.spent(Lane::Backfill, Duration::from_secs(10)));
        }
        shares.answered(Queue::Free, Lane::Backfill, 2, 0);
        // The next day both come at once, the nights first.
        let mut fills = 0;
        shares.answered(Queue::Free, Lane::Nightly, 1, 1);
        shares.answered(Queue::Free, Lane::Backfill, 1, 1);
        for _ in 0..100 {
            let (lane, asked) = shares.asks(Queue::Free, 1, &[Lane::Interactive, Lane::Default])[0];
            shares.answered(Queue::Free, lane, asked, asked);
            shares.spent(lane, Duration::from_secs(10));
            fills += usize::from(lane == Lane::Backfill);
        }
        assert!((28..=40).contains(&fills), "{fills} of 100");
    }

    #[test]
    fn an_exhausted_lane_is_not_asked_again_in_the_same_round() {
        let shares = Shares::new(&[Lane::Nightly, Lane::Backfill]);
        assert_eq!(shares.asks(Queue::Free, 8, &[Lane::Nightly]), [(Lane::Backfill, 1)]);
        assert_eq!(shares.asks(Queue::Free, 8, &[Lane::Nightly, Lane::Backfill]), []);
    }
}
