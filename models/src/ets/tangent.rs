//! One pass that also gives the sums of a Gauss-Newton step: the derivative of every one-step mean by every free number,
//! carried forward beside the state.
//!
//! A multiplicative error's likelihood `n ln(sum e^2) + 2 sum ln(mean)` equals `n ln(sum (g e)^2)` with `g` the geometric
//! mean of the means: it too is a least squares problem, whose Jacobian has one more term.

use super::filter::{Product, SMALLEST, Sums, for_form};
use super::form::{ALPHA, BETA, Form, GAMMA, LEVEL, PHI, Parameters, SEASON, SLOPE};
use super::normal::Normal;

/// Buffers of the pass, one entry a lane: a lane is a free number, their count rounded up to [`WIDTH`].
pub(super) struct Tangent {
    lanes: usize,
    level: Vec<f64>,
    slope: Vec<f64>,
    /// By season position, then lane.
    season: Vec<f64>,
    mean: Vec<f64>,
    /// Derivatives of alpha, beta, gamma and phi by the lanes.
    by_lane: [Vec<f64>; 4],
}

/// Lanes are padded to a multiple of this.
const WIDTH: usize = 4;

impl Tangent {
    pub fn new(free: usize, period: usize) -> Self {
        let lanes = free.div_ceil(WIDTH) * WIDTH;
        let zeros = || vec![0.0; lanes];
        Self {
            lanes,
            level: zeros(),
            slope: zeros(),
            season: vec![0.0; lanes * period],
            mean: zeros(),
            by_lane: [zeros(), zeros(), zeros(), zeros()],
        }
    }

    pub fn lanes(&self) -> usize {
        self.lanes
    }

    /// The derivatives at the start, where only the numbers themselves count.
    fn start(&mut self, parameters: &Parameters, free: &[usize]) {
        for buffer in [&mut self.level, &mut self.slope, &mut self.season].into_iter().chain(&mut self.by_lane) {
            buffer.fill(0.0);
        }
        let numbers = &parameters.numbers;
        for (lane, &place) in free.iter().enumerate() {
            match place {
                ALPHA => {
                    self.by_lane[0][lane] = 1.0;
                    self.by_lane[1][lane] = numbers[BETA];
                    self.by_lane[2][lane] = -numbers[GAMMA];
                }
                BETA => self.by_lane[1][lane] = numbers[ALPHA],
                GAMMA => self.by_lane[2][lane] = 1.0 - numbers[ALPHA],
                PHI => self.by_lane[3][lane] = 1.0,
                LEVEL => self.level[lane] = 1.0,
                SLOPE => self.slope[lane] = 1.0,
                _ => {
                    let last = numbers.len() - 1 - SEASON;
                    self.season[(place - SEASON) * self.lanes + lane] = 1.0;
                    self.season[last * self.lanes + lane] = -1.0;
                }
            }
        }
    }

    /// Sums of the pass, its normal equations left in `normal`.
    pub fn pass(&mut self, form: Form, parameters: &Parameters, free: &[usize], values: &[f64], normal: &mut Normal) -> Sums {
        self.start(parameters, free);
        normal.clear();
        for_form!(form, run(self, parameters, values, normal))
    }
}

