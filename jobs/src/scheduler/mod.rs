//! Ticks of the schedules, one row each in the database: any number of schedulers make one tick.
//!
//! How far a schedule has come is in the database too, by its definition ([`platform::db::schedule_ticks::checked_until`]): after
//! downtime the gap is caught up as its policy says, and changing a cron expression never runs the past again.

mod definition;
mod tick;

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use platform::clock::SharedClock;
use platform::database::begin;
use platform::db::DbError;
use platform::db::schedule_ticks::{self, NewTick, advance_checked, checked_until, claim_ticks, judge_late, last_ticks};
use platform::db::stores::{StoreRow, list_stores};
use platform::queue::{NewJob, QueueError, enqueue_new};
use platform::telemetry;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::events;
use crate::workers::{KINDS, KindError};

pub use definition::{CatchUp, Schedule, ScheduleError, Zone};
pub use tick::Occasion;

/// The schedules that the program brings: `schedules/*.toml`. A test holds this list against the folder.
const FILES: [(&str, &str); 13] = [
    ("add_up_orders", include_str!("../../../schedules/add_up_orders.toml")),
    ("bapanas_prices", include_str!("../../../schedules/bapanas_prices.toml")),
    ("bmkg_forecast", include_str!("../../../schedules/bmkg_forecast.toml")),
    ("calendar", include_str!("../../../schedules/calendar.toml")),
    ("nightly", include_str!("../../../schedules/nightly.toml")),
    ("pihps_prices", include_str!("../../../schedules/pihps_prices.toml")),
    ("promise", include_str!("../../../schedules/promise.toml")),
    ("prune", include_str!("../../../schedules/prune.toml")),
    ("reconcile_payments", include_str!("../../../schedules/reconcile_payments.toml")),
    ("sales_files", include_str!("../../../schedules/sales_files.toml")),
    ("sales_http", include_str!("../../../schedules/sales_http.toml")),
    ("serper_news", include_str!("../../../schedules/serper_news.toml")),
    ("weather_history", include_str!("../../../schedules/weather_history.toml")),
];
/// How often the schedules are looked at.
const LOOK: Duration = Duration::from_secs(5);
/// A clock that is further from the database's makes no ticks: they would be early or late.
const SKEW: TimeDelta = TimeDelta::seconds(30);
/// Ticks of one transaction.
const BATCH: usize = 200;

