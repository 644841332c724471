//! Schedules as data: `schedules/*.toml`, checked when read.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::str::FromStr;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use cron::Schedule as Cron;
use domain::Hint;
use domain::job::Lane;
use domain::time::BusinessCalendar;
use platform::queue::{EnqueueOptions, NewJob};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::tick::{Occasion, fill};
use crate::workers::{Kind, KindError};

/// What is due when.
#[derive(Debug, Clone)]
pub struct Schedule {
    pub name: String,
    pub zone: Zone,
    pub catch_up: CatchUp,
    /// How long after its time an unfinished tick is late.
    pub late_after: TimeDelta,
    kind: Kind,
    args: toml::Table,
    lane: Option<Lane>,
    priority: i16,
    jitter: TimeDelta,
    catch_up_within: TimeDelta,
    cron: Cron,
    fingerprint: Vec<u8>,
}

/// Whose wall clock a schedule follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// One tick for each store, in the store's own zone.
    Store,
    Fixed(Tz),
}

/// What happens to ticks that nobody was up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CatchUp {
    /// Only the latest one runs.
    Latest,
    /// Every one runs, oldest first.
    All,
    /// None runs.
    Skip,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    cron: String,
    time_zone: String,
    job: String,
    #[serde(default)]
    args: toml::Table,
    catch_up: CatchUp,
    /// Ticks missed longer ago are gone whatever the policy: nobody wants two weeks at once.
    #[serde(default = "week")]
    catch_up_within_hours: u32,
    late_after_minutes: u32,
    #[serde(default)]
    jitter_seconds: u32,
    lane: Option<Lane>,
    #[serde(default)]
    priority: i16,
}

fn week() -> u32 {
    7 * 24
}

/// A schedule that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    #[error("schedule `{file}` can't be read")]
    Toml {
        file: String,
        #[source]
        source: toml::de::Error,
    },
    #[error("schedule `{file}`: `{cron}` is not a cron expression")]
    Cron {
        file: String,
        cron: String,
        #[source]
        source: cron::error::Error,
    },
    #[error("schedule `{file}`: `{zone}` is no time zone")]
    Zone { file: String, zone: String },
    #[error("schedule `{file}` names itself `{name}`")]
    Name { file: String, name: String },
    #[error("schedule `{file}`: no worker does `{job}`; there are {known}")]
    Job { file: String, job: String, known: String },
    #[error("schedule `{file}`: `args` are not those of `{job}`")]
    Args {
        file: String,
        job: String,
        #[source]
        source: KindError,
    },
}

impl Hint for ScheduleError {
    fn hint(&self) -> Option<String> {
        Some(
            match self {
                Self::Toml { .. } => {
                    "the keys are name, cron, time_zone, job, catch_up (latest, all, skip) and late_after_minutes; also, if needed, args, \
                     jitter_seconds, catch_up_within_hours, lane (interactive, nightly, default, backfill) and priority"
                }
                Self::Cron { .. } => "six fields, seconds first: `0 32 3 * * *` is 03:32:00 every day",
                Self::Zone { .. } => "use `store`, or an IANA name such as Asia/Jakarta",
                Self::Name { .. } => "give the file and its `name` the same word",
                Self::Job { .. } => "correct `job`, or add the worker to jobs/src/workers",
                Self::Args { .. } => {
                    "give every argument of the job; \"$date\", \"$business_day\" and \"$fire_at\" stand for the tick's, and with time_zone \
                     = \"store\" \"$store_id\" for the store's"
                }
            }
            .to_owned(),
        )
    }
}

