//! Schedules as data: `schedules/*.toml`, checked when read.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use cron::Schedule as Cron;
use domain::Hint;
use serde::Deserialize;

/// What is due when.
#[derive(Debug, Clone)]
pub struct Schedule {
    pub name: String,
    pub zone: Zone,
    /// Kind of the job that a tick enqueues.
    pub job: String,
    pub catch_up: CatchUp,
    /// Minutes after its time at which an unfinished tick is late.
    pub late_after_minutes: u32,
    cron: Cron,
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
    catch_up: CatchUp,
    late_after_minutes: u32,
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
}

impl Hint for ScheduleError {
    fn hint(&self) -> Option<String> {
        Some(
            match self {
                Self::Toml { .. } => "the keys are name, cron, time_zone, job, catch_up (latest, all, skip) and late_after_minutes",
                Self::Cron { .. } => "six fields, seconds first: `0 32 3 * * *` is 03:32:00 every day",
                Self::Zone { .. } => "use `store`, or an IANA name such as Asia/Jakarta",
                Self::Name { .. } => "give the file and its `name` the same word",
                Self::Job { .. } => "correct `job`, or add the worker to jobs/src/workers",
            }
            .to_owned(),
        )
    }
}

impl Schedule {
    /// Reads a schedule; `file` is its name without `.toml`, `jobs` the kinds that have a worker.
    ///
    /// # Errors
    /// [`ScheduleError`] for unknown keys, a bad cron expression, zone or job.
    pub fn parse(file: &str, text: &str, jobs: &[&str]) -> Result<Self, ScheduleError> {
        let file = file.to_owned();
        let read: File = toml::from_str(text).map_err(|source| ScheduleError::Toml { file: file.clone(), source })?;
        if read.name != file {
            return Err(ScheduleError::Name { file, name: read.name });
        }
        if !jobs.contains(&read.job.as_str()) {
            return Err(ScheduleError::Job { file, job: read.job, known: jobs.join(", ") });
        }
        let cron = Cron::from_str(&read.cron).map_err(|source| ScheduleError::Cron { file: file.clone(), cron: read.cron, source })?;
        let zone = match read.time_zone.as_str() {
            "store" => Zone::Store,
            name => Zone::Fixed(name.parse().map_err(|_| ScheduleError::Zone { file, zone: name.to_owned() })?),
        };
        let (catch_up, late_after_minutes) = (read.catch_up, read.late_after_minutes);
        Ok(Self { name: read.name, zone, job: read.job, catch_up, late_after_minutes, cron })
    }

    /// Ticks after `since` up to and including `now`, as the catch-up policy wants them, oldest first.
    #[must_use]
    pub fn due(&self, zone: Tz, since: DateTime<Utc>, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let after = since.with_timezone(&zone);
        let missed = self.cron.after(&after).map(|at| at.with_timezone(&Utc)).take_while(|at| *at <= now);
        match self.catch_up {
            CatchUp::All => missed.collect(),
            CatchUp::Latest => missed.last().into_iter().collect(),
            CatchUp::Skip => missed.filter(|at| now - *at <= ON_TIME).collect(),
        }
    }
}

/// A tick that is picked up within this time was not missed.
const ON_TIME: chrono::TimeDelta = chrono::TimeDelta::minutes(2);

#[cfg(test)]
mod tests {
    use super::*;

    const NIGHTLY: &str = include_str!("../../../schedules/nightly.toml");

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    #[test]
    fn unknown_keys_names_and_jobs_are_refused() {
        let error = |text: &str, jobs: &[&str]| Schedule::parse("nightly", text, jobs).expect_err("refused").to_string();
        assert!(Schedule::parse("nightly", NIGHTLY, &["run_nightly"]).is_ok());
        assert_eq!(error(&format!("{NIGHTLY}\nevery = 5"), &["run_nightly"]), "schedule `nightly` can't be read");
        assert_eq!(error(NIGHTLY, &["fly"]), "schedule `nightly`: no worker does `run_nightly`; there are fly");
        assert_eq!(error(&NIGHTLY.replace("\"store\"", "\"Mars\""), &["run_nightly"]), "schedule `nightly`: `Mars` is no time zone");
        assert_eq!(
            error(&NIGHTLY.replace("0 32 3 * * *", "soon"), &["run_nightly"]),
            "schedule `nightly`: `soon` is not a cron expression"
        );
    }

    #[test]
    fn a_tick_follows_the_stores_own_clock() {
        let nightly = Schedule::parse("nightly", NIGHTLY, &["run_nightly"]).expect("a schedule");
        let (since, now) = (at("2026-11-21T00:00:00Z"), at("2026-11-23T00:00:00Z"));
        assert_eq!(nightly.due(chrono_tz::Asia::Jakarta, since, now), [at("2026-11-22T20:32:00Z")]);
        assert_eq!(nightly.due(chrono_tz::Asia::Jayapura, since, now), [at("2026-11-22T18:32:00Z")]);
    }

    #[test]
    fn the_policy_decides_about_missed_ticks() {
        let with = |policy: &str| {
            let text = NIGHTLY.replace("catch_up = \"latest\"", &format!("catch_up = \"{policy}\""));
            let schedule = Schedule::parse("nightly", &text, &["run_nightly"]).expect("a schedule");
            schedule.due(chrono_tz::UTC, at("2026-11-20T00:00:00Z"), at("2026-11-23T03:33:00Z")).len()
        };
        assert_eq!((with("all"), with("latest"), with("skip")), (4, 1, 1));
    }
}
