//! Seasonal-trend decomposition by loess (STL; Cleveland, Cleveland, McRae and Terpenning 1990).

use super::loess::Loess;

/// How a decomposition is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stl {
    /// Periods in a season, 2 at least.
    pub season: usize,
    /// Seasons that a seasonal value looks at.
    pub seasonal_span: usize,
    /// Passes between season and trend under the same weights.
    pub inner: usize,
    /// Times that outliers are weighed anew.
    pub outer: usize,
}

/// A series is `seasonal + trend + remainder`.
pub(crate) struct Decomposition {
    pub seasonal: Vec<f64>,
    pub trend: Vec<f64>,
}

impl Stl {
    /// Decomposes at least two seasons without gaps.
    pub fn decompose(&self, values: &[f64]) -> Decomposition {
        let (seasonal_loess, low_pass, trend_loess) = (Loess::new(self.seasonal_span), Loess::new(self.season + 1), self.trend_loess());
        let ones = vec![1.0; values.len()];
        let mut weights = ones.clone();
        let mut parts = Decomposition { seasonal: vec![0.0; values.len()], trend: vec![0.0; values.len()] };
        for pass in 0..=self.outer {
            if pass > 0 {
                weights = bisquare(&difference(&difference(values, &parts.seasonal), &parts.trend));
            }
            for _ in 0..self.inner {
                let cycles = self.smooth_cycles(&difference(values, &parts.trend), &weights, &seasonal_loess);
                let drift = moving_mean(&moving_mean(&moving_mean(&cycles, self.season), self.season), 3);
                let drift = low_pass.smooth(&drift, &ones);
                parts.seasonal = difference(&cycles[self.season..], &drift);
                parts.trend = trend_loess.smooth(&difference(values, &parts.seasonal), &weights);
            }
        }
        parts
    }

    /// The span that keeps the trend from taking what is the season's (section 3.6 of the paper).
    fn trend_loess(&self) -> Loess {
        Loess::new((1.5 * self.season as f64 / (1.0 - 1.5 / self.seasonal_span as f64)).ceil() as usize)
    }

    /// Smooths the values of each season position; extends every position by a season at both ends.
    fn smooth_cycles(&self, values: &[f64], weights: &[f64], loess: &Loess) -> Vec<f64> {
        let mut smoothed = vec![0.0; values.len() + 2 * self.season];
        for position in 0..self.season {
            let every = |of: &[f64]| of.iter().copied().skip(position).step_by(self.season).collect::<Vec<f64>>();
            let (cycle, weight) = (every(values), every(weights));
            let first = std::iter::once(loess.at(&cycle, &weight, -1));
            let last = std::iter::once(loess.at(&cycle, &weight, cycle.len() as isize));
            let slots = smoothed.iter_mut().skip(position).step_by(self.season);
            slots.zip(first.chain(loess.smooth(&cycle, &weight)).chain(last)).for_each(|(slot, value)| *slot = value);
        }
        smoothed
    }
}

/// Weights that fall from 1 at no error to 0 at six times the median one; all 1 where most errors are zero.
pub(crate) fn bisquare(errors: &[f64]) -> Vec<f64> {
    let reach = 6.0 * median_size(errors);
    let weight = |error: &f64| {
        let share = error.abs() / reach;
        if share < 1.0 { (1.0 - share * share).powi(2) } else { 0.0 }
    };
    if reach > 0.0 { errors.iter().map(weight).collect() } else { vec![1.0; errors.len()] }
}

/// Median of the absolute values, of an even count the mean of the two in the middle; 0 for none.
pub(crate) fn median_size(errors: &[f64]) -> f64 {
    let mut sizes: Vec<f64> = errors.iter().map(|error| error.abs()).collect();
    if sizes.is_empty() {
        return 0.0;
    }
    let middle = sizes.len() / 2;
    let is_even = sizes.len().is_multiple_of(2);
    let (below, &mut upper, _) = sizes.select_nth_unstable_by(middle, f64::total_cmp);
    if is_even { 0.5 * (below.iter().copied().fold(0.0, f64::max) + upper) } else { upper }
}

fn difference(values: &[f64], less: &[f64]) -> Vec<f64> {
    values.iter().zip(less).map(|(value, less)| value - less).collect()
}

fn moving_mean(values: &[f64], length: usize) -> Vec<f64> {
    values.windows(length).map(|window| window.iter().sum::<f64>() / length as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(t: usize) -> f64 {
        let (day, at) = ([12.0, -5.0, 3.0, 0.0, -9.0, 4.0, -5.0][t % 7], t as f64);
        100.0 + 0.3 * at + day * (1.0 + 0.002 * at) + 6.0 * (at * 1.7).sin() + 4.0 * (at * 0.31).sin()
    }

    fn agrees(outer: usize, tolerance: f64, expected: [(usize, f64, f64); 4]) {
        let values: Vec<f64> = (0..140).map(value).collect();
        let parts = Stl { season: 7, seasonal_span: 11, inner: 2, outer }.decompose(&values);
        for (at, seasonal, trend) in expected {
            assert!((parts.seasonal[at] - seasonal).abs() < tolerance, "season at {at}: {} for {seasonal}", parts.seasonal[at]);
            assert!((parts.trend[at] - trend).abs() < tolerance, "trend at {at}: {} for {trend}", parts.trend[at]);
        }
    }

    #[test]
    fn the_parts_are_those_of_statsmodels() {
        // statsmodels 0.15.0, STL(y, period=7, seasonal=11, robust=..).fit(inner_iter=2, outer_iter=0 and 2).
        agrees(
            0,
            1e-10,
            [
                (0, 5.954_456_258_954_5, 103.726_216_129_720_17),
                (3, -5.875_718_767_908, 104.186_143_501_315_36),
                (70, 12.793_543_989_527_92, 121.877_491_506_174),
                (139, -12.763_122_900_740_13, 138.887_079_758_461_6),
            ],
        );
        // It rounds the weights of the smallest errors up to 1 and of the greatest down to 0.
        agrees(
            2,
            1e-5,
            [
                (0, 5.939_933_054_069_22, 103.996_770_725_189_95),
                (3, -5.849_503_697_683_71, 104.273_303_835_643_28),
                (70, 12.851_607_111_510_88, 121.854_507_066_410_15),
                (139, -12.921_800_790_740_3, 139.159_662_062_010_5),
            ],
        );
    }

    #[test]
    fn an_outlier_stays_in_the_remainder() {
        let mut values: Vec<f64> = (0..140).map(value).collect();
        let before = Stl { season: 7, seasonal_span: 11, inner: 2, outer: 2 }.decompose(&values);
        values[70] += 500.0;
        let after = Stl { season: 7, seasonal_span: 11, inner: 2, outer: 2 }.decompose(&values);
        assert!((after.trend[70] - before.trend[70]).abs() < 5.0 && (after.seasonal[77] - before.seasonal[77]).abs() < 5.0);
    }
}
