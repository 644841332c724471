//! A way past rows that cannot be cleaned away.
//!
//! While somebody holds an old snapshot (a transaction left idle, a long report), the dead entries of claimed jobs stay in the index,
//! and every claim walks over all of them. When that has become dear, claims begin where the last one ended, for twenty times as
//! long as the walk took; then one walks from the start again, and finds what has come in between with an earlier place: handed back,
//! or of a higher priority, or enqueued by a transaction that was slower than others. As long as it finds mostly such, it walks on. So
//! walks for the little that comes in between cost a twentieth of the time, however long they are.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use domain::job::Lane;

use super::Job;
use super::claim::Ask;

/// What a claim takes without a walk: for itself, and for each job.
const FAIR: (Duration, Duration) = (Duration::from_micros(300), Duration::from_micros(15));
/// Of the walk's length.
const REST: u32 = 20;
/// However long the walk.
const LONGEST: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(super) struct Detour {
    ends: Option<Instant>,
    /// Place of the last job that was claimed, by lane.
    places: HashMap<Lane, f64>,
}

impl Detour {
    /// Where a claim begins in each lane.
    pub fn begin(&mut self, asks: &[Ask], now: Instant) -> Vec<f64> {
        self.ends = self.ends.filter(|ends| now < *ends);
        let place = |(lane, _): &Ask| self.ends.and_then(|_| self.places.get(lane).copied()).unwrap_or(f64::NEG_INFINITY);
        asks.iter().map(place).collect()
    }

    /// Takes note of a claim that began at `now`.
    pub fn ended(&mut self, asks: &[Ask], jobs: &[Job], took: Duration, now: Instant) {
        let is_passed_over = |job: &&Job| self.places.get(&job.lane).is_some_and(|place| job.place < *place);
        // Where most of what a walk met a detour would have missed, there is more of it.
        let is_worth_it = 2 * jobs.iter().filter(is_passed_over).count() > jobs.len();
        if self.ends.is_none() {
            // A walk from the start says anew where a lane has come to: one job of little priority, claimed while nothing else was there, had
            // lifted it far.
            self.places.retain(|lane, _| jobs.iter().all(|job| job.lane != *lane));
        }
        for job in jobs {
            let place = self.places.entry(job.lane).or_insert(job.place);
            *place = place.max(job.place);
        }
        let asked: usize = asks.iter().map(|(_, jobs)| jobs).sum();
        let fair = FAIR.0 + FAIR.1 * u32::try_from(asked).unwrap_or(u32::MAX);
        if self.ends.is_none() && took > fair && !is_worth_it {
            self.ends = Some(now + (took * REST).min(LONGEST));
        }
    }

    /// For how long claims still pass over what has come in between; `None` if the last one did not.
    pub fn left(&self, now: Instant) -> Option<Duration> {
        self.ends.map(|ends| ends.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::JobId;

    use super::*;
    use crate::queue::Lease;

    fn job(place: f64) -> Job {
        Job {
            lease: Lease { id: JobId::new(), token: 1 },
            kind: "step".to_owned(),
            args: serde_json::Value::Null,
            lane: Lane::Default,
            attempt: 1,
            max_attempts: 1,
            trace_id: None,
            is_kept: true,
            waited: Duration::ZERO,
            place,
        }
    }

    #[test]
    fn only_a_dear_walk_is_gone_round_and_not_for_long() {
        let (mut detour, now) = (Detour::default(), Instant::now());
        let asks = [(Lane::Default, 10), (Lane::Nightly, 10)];
        let start = [f64::NEG_INFINITY; 2];
        assert_eq!(detour.begin(&asks, now), start);
        detour.ended(&asks, &[job(5.0), job(7.0)], Duration::from_micros(500), now);
        assert_eq!(detour.begin(&asks, now), start, "a quick claim walks no detour");
        detour.ended(&asks, &[job(6.0)], Duration::from_millis(50), now);
        assert_eq!(detour.begin(&asks, now), start, "it found what a detour would have missed, and there may be more");
        assert_eq!(detour.left(now), None);
        detour.ended(&asks, &[job(7.0)], Duration::from_millis(50), now);
        assert_eq!(detour.begin(&asks, now), [7.0, f64::NEG_INFINITY], "a lane that has given nothing is searched whole");
        assert_eq!(detour.left(now), Some(Duration::from_secs(1)));
        detour.ended(&asks, &[job(9.0)], Duration::from_millis(50), now);
        assert_eq!(detour.begin(&asks, now + Duration::from_millis(999))[0], 9.0);
        assert_eq!(detour.begin(&asks, now + Duration::from_secs(1)), start, "what came in between is found");
        detour.ended(&asks, &[], Duration::from_secs(60), now);
        assert_eq!(detour.begin(&asks, now + Duration::from_secs(5)), start);
    }
}
