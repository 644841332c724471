//! A level, with a damped trend where the series shows one (Holt 1957; Gardner and McKenzie 1985).

/// Smoothing parameters of the level that are tried.
const ALPHAS: [f64; 10] = [0.01, 0.02, 0.04, 0.07, 0.1, 0.15, 0.22, 0.33, 0.5, 0.75];
/// Shares of the level's parameter that the trend's may be.
const TREND_SHARES: [f64; 2] = [0.05, 0.2];
/// What a period leaves of the trend.
const DAMPINGS: [f64; 2] = [0.9, 0.98];
/// Values that the first level is the mean of.
const START: usize = 10;

#[derive(Debug, Clone, Copy, PartialEq)]
struct Smoother {
    alpha: f64,
    beta: f64,
    damping: f64,
}

struct End {
    level: f64,
    trend: f64,
    squared: f64,
    count: f64,
}

/// Forecast of a series without a season; NaN marks a gap. Of all smoothers tried, the one with the least AICc of its
/// one-step errors. Zeros for a series of gaps.
pub(crate) fn forecast(values: &[f64], horizon: usize) -> Vec<f64> {
    let levels = ALPHAS.map(|alpha| Smoother { alpha, beta: 0.0, damping: 0.0 });
    let trends = ALPHAS.iter().flat_map(|&alpha| {
        let of = move |share: &f64| DAMPINGS.map(|damping| Smoother { alpha, beta: alpha * share, damping });
        TREND_SHARES.iter().flat_map(of)
    });
    let scored = levels.into_iter().chain(trends).map(|smoother| (smoother, smoother.walk(values)));
    let best = scored.min_by(|(a, at), (b, bt)| a.criterion(at).total_cmp(&b.criterion(bt)));
    let Some((smoother, End { mut level, mut trend, .. })) = best else { return vec![0.0; horizon] };
    let step = |_| {
        trend *= smoother.damping;
        level += trend;
        level
    };
    (0..horizon).map(step).collect()
}

impl Smoother {
    fn walk(&self, values: &[f64]) -> End {
        let mut known = values.iter().copied().filter(|value| value.is_finite()).take(START).peekable();
        let start = if known.peek().is_some() { known.clone().sum::<f64>() / known.count() as f64 } else { 0.0 };
        let mut end = End { level: start, trend: 0.0, squared: 0.0, count: 0.0 };
        for &value in values {
            end.trend *= self.damping;
            end.level += end.trend;
            if value.is_finite() {
                let error = value - end.level;
                end.level += self.alpha * error;
                end.trend += self.beta * error;
                end.squared += error * error;
                end.count += 1.0;
            }
        }
        end
    }

    /// Akaike's, corrected for few values (Hurvich and Tsai 1989).
    fn criterion(&self, End { squared, count, .. }: &End) -> f64 {
        let parameters: f64 = if self.beta > 0.0 { 6.0 } else { 3.0 };
        let fit = count * (squared / count).max(f64::MIN_POSITIVE).ln();
        let correction = 2.0 * parameters * (parameters + 1.0) / (count - parameters - 1.0).max(1.0);
        fit + 2.0 * parameters + correction
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_stays_and_a_trend_is_followed() {
        let level: Vec<f64> = (0..80).map(|at| 20.0 + f64::from(at % 2)).collect();
        let path = forecast(&level, 5);
        assert!(path.iter().all(|value| (value - 20.5).abs() < 0.1 && *value == path[0]), "{path:?}");

        let rising: Vec<f64> = (0..80).map(|at| 100.0 + 2.0 * f64::from(at)).collect();
        let path = forecast(&rising, 3);
        assert!(path[0] > 258.0 && path[2] > path[0] + 2.0 && path[2] < 266.0, "{path:?}");
    }

    #[test]
    fn gaps_are_walked_over() {
        let path = forecast(&[5.0, f64::NAN, 5.0, f64::NAN], 2);
        assert_eq!(path, [5.0, 5.0]);
        assert_eq!(forecast(&[f64::NAN], 2), [0.0, 0.0]);
        assert_eq!(forecast(&[], 1), [0.0]);
    }
}