impl Schedule {
    /// Reads a schedule; `file` is its name without `.toml`, `kinds` the jobs it may name.
    ///
    /// # Errors
    /// [`ScheduleError`] for unknown keys, a bad cron expression, zone, job or arguments.
    pub fn parse(file: &str, text: &str, kinds: &[Kind]) -> Result<Self, ScheduleError> {
        let file = file.to_owned();
        let read: File = toml::from_str(text).map_err(|source| ScheduleError::Toml { file: file.clone(), source })?;
        if read.name != file {
            return Err(ScheduleError::Name { file, name: read.name });
        }
        let Some(kind) = kinds.iter().copied().find(|kind| kind.name == read.job) else {
            let known = kinds.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ");
            return Err(ScheduleError::Job { file, job: read.job, known });
        };
        let cron =
            Cron::from_str(&read.cron).map_err(|source| ScheduleError::Cron { file: file.clone(), cron: read.cron.clone(), source })?;
        let zone = match read.time_zone.as_str() {
            "store" => Zone::Store,
            name => Zone::Fixed(name.parse().map_err(|_| ScheduleError::Zone { file: file.clone(), zone: name.to_owned() })?),
        };
        let schedule = Self {
            fingerprint: Sha256::digest(format!("{} {}", read.cron, read.time_zone)).to_vec(),
            name: read.name,
            zone,
            catch_up: read.catch_up,
            late_after: TimeDelta::minutes(read.late_after_minutes.into()),
            kind,
            args: read.args,
            lane: read.lane,
            priority: read.priority,
            jitter: TimeDelta::seconds(read.jitter_seconds.into()),
            catch_up_within: TimeDelta::hours(read.catch_up_within_hours.into()),
            cron,
        };
        let example = Occasion::example(zone == Zone::Store);
        schedule.job(&example, None).map_err(|source| ScheduleError::Args { file, job: read.job, source })?;
        Ok(schedule)
    }

    /// Of what decides when it fires: its cron expression and zone.
    #[must_use]
    pub fn fingerprint(&self) -> &[u8] {
        &self.fingerprint
    }

    /// Ticks after `since` up to and including `now`, as the catch-up policy wants them, oldest first.
    #[must_use]
    pub fn due(&self, zone: Tz, since: DateTime<Utc>, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let since = since.max(now - self.catch_up_within);
        let missed = self.fires(zone, since, now).into_iter();
        match self.catch_up {
            CatchUp::All => missed.collect(),
            CatchUp::Latest => missed.last().into_iter().collect(),
            CatchUp::Skip => missed.filter(|at| now - *at <= ON_TIME).collect(),
        }
    }

    /// Every tick in `(since, now]`. The expression is asked for wall-clock times, as if every one came once: one that clocks skip
    /// fires when they have skipped it, one that comes twice fires the first time.
    fn fires(&self, zone: Tz, since: DateTime<Utc>, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let wall = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local().and_utc();
        let calendar = BusinessCalendar { time_zone: zone, cutoff: NaiveTime::MIN };
        let last = wall(now) + SHIFT;
        let mut fires: Vec<DateTime<Utc>> = self
            .cron
            .after(&(wall(since) - SHIFT))
            .take_while(|at| *at <= last)
            .map(|at| calendar.local(at.date_naive(), at.time()))
            .filter(|at| *at > since && *at <= now)
            .collect();
        fires.dedup();
        fires
    }

    /// The job that a tick causes. With a jitter it starts later by a part of it that is the same for every tick of this key.
    ///
    /// # Errors
    /// [`KindError`] if the arguments do not fit the job: [`Schedule::parse`] has tried them.
    pub fn job(&self, occasion: &Occasion, trace_id: Option<String>) -> Result<NewJob, KindError> {
        let options = EnqueueOptions {
            lane: self.lane,
            priority: self.priority,
            run_at: self.spread(&occasion.key).map(|later| occasion.fire_at + later),
            max_attempts: None,
            trace_id,
        };
        self.kind.job(fill(&self.args, occasion), options)
    }

    fn spread(&self, key: &str) -> Option<TimeDelta> {
        let most = u64::try_from(self.jitter.num_milliseconds()).ok().filter(|most| *most > 0)?;
        let mut hasher = DefaultHasher::new();
        (&self.name, key).hash(&mut hasher);
        Some(TimeDelta::milliseconds(i64::try_from(hasher.finish() % most).unwrap_or_default()))
    }
}

