//! Normal equations of a small bounded least squares problem.

/// Lanes come in tiles of this many, what the compiler keeps in registers.
pub(super) const TILE: usize = 4;
/// Residuals that are summed at once.
const BATCH: usize = 8;

/// `matrix = J'J` and `gradient = J'r` of residuals `r`, lanes padded with zeros to whole tiles.
#[derive(Clone)]
pub(super) struct Normal {
    lanes: usize,
    /// By row; only the tiles on and below the diagonal are kept.
    matrix: Vec<f64>,
    gradient: Vec<f64>,
    /// Sum of the derivatives of the means' logarithms.
    logs: Vec<f64>,
    /// Rows of `J` that wait for their batch, by tile and then by residual.
    waiting: Vec<[f64; TILE]>,
    count: usize,
}

/// Smallest pivot of the factorisation relative to its diagonal: below it a number is not determined and stays.
const SMALLEST_PIVOT: f64 = 1e-11;

impl Normal {
    pub fn new(lanes: usize) -> Self {
        let zeros = || vec![0.0; lanes];
        let waiting = vec![[0.0; TILE]; lanes / TILE * BATCH];
        Self { lanes, matrix: vec![0.0; lanes * lanes], gradient: zeros(), logs: zeros(), waiting, count: 0 }
    }

    pub fn clear(&mut self) {
        self.matrix.fill(0.0);
        self.gradient.fill(0.0);
        self.logs.fill(0.0);
        self.count = 0;
    }

    pub fn gradient(&self, lane: usize) -> f64 {
        self.gradient[lane]
    }

    /// One residual whose derivative is `-weight * d_mean`.
    #[inline]
    pub fn add(&mut self, d_mean: &[[f64; TILE]], weight: f64, residual: f64) {
        let (gradients, _) = self.gradient.as_chunks_mut::<TILE>();
        for ((tile, gradient), waiting) in d_mean.iter().zip(gradients).zip(self.waiting[self.count..].iter_mut().step_by(BATCH)) {
            for lane in 0..TILE {
                let derivative = weight * tile[lane];
                gradient[lane] -= residual * derivative;
                waiting[lane] = derivative;
            }
        }
        self.count += 1;
        if self.count == BATCH {
            self.flush();
        }
    }

    /// Sums what waits.
    pub fn flush(&mut self) {
        let lanes = self.lanes;
        for (down, rows) in self.waiting.chunks_exact(BATCH).enumerate() {
            for (across, columns) in self.waiting.chunks_exact(BATCH).enumerate().take(down + 1) {
                let mut sums = [[0.0; TILE]; TILE];
                for (row, column) in rows.iter().zip(columns).take(self.count) {
                    for (sums, row) in sums.iter_mut().zip(row) {
                        for (sum, column) in sums.iter_mut().zip(column) {
                            *sum += row * column;
                        }
                    }
                }
                for (row, sums) in sums.iter().enumerate() {
                    let start = (down * TILE + row) * lanes + across * TILE;
                    self.matrix[start..start + TILE].iter_mut().zip(sums).for_each(|(value, sum)| *value += sum);
                }
            }
        }
        self.count = 0;
    }

    /// The derivative of one mean's logarithm.
    #[inline]
    pub fn add_log(&mut self, d_mean: &[[f64; TILE]], weight: f64) {
        let (logs, _) = self.logs.as_chunks_mut::<TILE>();
        for (logs, tile) in logs.iter_mut().zip(d_mean) {
            for lane in 0..TILE {
                logs[lane] += weight * tile[lane];
            }
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