/// Reads every schedule.
///
/// # Errors
/// [`ScheduleError`] names the file that can't be used.
pub fn schedules() -> Result<Vec<Schedule>, ScheduleError> {
    FILES.iter().map(|(file, text)| Schedule::parse(file, text, &KINDS)).collect()
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
    #[error("a tick has no job")]
    Kind(#[from] KindError),
    #[error("this machine's clock is {seconds} s off the database's: no ticks are made here until they agree")]
    Skewed { seconds: i64 },
}

/// Makes due ticks until `shutdown`. A database that goes away is waited for.
pub async fn run(pool: PgPool, clock: SharedClock, schedules: Vec<Schedule>, shutdown: CancellationToken) {
    let name = format!("{}:{}", std::process::id(), Uuid::now_v7().simple());
    loop {
        match look(&pool, &clock, &schedules, &name).await {
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

/// One look of [`run`]: ticks, then what is late.
///
/// # Errors
/// [`TickError`]; ticks made before it stay made.
pub async fn look(pool: &PgPool, clock: &SharedClock, schedules: &[Schedule], by: &str) -> Result<usize, TickError> {
    if clock.is_real() {
        let skew = clock.now() - schedule_ticks::database_time(pool).await?;
        events::clock_skew(skew);
        if skew.abs() > SKEW {
            return Err(TickError::Skewed { seconds: skew.num_seconds() });
        }
    }
    let now = clock.now();
    let made = tick(pool, now, schedules, by).await?;
    judge_late(pool, now).await?.iter().for_each(events::tick_late);
    Ok(made)
}

/// Makes every tick that is due now and was not made yet; returns how many this call made.
///
/// A schedule that was never seen before begins now: its past is not run.
///
/// # Errors
/// [`TickError`]; ticks made before it stay made.
pub async fn tick(pool: &PgPool, now: DateTime<Utc>, schedules: &[Schedule], by: &str) -> Result<usize, TickError> {
    let mut made = 0;
    // Read when first needed: most looks find nothing due.
    let mut stores = None;
    for schedule in schedules {
        let since = checked_until(&mut *pool.acquire().await?, &schedule.name, schedule.fingerprint(), now).await?;
        if since >= now {
            continue;
        }
        let mut occasions = match schedule.zone {
            Zone::Fixed(zone) => schedule.due(zone, since, now).into_iter().map(|at| Occasion::of_zone(zone, at)).collect(),
            Zone::Store => {
                let stores = match &mut stores {
                    Some(stores) => stores,
                    none => none.insert(list_stores(pool, false).await?),
                };
                due_in_stores(schedule, stores, since, now)
            }
        };
        forget_made(pool, schedule, &mut occasions).await?;
        for some in occasions.chunks(BATCH) {
            made += make(pool, schedule, some, by).await?;
        }
        advance_checked(pool, &schedule.name, schedule.fingerprint(), now).await?;
    }
    Ok(made)
}

fn due_in_stores(schedule: &Schedule, stores: &[StoreRow], since: DateTime<Utc>, now: DateTime<Utc>) -> Vec<Occasion> {
    let mut by_zone: HashMap<Tz, Vec<DateTime<Utc>>> = HashMap::new();
    let mut occasions = Vec::new();
    for store in stores {
        // A zone that is none fails the night itself, with a hint; here any clock will do to get there.
        let zone = store.time_zone.parse().unwrap_or(Tz::UTC);
        let due = by_zone.entry(zone).or_insert_with(|| schedule.due(zone, since, now));
        occasions.extend(due.iter().map(|at| Occasion::of_store(store, zone, *at)));
    }
    occasions.sort_by_key(|occasion| occasion.fire_at);
    occasions
}

/// Leaves out what is not after the key's last tick, whichever definition made that.
async fn forget_made(pool: &PgPool, schedule: &Schedule, occasions: &mut Vec<Occasion>) -> Result<(), TickError> {
    if occasions.is_empty() {
        return Ok(());
    }
    let keys: Vec<String> = occasions.iter().map(|occasion| tick_name(schedule, occasion)).collect();
    let last: HashMap<String, DateTime<Utc>> = last_ticks(pool, &keys).await?.into_iter().collect();
    occasions.retain(|occasion| last.get(&tick_name(schedule, occasion)).is_none_or(|last| *last < occasion.fire_at));
    Ok(())
}

/// Ticks and their jobs, all or none.
async fn make(pool: &PgPool, schedule: &Schedule, occasions: &[Occasion], by: &str) -> Result<usize, TickError> {
    let jobs: Vec<NewJob> = occasions.iter().map(|one| schedule.job(one, Some(cause_of(schedule, one)))).collect::<Result<_, _>>()?;
    let ticks: Vec<NewTick> = occasions
        .iter()
        .zip(&jobs)
        .map(|(occasion, job)| NewTick {
            job: tick_name(schedule, occasion),
            fire_at: occasion.fire_at,
            job_id: job.id().0,
            late_at: occasion.fire_at + schedule.late_after,
        })
        .collect();
    let mut tx = begin(pool).await?;
    let claimed = claim_ticks(&mut *tx, &ticks, by).await?;
    for job in jobs.iter().filter(|job| claimed.contains(&job.id().0)) {
        let enqueued = enqueue_new(&mut tx, job).await?;
        if enqueued.existed {
            schedule_ticks::attach_job(&mut *tx, job.id().0, enqueued.id.0).await?;
        }
    }
    tx.commit().await?;
    Ok(claimed.len())
}

/// The tick as a span of its own, whose trace its job goes on with.
fn cause_of(schedule: &Schedule, occasion: &Occasion) -> String {
    let span = tracing::info_span!("tick", tick = tick_name(schedule, occasion), fire_at = %occasion.fire_at);
    span.in_scope(telemetry::cause)
}

fn tick_name(schedule: &Schedule, occasion: &Occasion) -> String {
    if occasion.key.is_empty() { schedule.name.clone() } else { format!("{}:{}", schedule.name, occasion.key) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schedule_of_the_folder_is_brought_and_sound() {
        let folder = std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where") + "/../schedules";
        let files = std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path());
        let mut names: Vec<String> = files.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
        names.sort();
        assert_eq!(names, FILES.map(|(file, _)| file));
        assert_eq!(schedules().expect("sound schedules").len(), FILES.len());
    }
}
