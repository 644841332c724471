//! A smooth yearly pattern of daily values.

use std::f64::consts::TAU;

use super::reliability::reliability;

/// Days in a year.
const YEAR: f64 = 365.25;
/// Points of the pattern over the year, five days apart.
const POINTS: usize = 73;
/// Days to either side that a point looks at: what is narrower than a month is a holiday's, not the year's.
const REACH: f64 = 45.0;

/// What the time of the year adds, around zero.
pub(crate) struct Yearly {
    points: Vec<f64>,
}

impl Yearly {
    /// From values around zero (trend and other seasons taken out), one a day, with the weight each is heard with. Years are
    /// counted back from the last day. `None` with less than two of them.
    ///
    /// The pattern is the mean of the years', times the share of it that is not chance (see [`reliability`]).
    pub fn learn(values: &[f64], weights: &[f64]) -> Option<Self> {
        let whole = (values.len() as f64 / YEAR).floor() as usize;
        let years = (0..whole).map(|year| {
            let until = values.len() - (year as f64 * YEAR).round() as usize;
            let from = values.len().saturating_sub(((year + 1) as f64 * YEAR).round() as usize);
            pattern(&values[from..until], &weights[from..until], from)
        });
        let years: Vec<Vec<f64>> = years.collect();
        let share = if years.len() < 2 { return None } else { reliability(&years) };
        let mut points: Vec<f64> = (0..POINTS).map(|point| years.iter().map(|year| year[point]).sum::<f64>() / whole as f64).collect();
        let mean = points.iter().sum::<f64>() / POINTS as f64;
        points.iter_mut().for_each(|point| *point = share * (*point - mean));
        Some(Self { points })
    }

    /// Of the day at this position of the values learnt from, or after them.
    pub fn at(&self, day: usize) -> f64 {
        let place = (day as f64 / YEAR).fract() * POINTS as f64;
        let (left, share) = (place.floor() as usize % POINTS, place.fract());
        self.points[left] + share * (self.points[(left + 1) % POINTS] - self.points[left])
    }
}

/// One year's pattern: means of the days around each point, nearer ones counting more, the year closed to a ring.
fn pattern(values: &[f64], weights: &[f64], first: usize) -> Vec<f64> {
    let phase = |at: usize| ((first + at) as f64 / YEAR).fract() * YEAR;
    let (mut sums, mut totals) = (vec![0.0; POINTS], vec![0.0; POINTS]);
    let apart = YEAR / POINTS as f64;
    for (at, (value, weight)) in values.iter().zip(weights).enumerate() {
        let phase = phase(at);
        let nearest = (phase / apart).round() as isize;
        let reach = (REACH / apart).ceil() as isize;
        for point in nearest - reach..=nearest + reach {
            let share = (phase - point as f64 * apart).abs() / REACH;
            if share < 1.0 {
                let slot = point.rem_euclid(POINTS as isize) as usize;
                let weight = weight * 0.5 * (1.0 + (TAU / 2.0 * share).cos());
                sums[slot] += weight * value;
                totals[slot] += weight;
            }
        }
    }
    sums.iter().zip(&totals).map(|(sum, total)| if *total > 0.0 { sum / total } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(day: usize) -> f64 {
        10.0 * (TAU * day as f64 / YEAR).cos()
    }

    #[test]
    fn what_the_years_agree_on_is_kept() {
        let values: Vec<f64> = (0..1100).map(|day| wave(day) + if day % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let yearly = Yearly::learn(&values, &vec![1.0; 1100]).expect("three years");
        assert!((0..1200).all(|day| (yearly.at(day) - wave(day)).abs() < 1.0));
    }

    #[test]
    fn what_they_disagree_on_is_not() {
        let turned: Vec<f64> = (0..731).map(|day| if day < 366 { wave(day) } else { -wave(day) }).collect();
        let yearly = Yearly::learn(&turned, &vec![1.0; 731]).expect("two years");
        assert!((0..400).all(|day| yearly.at(day).abs() < 0.5), "{:?}", yearly.points);
        assert!(Yearly::learn(&turned[..700], &vec![1.0; 700]).is_none());
    }
}
