//! Normal equations of a small bounded least squares problem.

/// `matrix = J'J` and `gradient = J'r` of residuals `r`, lanes padded with zeros.
#[derive(Clone)]
pub(super) struct Normal {
    lanes: usize,
    matrix: Vec<f64>,
    gradient: Vec<f64>,
    /// Sum of the derivatives of the means' logarithms.
    logs: Vec<f64>,
}

/// Smallest pivot of the factorisation relative to its diagonal: below it a number is not determined and stays.
const SMALLEST_PIVOT: f64 = 1e-11;

impl Normal {
    pub fn new(lanes: usize) -> Self {
        Self { lanes, matrix: vec![0.0; lanes * lanes], gradient: vec![0.0; lanes], logs: vec![0.0; lanes] }
    }

    pub fn clear(&mut self) {
        self.matrix.fill(0.0);
        self.gradient.fill(0.0);
        self.logs.fill(0.0);
    }

    pub fn gradient(&self, lane: usize) -> f64 {
        self.gradient[lane]
    }

    /// One residual whose derivative is `-weight * d_mean`. Only the lower triangle is kept, in steps of four lanes.
    #[inline]
    pub fn add(&mut self, d_mean: &[f64], weight: f64, residual: f64) {
        let lanes = self.lanes;
        let d_mean = &d_mean[..lanes];
        let weighted = weight * residual;
        for (gradient, mean) in self.gradient[..lanes].iter_mut().zip(d_mean) {
            *gradient -= weighted * mean;
        }
        let weight = weight * weight;
        for (row, values) in self.matrix.chunks_exact_mut(lanes).enumerate() {
            let factor = weight * d_mean[row];
            let upto = (row / 4 + 1) * 4;
            for (value, mean) in values[..upto].iter_mut().zip(&d_mean[..upto]) {
                *value += factor * mean;
            }
        }
    }

    /// The derivative of one mean's logarithm.
    #[inline]
    pub fn add_log(&mut self, d_mean: &[f64], weight: f64) {
        for (log, mean) in self.logs.iter_mut().zip(d_mean) {
            *log += weight * mean;
        }
    }

    /// Residuals times the geometric mean of the means, up to its constant factor: `J + r m'` for `J`, `m` the mean
    /// derivative of the logarithms.
    pub fn with_geometric_mean(&mut self, squares: f64, count: usize) {
        let mean = |log: f64| log / count.max(1) as f64;
        for row in 0..self.lanes {
            let own = mean(self.logs[row]);
            for column in 0..=row {
                let other = mean(self.logs[column]);
                self.matrix[row * self.lanes + column] += self.gradient[row] * other + own * self.gradient[column] + own * other * squares;
            }
        }
        for (gradient, &log) in self.gradient.iter_mut().zip(&self.logs) {
            *gradient += mean(log) * squares;
        }
    }

    /// The step `-(J'J + damping * diagonal)^-1 J'r` with the pinned lanes left at zero.
    pub fn step(&self, damping: f64, pinned: &[bool], step: &mut [f64], factor: &mut Vec<f64>) {
        let (lanes, size) = (self.lanes, step.len());
        factor.clear();
        factor.resize(size * size, 0.0);
        let mut fixed = [false; 64];
        for row in 0..size {
            let diagonal = self.matrix[row * lanes + row];
            fixed[row] = pinned[row] || diagonal <= 0.0;
            for column in 0..=row {
                let held = fixed[row] || fixed[column];
                let mut sum = if held { 0.0 } else { self.matrix[row * lanes + column] };
                if row == column {
                    sum += damping * diagonal;
                }
                for inner in 0..column {
                    sum -= factor[row * size + inner] * factor[column * size + inner];
                }
                factor[row * size + column] = if row != column {
                    if factor[column * size + column] > 0.0 { sum / factor[column * size + column] } else { 0.0 }
                } else if !held && sum > SMALLEST_PIVOT * diagonal {
                    sum.sqrt()
                } else {
                    fixed[row] = true;
                    0.0
                };
            }
            if fixed[row] {
                factor[row * size..row * size + row].fill(0.0);
            }
        }
        for row in 0..size {
            let known: f64 = (0..row).map(|column| factor[row * size + column] * step[column]).sum();
            step[row] = if fixed[row] { 0.0 } else { (-self.gradient[row] - known) / factor[row * size + row] };
        }
        for row in (0..size).rev() {
            let known: f64 = (row + 1..size).map(|below| factor[below * size + row] * step[below]).sum();
            step[row] = if fixed[row] { 0.0 } else { (step[row] - known) / factor[row * size + row] };
        }
    }
}
