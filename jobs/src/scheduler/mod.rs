//! Ticks of the schedules, one row each in the database: any number of schedulers make one tick.

mod definition;

use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use domain::job::{JobArgs as _, RunNightly};
use platform::clock::SharedClock;
use platform::db::DbError;
use platform::db::schedule_ticks::{last_tick, try_claim_tick};
use platform::db::stores::{StoreRow, list_stores};
use platform::queue::{EnqueueOptions, QueueError, enqueue};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::events;

pub use definition::{CatchUp, Schedule, ScheduleError, Zone};

/// The schedules that the program brings: `schedules/*.toml`. A test holds this list against the folder.
const FILES: [(&str, &str); 1] = [("nightly", include_str!("../../../schedules/nightly.toml"))];
/// How often the schedules are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// Reads every schedule.
///
/// # Errors
/// [`ScheduleError`] names the file that can't be used.
pub fn schedules() -> Result<Vec<Schedule>, ScheduleError> {
    FILES.iter().map(|(file, text)| Schedule::parse(file, text, &crate::workers::KINDS)).collect()
}

/// A tick that could not be made; the next look tries again.
#[derive(Debug, thiserror::Error)]
pub enum TickError {
    #[error("a tick could not be recorded")]
    Database(#[from] DbError),
    #[error("a tick could not be recorded")]
    Connection(#[from] sqlx::Error),
    #[error("a tick's job could not be enqueued")]
    Queue(#[from] QueueError),
}

/// Makes due ticks until `shutdown`. A database that goes away is waited for.
pub async fn run(pool: PgPool, clock: SharedClock, schedules: Vec<Schedule>, shutdown: CancellationToken) {
    let name = format!("{}:{}", std::process::id(), uuid::Uuid::now_v7().simple());
    loop {
        match tick(&pool, clock.now(), &schedules, &name).await {
            Ok(0) => {}
            Ok(made) => events::ticked(made),
            Err(error) => events::tick_failed(&error),
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Makes every tick that is due now and was not made yet; returns how many this call made.
///
/// A schedule that a store has never ticked on begins now: its past is not run.
///
/// # Errors
/// [`TickError`]; ticks made before it stay made.
pub async fn tick(pool: &PgPool, now: DateTime<Utc>, schedules: &[Schedule], by: &str) -> Result<usize, TickError> {
    let stores = list_stores(pool, false).await?;
    let mut made = 0;
    for schedule in schedules {
        for store in &stores {
            let zone = match schedule.zone {
                Zone::Fixed(zone) => zone,
                // A zone that is none fails the night itself, with a hint; here any clock will do to get there.
                Zone::Store => store.time_zone.parse().unwrap_or(Tz::UTC),
            };
            made += tick_store(pool, now, schedule, store, zone, by).await?;
        }
    }
    Ok(made)
}

async fn tick_store(
    pool: &PgPool,
    now: DateTime<Utc>,
    schedule: &Schedule,
    store: &StoreRow,
    zone: Tz,
    by: &str,
) -> Result<usize, TickError> {
    let key = format!("{}:{}", schedule.name, store.id);
    let Some(since) = last_tick(pool, &key).await? else {
        try_claim_tick(pool, &key, now, by, None).await?;
        return Ok(0);
    };
    let mut made = 0;
    for fire_at in schedule.due(zone, since, now) {
        let mut tx = pool.begin().await?;
        if try_claim_tick(&mut *tx, &key, fire_at, by, None).await? {
            enqueue_job(&mut tx, schedule, store, fire_at.with_timezone(&zone)).await?;
            made += 1;
        }
        tx.commit().await?;
    }
    Ok(made)
}

async fn enqueue_job(tx: &mut sqlx::PgConnection, schedule: &Schedule, store: &StoreRow, fire_at: DateTime<Tz>) -> Result<(), QueueError> {
    let options = EnqueueOptions::default();
    // `Schedule::parse` admits only kinds that are listed in `workers::KINDS`.
    if schedule.job == RunNightly::KIND {
        let args = RunNightly { store_id: store.id.into(), date: fire_at.date_naive() };
        enqueue(tx, &args, options).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schedule_of_the_folder_is_brought_and_sound() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../schedules");
        let files = std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path());
        let mut names: Vec<String> = files.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
        names.sort();
        assert_eq!(names, FILES.map(|(file, _)| file));
        assert_eq!(schedules().expect("sound schedules").len(), FILES.len());
    }
}
