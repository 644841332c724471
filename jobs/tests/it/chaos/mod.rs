//! Programs are killed, the database goes away, connections fall silent, clocks jump; an independent ledger says that every
//! effect happened exactly once, no job is lost, and no tick early or missing.
//!
//! One round in `make test`; `CHAOS_ROUNDS` and `CHAOS_SEED` make more (`make chaos`).

mod faults;
mod program;
mod world;

use std::time::{Duration, Instant};

use faults::Fault;
use world::World;

/// Shuffles by a seed (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % most as u64).expect("below most")
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_effect_once_whatever_breaks() {
    let mut chance = Chance(number("CHAOS_SEED", 20_261_128).max(1));
    let mut world = World::begin().await;
    let mut slowest = Vec::new();
    for round in 0..number("CHAOS_ROUNDS", 1) {
        let mut faults = Fault::ALL.to_vec();
        for place in (1..faults.len()).rev() {
            faults.swap(place, chance.below(place + 1));
        }
        for fault in faults {
            world.run_for(Duration::from_millis(200 + chance.below(600) as u64)).await;
            world.inject(fault).await;
            let healed = Instant::now();
            let recovered = world.until_effects(healed, Duration::from_secs(30)).await;
            slowest.push((recovered, fault, round));
        }
    }
    slowest.sort_by_key(|(took, ..)| *took);
    let account = world.end().await;
    println!(
        "{} jobs, {} ticks, {} effects; slowest recoveries {:?}",
        account.jobs,
        account.ticks,
        account.effects,
        &slowest[slowest.len().saturating_sub(3)..]
    );
    assert!(account.problems.is_empty(), "{:#?}", account.problems);
    assert!(account.jobs > 100 && account.ticks > 5, "too little happened: {account:?}");
}
