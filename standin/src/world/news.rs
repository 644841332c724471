//! News: topics that go viral, what that does to demand, and the background chatter that does nothing.

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use super::definition::{Store, Topic};
use super::random::Key;
use super::rows::NewsSignal;

/// Days over which a spike fades to 1/e.
const FADES_OVER: f64 = 3.5;
/// Days after which nothing is left of it.
const LASTS: i64 = 12;

/// A topic that went viral.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Spike {
    /// Store slug.
    pub store: String,
    /// Topic slug.
    pub topic: String,
    /// First day it is talked about; demand follows the day after.
    pub starts_on: NaiveDate,
    /// Lift of demand on the first day after; 0 for noise.
    pub lift: f64,
    /// Products it lifts.
    pub products: Vec<String>,
}

impl Spike {
    /// Extra share of demand on that day.
    pub(crate) fn extra(&self, day: NaiveDate) -> f64 {
        let after = (day - self.starts_on).num_days() - 1;
        if (0..LASTS).contains(&after) { self.lift * libm::exp(-(after as f64) / FADES_OVER) } else { 0.0 }
    }

    fn loudness(&self, day: NaiveDate) -> f64 {
        let since = (day - self.starts_on).num_days();
        if (0..=LASTS).contains(&since) { 60.0 * libm::exp(-(since as f64) / FADES_OVER) } else { 0.0 }
    }
}

/// The spikes of one topic that start in `[first, last]`.
pub(crate) fn spikes(key: Key, topic: &Topic, first: NaiveDate, last: NaiveDate) -> Vec<Spike> {
    let months = i64::from(first.year()) * 12 + i64::from(first.month0())..=i64::from(last.year()) * 12 + i64::from(last.month0());
    let spike = |month: i64| {
        let mut stream = key.of("spike").at(month).stream();
        if !stream.chance(topic.per_year / 12.0) {
            return None;
        }
        let day = NaiveDate::from_ymd_opt((month / 12) as i32, (month % 12) as u32 + 1, 1 + stream.below(28))?;
        Some(Spike {
            store: topic.store.clone(),
            topic: topic.slug.clone(),
            starts_on: day,
            lift: topic.lift * stream.between(0.7, 1.3),
            products: topic.products.clone(),
        })
    };
    months.filter_map(spike).filter(|spike| (first..=last).contains(&spike.starts_on)).collect()
}

/// Daily mentions of a topic: chatter, and the spikes on top. Days without a mention have no row.
pub(crate) fn signals(key: Key, store: &Store, topic: &Topic, spikes: &[Spike], first: NaiveDate, last: NaiveDate) -> Vec<NewsSignal> {
    let mut rows = Vec::new();
    for date in first.iter_days().take_while(|day| *day <= last) {
        let loudness: f64 = spikes.iter().map(|spike| spike.loudness(date)).sum();
        let mentions = key.of("mentions").at(i64::from(date.num_days_from_ce())).stream().poisson(0.7 + loudness);
        if mentions > 0 {
            rows.push(NewsSignal {
                store: store.slug.clone(),
                topic: topic.slug.clone(),
                headline: topic.headline.clone(),
                date,
                mentions,
                available_at: at_local(store.zone, date, 21),
            });
        }
    }
    rows
}

/// That local hour of that day in UTC (Indonesia has no summer time, so it is never ambiguous).
pub(crate) fn at_local(zone: Tz, date: NaiveDate, hour: i64) -> DateTime<Utc> {
    to_utc(zone, date.and_time(chrono::NaiveTime::MIN) + Duration::hours(hour))
}

/// A local wall clock time in UTC.
pub(crate) fn to_utc(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    zone.from_local_datetime(&local).earliest().map_or_else(|| local.and_utc(), |time| time.with_timezone(&Utc))
}
