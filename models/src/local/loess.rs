//! Locally weighted linear regression on equally spaced points (loess; Cleveland 1979, Cleveland et al. 1990 section 2).

/// A smoother of vectors whose points lie one apart.
#[derive(Debug, Clone)]
pub(crate) struct Loess {
    /// Nearest points that a fit looks at, odd.
    span: usize,
    /// Every `jump`-th point is fitted, those between are interpolated.
    jump: usize,
    /// Tricube weights by distance from a point in the middle of its neighbours.
    kernel: Vec<f64>,
}

/// Up to this span every point is fitted.
const FINE: usize = 31;

impl Loess {
    /// Even spans are widened by one.
    pub fn new(span: usize) -> Self {
        let span = span.max(3) | 1;
        let half = span / 2;
        let kernel = (0..=half).map(|distance| tricube(distance as f64 / half as f64)).collect();
        Self { span, jump: if span > FINE { span / 10 } else { 1 }, kernel }
    }

    /// Smooths `values`; `weights` are as long.
    pub fn smooth(&self, values: &[f64], weights: &[f64]) -> Vec<f64> {
        let count = values.len();
        let mut smoothed = vec![0.0; count];
        let mut before: Option<(usize, f64)> = None;
        for at in (0..count).filter(|at| at % self.jump == 0 || at + 1 == count) {
            let fitted = self.at(values, weights, at as isize);
            if let Some((left, from)) = before {
                for (steps, value) in smoothed[left..at].iter_mut().enumerate() {
                    *value = from + (fitted - from) * steps as f64 / (at - left) as f64;
                }
            }
            smoothed[at] = fitted;
            before = Some((at, fitted));
        }
        smoothed
    }

    /// What smoothing takes away.
    pub fn residuals(&self, values: &[f64], weights: &[f64]) -> Vec<f64> {
        values.iter().zip(self.smooth(values, weights)).map(|(value, smooth)| value - smooth).collect()
    }

    /// The fit at one point, which may lie outside of `values`. A point without any weight around it keeps the nearest value.
    pub fn at(&self, values: &[f64], weights: &[f64], point: isize) -> f64 {
        let count = values.len() as isize;
        let span = self.span.min(values.len()) as isize;
        let left = (point - span / 2).clamp(0, count - span);
        let right = left + span - 1;
        let reach = (point - left).max(right - point);
        let centred = self.span <= values.len() && reach == span / 2;
        // Where the span is longer than the vector, its points are as near as they would be in the middle of a longer one.
        let bandwidth = reach as f64 + ((self.span - span as usize) / 2) as f64;

        let (mut w, mut wx, mut wxx, mut wy, mut wxy) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for at in left..=right {
            let distance = (at - point).unsigned_abs();
            let near = if centred { self.kernel[distance] } else { tricube(distance as f64 / bandwidth) };
            let (weight, x, y) = (near * weights[at as usize], (at - point) as f64, values[at as usize]);
            w += weight;
            wx += weight * x;
            wxx += weight * x * x;
            wy += weight * y;
            wxy += weight * x * y;
        }
        if w <= 0.0 {
            return values[point.clamp(0, count - 1) as usize];
        }
        let spread = wxx / w - (wx / w).powi(2);
        if spread.max(0.0).sqrt() > 0.001 * (count - 1) as f64 { wy / w - wx / w * (wxy / w - wx / w * wy / w) / spread } else { wy / w }
    }
}

fn tricube(share: f64) -> f64 {
    if share < 1.0 { (1.0 - share.powi(3)).powi(3) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_its_own_smooth_within_and_beyond() {
        let line: Vec<f64> = (0..100).map(|at| 3.0 - 0.5 * f64::from(at)).collect();
        let ones = vec![1.0; 100];
        for span in [5, 13, 61, 201] {
            let loess = Loess::new(span);
            for (smoothed, value) in loess.smooth(&line, &ones).iter().zip(&line) {
                assert!((smoothed - value).abs() < 1e-9);
            }
            assert!((loess.at(&line, &ones, -1) - 3.5).abs() < 1e-9 && (loess.at(&line, &ones, 100) + 47.0).abs() < 1e-9);
        }
    }

    #[test]
    fn a_point_without_weight_is_not_heard() {
        let mut values = vec![2.0; 21];
        let mut weights = vec![1.0; 21];
        (values[10], weights[10]) = (1e6, 0.0);
        assert!(Loess::new(7).smooth(&values, &weights).iter().all(|value| (value - 2.0).abs() < 1e-9));
        assert_eq!(Loess::new(7).smooth(&[4.0], &[1.0]), [4.0]);
        assert_eq!(Loess::new(7).smooth(&[], &[]), [0.0; 0]);
    }
}