fn run<const TREND: bool, const SEASONAL: u8, const MULTIPLICATIVE_ERROR: bool>(
    tangent: &mut Tangent,
    parameters: &Parameters,
    values: &[f64],
    normal: &mut Normal,
) -> Sums {
    use super::filter::{ADDITIVE, MULTIPLICATIVE, NONE};
    let (alpha, beta, gamma, phi) = (parameters.alpha(), parameters.beta(), parameters.gamma(), parameters.phi());
    let (mut level, mut slope, mut position) = (parameters.numbers[LEVEL], parameters.numbers[SLOPE], 0);
    let mut seasons = [0.0; super::form::LONGEST_SEASON];
    let period = parameters.season().len().min(seasons.len());
    seasons[..period].copy_from_slice(&parameters.season()[..period]);

    let lanes = tangent.lanes;
    let [by_alpha, by_beta, by_gamma, by_phi] = &tangent.by_lane;
    let (by_alpha, by_beta, by_gamma, by_phi) = (&by_alpha[..lanes], &by_beta[..lanes], &by_gamma[..lanes], &by_phi[..lanes]);
    let (d_level, d_slope, d_mean) = (&mut tangent.level[..lanes], &mut tangent.slope[..lanes], &mut tangent.mean[..lanes]);
    let mut no_season = vec![0.0; if SEASONAL == NONE { lanes } else { 0 }];

    let mut sums = Sums::default();
    let mut product = Product::default();
    for &value in values {
        let ahead = if TREND { level + phi * slope } else { level };
        let season = if SEASONAL == NONE { 0.0 } else { seasons[position] };
        let mean = match SEASONAL {
            NONE => ahead,
            ADDITIVE => ahead + season,
            _ => ahead * season,
        };
        if MULTIPLICATIVE_ERROR && (mean < SMALLEST || (SEASONAL == MULTIPLICATIVE && season < SMALLEST)) {
            sums.invalid = true;
            break;
        }
        let known = !value.is_nan();
        // Surprises and their slopes: of the level's by `ahead` it is -1 everywhere.
        let (surprise, season_surprise, by_season, by_ahead) = match SEASONAL {
            _ if !known => (0.0, 0.0, 0.0, 0.0),
            NONE | ADDITIVE => (value - mean, value - mean, -1.0, -1.0),
            _ => (value / season - ahead, value / ahead - season, -value / (season * season), -value / (ahead * ahead)),
        };
        let (gain, trend_gain, season_gain) = if known { (alpha, beta, gamma) } else { (0.0, 0.0, 0.0) };
        let d_season = if SEASONAL == NONE { &mut no_season[..] } else { &mut tangent.season[position * lanes..(position + 1) * lanes] };
        for lane in 0..lanes {
            let trend = if TREND { phi * d_slope[lane] + by_phi[lane] * slope } else { 0.0 };
            let d_ahead = d_level[lane] + trend;
            let d_old = if SEASONAL == NONE { 0.0 } else { d_season[lane] };
            d_mean[lane] = match SEASONAL {
                NONE => d_ahead,
                ADDITIVE => d_ahead + d_old,
                _ => season * d_ahead + ahead * d_old,
            };
            let d_surprise = if SEASONAL == NONE { -d_ahead } else { by_season * d_old - d_ahead };
            d_level[lane] = d_ahead + gain * d_surprise + by_alpha[lane] * surprise;
            if TREND {
                d_slope[lane] = trend + trend_gain * d_surprise + by_beta[lane] * surprise;
            }
            if SEASONAL != NONE {
                let d_season_surprise = by_ahead * d_ahead - d_old;
                d_season[lane] = d_old + season_gain * d_season_surprise + by_gamma[lane] * season_surprise;
            }
        }
        level = ahead + alpha * surprise;
        if TREND {
            slope = phi * slope + beta * surprise;
        }
        if SEASONAL != NONE {
            seasons[position] = season + gamma * season_surprise;
            position = if position + 1 == period { 0 } else { position + 1 };
        }
        if known {
            if MULTIPLICATIVE_ERROR {
                let error = value / mean - 1.0;
                product.times(mean);
                sums.squares += error * error;
                normal.add(d_mean, value / (mean * mean), error);
                normal.add_log(d_mean, 1.0 / mean);
            } else {
                sums.squares += surprise * surprise;
                normal.add(d_mean, 1.0, surprise);
            }
            sums.count += 1;
        }
    }
    sums.logs = product.ln();
    if MULTIPLICATIVE_ERROR {
        normal.with_geometric_mean(sums.squares, sums.count);
    }
    sums
}