/// No clock is moved by more in a night.
const SHIFT: TimeDelta = TimeDelta::hours(3);
/// A tick that is picked up within this time was not missed.
const ON_TIME: TimeDelta = TimeDelta::minutes(2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workers::KINDS;

    const NIGHTLY: &str = include_str!("../../../schedules/nightly.toml");

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    #[test]
    fn unknown_keys_names_and_jobs_are_refused() {
        let error = |text: &str| Schedule::parse("nightly", text, &KINDS).expect_err("refused").to_string();
        let with = |old: &str, new: &str| {
            assert!(NIGHTLY.contains(old), "{old}");
            error(&NIGHTLY.replace(old, new))
        };
        assert!(Schedule::parse("nightly", NIGHTLY, &KINDS).is_ok());
        assert_eq!(error(&format!("{NIGHTLY}\nevery = 5")), "schedule `nightly` can't be read");
        assert_eq!(
            with("\"run_nightly\"", "\"fly\""),
            "schedule `nightly`: no worker does `fly`; there are run_nightly, keep_promise, forecast_afresh, replan, suppose, fill_partitions, judge_backfill, add_up_orders, ingest_source, ingest_window, take_push, take_sales_files, mail_link, mail_news, take_payment_event, poll_payment, poll_refund, reconcile_payments, prune"
        );
        assert_eq!(with("\"store\"", "\"Mars\""), "schedule `nightly`: `Mars` is no time zone");
        assert_eq!(with("0 32 3 * * *", "soon"), "schedule `nightly`: `soon` is not a cron expression");
        assert_eq!(with("date = \"$date\"", "day = \"$date\""), "schedule `nightly`: `args` are not those of `run_nightly`");
        assert_eq!(
            with("time_zone = \"store\"", "time_zone = \"Asia/Jakarta\""),
            "schedule `nightly`: `args` are not those of `run_nightly`",
            "without a store there is no store_id"
        );
    }

    #[test]
    fn a_tick_follows_the_stores_own_clock() {
        let nightly = Schedule::parse("nightly", NIGHTLY, &KINDS).expect("a schedule");
        let (since, now) = (at("2026-11-21T00:00:00Z"), at("2026-11-23T00:00:00Z"));
        assert_eq!(nightly.due(chrono_tz::Asia::Jakarta, since, now), [at("2026-11-22T20:32:00Z")]);
        assert_eq!(nightly.due(chrono_tz::Asia::Jayapura, since, now), [at("2026-11-22T18:32:00Z")]);
    }

    #[test]
    fn the_policy_decides_about_missed_ticks() {
        let with = |policy: &str| {
            let text = NIGHTLY.replace("catch_up = \"latest\"", &format!("catch_up = \"{policy}\""));
            let schedule = Schedule::parse("nightly", &text, &KINDS).expect("a schedule");
            schedule.due(chrono_tz::UTC, at("2026-11-20T00:00:00Z"), at("2026-11-23T03:33:00Z")).len()
        };
        assert_eq!((with("all"), with("latest"), with("skip")), (4, 1, 1));
    }

    #[test]
    fn nobody_gets_two_weeks_at_once() {
        let text = NIGHTLY.replace("catch_up = \"latest\"", "catch_up = \"all\"\ncatch_up_within_hours = 48");
        let schedule = Schedule::parse("nightly", &text, &KINDS).expect("a schedule");
        let due = schedule.due(chrono_tz::UTC, at("2026-11-01T00:00:00Z"), at("2026-11-23T04:00:00Z"));
        assert_eq!(due, [at("2026-11-22T03:32:00Z"), at("2026-11-23T03:32:00Z")]);
    }

    /// Clocks that go forward skip 02:30, clocks that go back have it twice: one tick a day all the same.
    #[test]
    fn summer_time_neither_hides_nor_doubles_a_tick() {
        let text = NIGHTLY.replace("0 32 3 * * *", "0 30 2 * * *").replace("\"latest\"", "\"all\"");
        let schedule = Schedule::parse("nightly", &text, &KINDS).expect("a schedule");
        let due = |from: &str, to: &str| schedule.due(chrono_tz::Europe::Berlin, at(from), at(to));
        assert_eq!(due("2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z").len(), 2, "spring");
        assert_eq!(due("2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z").len(), 2, "autumn");
    }

    #[test]
    fn stores_are_spread_over_the_jitter_and_keep_their_place() {
        let text = format!("{NIGHTLY}\njitter_seconds = 60").replace("jitter_seconds = 30\n", "");
        let schedule = Schedule::parse("nightly", &text, &KINDS).expect("a schedule");
        let later: Vec<TimeDelta> = (0..200).filter_map(|n| schedule.spread(&format!("store {n}"))).collect();
        assert_eq!(later, (0..200).filter_map(|n| schedule.spread(&format!("store {n}"))).collect::<Vec<_>>());
        assert!(later.iter().all(|later| *later >= TimeDelta::zero() && *later < TimeDelta::seconds(60)));
        assert!(later.iter().filter(|later| **later < TimeDelta::seconds(30)).count().abs_diff(100) < 35);
    }
}
