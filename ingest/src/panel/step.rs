//! The step of a panel by name, and told from its stamps.

use std::collections::HashMap;

use chrono::{Datelike, Days, NaiveDateTime, NaiveTime};
use domain::Frequency;

/// `--freq`: the length of a step. The weekday or day of the month it is counted from is told from the stamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A divisor of a day.
    Minutes(u32),
    Daily,
    Weekly,
    /// A divisor of a year.
    Months(u32),
    Integer,
}

impl std::str::FromStr for Step {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let lower = text.to_ascii_lowercase();
        // `1w-MON` and `W-SUN` name an anchor, which the stamps tell anyway.
        let name = lower.split('-').next().unwrap_or_default();
        let digits = name.bytes().take_while(u8::is_ascii_digit).count();
        let count: u32 = if digits == 0 { 1 } else { name[..digits].parse().unwrap_or(0) };
        let step = match (&name[digits..], count) {
            ("min" | "t" | "minutes", 1..=1440) if 1440 % count == 0 => Some(Self::Minutes(count)),
            ("h" | "hourly", 1..=24) if 24 % count == 0 => Some(Self::Minutes(count * 60)),
            ("d" | "daily", 1) => Some(Self::Daily),
            ("w" | "weekly", 1) => Some(Self::Weekly),
            ("mo" | "m" | "ms" | "me" | "monthly", 1..=12) if 12 % count == 0 => Some(Self::Months(count)),
            ("q" | "qs" | "qe" | "quarterly", 1) => Some(Self::Months(3)),
            ("y" | "ys" | "ye" | "a" | "yearly", 1) => Some(Self::Months(12)),
            ("integer" | "i", 1) => Some(Self::Integer),
            _ => None,
        };
        match step {
            Some(Self::Minutes(1440)) => Ok(Self::Daily),
            Some(step) => Ok(step),
            None => Err(format!("`{text}` is not a step; use 15min, 30min, 1h, 1d, 1w, 1mo, 1q, 1y or integer")),
        }
    }
}

/// The step that the gaps between neighbouring stamps show most often; the gap itself if it is none.
pub(super) fn infer(gaps_in_seconds: impl Iterator<Item = i64>) -> Result<Option<Step>, i64> {
    let mut counts: HashMap<i64, u64> = HashMap::new();
    for gap in gaps_in_seconds.filter(|&gap| gap > 0) {
        *counts.entry(gap).or_default() += 1;
    }
    let usual = counts.into_iter().max_by_key(|&(gap, count)| (count, std::cmp::Reverse(gap)));
    usual.map(|(gap, _)| step_of(gap).ok_or(gap)).transpose()
}

fn step_of(gap_in_seconds: i64) -> Option<Step> {
    const DAY: i64 = 86_400;
    if gap_in_seconds % DAY != 0 {
        let minutes = u32::try_from(gap_in_seconds / 60).ok()?;
        let divides_a_day = gap_in_seconds % 60 == 0 && minutes > 0 && minutes < 1440 && 1440 % minutes == 0;
        return divides_a_day.then_some(Step::Minutes(minutes));
    }
    Some(match gap_in_seconds / DAY {
        1 => Step::Daily,
        7 => Step::Weekly,
        28..=31 => Step::Months(1),
        59..=62 => Step::Months(2),
        89..=92 => Step::Months(3),
        120..=123 => Step::Months(4),
        181..=184 => Step::Months(6),
        365..=366 => Step::Months(12),
        _ => return None,
    })
}

/// The frequency of that step on which most of the stamps lie.
pub(super) fn anchored(step: Step, stamps: &[NaiveDateTime]) -> Frequency {
    match step {
        Step::Minutes(minutes) => Frequency::Minutes { minutes },
        Step::Daily => Frequency::Daily,
        Step::Weekly => Frequency::Weekly { weekday: most_common(stamps.iter().map(|at| at.weekday().num_days_from_monday() as u8)) },
        Step::Months(months) => {
            let phase = most_common(stamps.iter().map(|at| at.month0() % months.max(1)));
            Frequency::Monthly { months, phase, day: day_of_month(stamps) }
        }
        Step::Integer => Frequency::Integer,
    }
}

/// 31 if every stamp is the last day of its month; the usual day otherwise, the greatest one where short months cut it.
fn day_of_month(stamps: &[NaiveDateTime]) -> u8 {
    let is_last = |at: &NaiveDateTime| at.checked_add_days(Days::new(1)).is_some_and(|next| next.day() == 1);
    if stamps.iter().all(is_last) {
        return 31;
    }
    let days = || stamps.iter().map(|at| at.day() as u8);
    let usual = most_common(days());
    if usual < 28 { usual } else { days().max().unwrap_or(usual) }
}

fn most_common<T: Copy + Ord + std::hash::Hash + Default>(values: impl Iterator<Item = T>) -> T {
    let mut counts: HashMap<T, u64> = HashMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    counts.into_iter().max_by_key(|&(value, count)| (count, std::cmp::Reverse(value))).map(|(value, _)| value).unwrap_or_default()
}

/// Drops a time of day that is the same in every stamp: daily totals stamped at 08:00.
pub(super) fn without_common_time(stamps: &mut [NaiveDateTime]) {
    let Some(time) = stamps.first().map(NaiveDateTime::time) else { return };
    if time != NaiveTime::MIN && stamps.iter().all(|at| at.time() == time) {
        stamps.iter_mut().for_each(|at| *at = at.date().and_time(NaiveTime::MIN));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_have_names() {
        let step = |text: &str| text.parse::<Step>();
        assert_eq!(
            ["1d", "D", "30min", "h", "2h", "W-SUN", "1mo", "MS", "1q", "1y", "integer"].map(|name| step(name).ok()),
            [
                Some(Step::Daily),
                Some(Step::Daily),
                Some(Step::Minutes(30)),
                Some(Step::Minutes(60)),
                Some(Step::Minutes(120)),
                Some(Step::Weekly),
                Some(Step::Months(1)),
                Some(Step::Months(1)),
                Some(Step::Months(3)),
                Some(Step::Months(12)),
                Some(Step::Integer)
            ]
        );
        for wrong in ["7min", "5h", "2w", "0d", "fortnight", "", "d1", "5mo", "99999999999d"] {
            assert!(step(wrong).is_err(), "{wrong}");
        }
    }
}
