//! Daily signals of a topic from its articles: how many, how new, rising or falling, well or ill.
//!
//! A function of the articles alone, each with the time at which it was first seen: a day has a version for each time at which an
//! article of it became known, made of what was known then. Articles may be stored in any order; the signals are the same.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, NaiveDate, Utc};
use platform::db::news_articles::Mention;
use platform::db::news_signals::NewsSignalVersion;

use super::sentiment::sentiment;

/// Days before a day that decide whether something is new, and from what it rises.
pub const MEMORY: u64 = 14;
/// Days whose mean is called recent.
const RECENT: u64 = 3;

/// Versions of the signals of `days`, in order. `mentions` are the topic's, those of [`MEMORY`] days before among them.
#[must_use]
pub fn signals(topic: &str, mentions: &[Mention], first: NaiveDate, last: NaiveDate) -> Vec<NewsSignalVersion> {
    let mut by_day: BTreeMap<NaiveDate, Vec<Told<'_>>> = BTreeMap::new();
    for mention in mentions {
        by_day.entry(mention.day).or_default().push(Told::of(mention));
    }
    let mut versions: Vec<NewsSignalVersion> = Vec::new();
    for (&day, told) in by_day.range(first..=last) {
        let times: BTreeSet<DateTime<Utc>> = told.iter().map(|told| told.available_at).collect();
        for available_at in times {
            let version = signal(topic, day, &by_day, available_at);
            let known = versions.last().filter(|known| known.signal_date == day);
            if known.is_none_or(|known| NewsSignalVersion { available_at, ..known.clone() } != version) {
                versions.push(version);
            }
        }
    }
    versions
}

/// An article's title as a set of words: the same title is the same article.
struct Told<'a> {
    words: BTreeSet<String>,
    mention: &'a Mention,
    available_at: DateTime<Utc>,
}

impl<'a> Told<'a> {
    fn of(mention: &'a Mention) -> Self {
        let title = mention.title.to_lowercase();
        let words = title.split(|letter: char| !letter.is_alphanumeric()).filter(|word| word.len() > 2).map(str::to_owned).collect();
        Self { words, mention, available_at: mention.available_at }
    }

    /// Shared words of all words (Jaccard).
    fn likeness(&self, other: &Self) -> f32 {
        let shared = self.words.intersection(&other.words).count() as f32;
        let all = self.words.union(&other.words).count() as f32;
        if all == 0.0 { 1.0 } else { shared / all }
    }
}

fn signal(topic: &str, day: NaiveDate, by_day: &BTreeMap<NaiveDate, Vec<Told<'_>>>, as_of: DateTime<Utc>) -> NewsSignalVersion {
    let back = |days: u64| day.checked_sub_days(Days::new(days)).unwrap_or(NaiveDate::MIN);
    let of_days = |first: NaiveDate, end: NaiveDate| {
        let known = by_day.range(first..end).flat_map(|(_, told)| told).filter(|told| told.available_at <= as_of);
        let each_once: BTreeMap<(NaiveDate, &BTreeSet<String>), &Told<'_>> =
            known.map(|told| ((told.mention.day, &told.words), told)).collect();
        each_once.into_values().collect::<Vec<_>>()
    };
    let next = day.succ_opt().unwrap_or(day);
    let (today, before) = (of_days(day, next), of_days(back(MEMORY), day));
    let mean = |values: &mut dyn Iterator<Item = f32>| values.sum::<f32>() / today.len().max(1) as f32;
    let novelty = |told: &&Told<'_>| 1.0 - before.iter().map(|known| told.likeness(known)).fold(0.0, f32::max);
    let recent = of_days(back(RECENT - 1), next).len() as f32 / RECENT as f32;
    let usual = of_days(back(MEMORY), back(RECENT - 1)).len() as f32 / (MEMORY - RECENT + 1) as f32;
    let text = |told: &&Told<'_>| sentiment(&format!("{} {}", told.mention.title, told.mention.snippet.as_deref().unwrap_or_default()));
    NewsSignalVersion {
        topic: topic.to_owned(),
        region: String::new(),
        signal_date: day,
        volume: today.len() as f32,
        novelty: Some(mean(&mut today.iter().map(novelty))),
        // Half an article a day, so that nothing rises from nothing.
        momentum: Some(((recent + 0.5) / (usual + 0.5)).ln()),
        sentiment: Some(mean(&mut today.iter().map(text))),
        available_at: as_of,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mention(day: &str, title: &str, seen: &str) -> Mention {
        let (day, available_at) = (day.parse().expect("a day"), seen.parse().expect("an instant"));
        Mention { day, title: title.to_owned(), snippet: None, available_at }
    }

    #[test]
    fn a_day_has_a_version_for_each_time_it_was_told_more() {
        let mentions = [
            mention("2026-11-20", "Ayam geprek di kampus", "2026-11-20T12:00:00Z"),
            mention("2026-11-22", "Ayam geprek viral", "2026-11-22T12:00:00Z"),
            mention("2026-11-22", "Ayam geprek viral", "2026-11-22T12:00:00Z"),
            mention("2026-11-22", "Sambal baru diserbu", "2026-11-23T12:00:00Z"),
        ];
        let day = |text: &str| text.parse().expect("a day");
        let made = signals("ayam geprek", &mentions, day("2026-11-21"), day("2026-11-23"));
        let shown: Vec<_> = made.iter().map(|made| (made.volume, made.novelty, made.sentiment, made.available_at.to_rfc3339())).collect();
        assert_eq!(
            shown,
            [
                (1.0, Some(0.5), Some(1.0), "2026-11-22T12:00:00+00:00".to_owned()),
                (2.0, Some(0.75), Some(1.0), "2026-11-23T12:00:00+00:00".to_owned()),
            ]
        );
        assert!(made[1].momentum > made[0].momentum && made[0].momentum > Some(0.0));
        let mut backwards = mentions.to_vec();
        backwards.reverse();
        assert_eq!(signals("ayam geprek", &backwards, day("2026-11-21"), day("2026-11-23")), made);
    }
}
