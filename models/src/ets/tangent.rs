//! One pass that also gives the sums of a Gauss-Newton step: the derivative of every one-step mean by every free number,
//! carried forward beside the state.
//!
//! A multiplicative error's likelihood `n ln(sum e^2) + 2 sum ln(mean)` equals `n ln(sum (g e)^2)` with `g` the geometric
//! mean of the means: it too is a least squares problem, whose Jacobian has one more term.

use std::array::from_fn;

use super::filter::{ADDITIVE, MULTIPLICATIVE, NONE, Product, SMALLEST, Sums, for_form};
use super::form::{ALPHA, BETA, Form, GAMMA, LEVEL, LONGEST_SEASON, PHI, Parameters, SEASON, SLOPE};
use super::normal::{Normal, TILE};

/// Derivatives by some lanes; a lane is a free number.
type Tile = [f64; TILE];

/// Buffers of the pass. The smoothing parameters are all in the first tile.
pub(super) struct Tangent {
    /// Of level, slope and mean, by tile.
    level: Vec<Tile>,
    slope: Vec<Tile>,
    mean: Vec<Tile>,
    /// Of the seasonal states, by position, then tile.
    season: Vec<Tile>,
    /// Of alpha, beta, gamma and phi, by the lanes of the first tile.
    smoothing: [Tile; 4],
}

impl Tangent {
    pub fn new(free: usize, period: usize) -> Self {
        let tiles = free.div_ceil(TILE);
        let zeros = |count: usize| vec![[0.0; TILE]; count];
        Self { level: zeros(tiles), slope: zeros(tiles), mean: zeros(tiles), season: zeros(tiles * period), smoothing: [[0.0; TILE]; 4] }
    }

    pub fn lanes(&self) -> usize {
        self.level.len() * TILE
    }

    /// The derivatives at the start, where only the numbers themselves count.
    fn start(&mut self, parameters: &Parameters, free: &[usize]) {
        for buffer in [&mut self.level, &mut self.slope, &mut self.season] {
            buffer.fill([0.0; TILE]);
        }
        self.smoothing = [[0.0; TILE]; 4];
        let (numbers, tiles) = (&parameters.numbers, self.level.len());
        for (lane, &place) in free.iter().enumerate() {
            let (tile, lane) = (lane / TILE, lane % TILE);
            match place {
                ALPHA => {
                    self.smoothing[0][lane] = 1.0;
                    self.smoothing[1][lane] = numbers[BETA];
                    self.smoothing[2][lane] = -numbers[GAMMA];
                }
                BETA => self.smoothing[1][lane] = numbers[ALPHA],
                GAMMA => self.smoothing[2][lane] = 1.0 - numbers[ALPHA],
                PHI => self.smoothing[3][lane] = 1.0,
                LEVEL => self.level[tile][lane] = 1.0,
                SLOPE => self.slope[tile][lane] = 1.0,
                _ => {
                    let last = numbers.len() - 1 - SEASON;
                    self.season[(place - SEASON) * tiles + tile][lane] = 1.0;
                    self.season[last * tiles + tile][lane] = -1.0;
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

/// One step of the recursion, linearised: gains, the states before it, the surprises and their slopes by the season's
/// state and by the mean without it.
struct Step {
    alpha: f64,
    beta: f64,
    gamma: f64,
    phi: f64,
    ahead: f64,
    slope: f64,
    season: f64,
    surprise: f64,
    season_surprise: f64,
    by_season: f64,
    by_ahead: f64,
}

impl Step {
    /// Moves the derivatives of one tile on; `smoothing` only where its lanes hold smoothing parameters.
    #[inline(always)]
    fn advance<const TREND: bool, const SEASONAL: u8>(
        &self,
        level: &mut Tile,
        slope: &mut Tile,
        season: &mut Tile,
        mean: &mut Tile,
        smoothing: Option<&[Tile; 4]>,
    ) {
        // Copies, so that the compiler sees four lanes that do not touch each other.
        let (levels, slopes, seasons) = (*level, *slope, *season);
        let by = |number: usize, lane: usize| smoothing.map_or(0.0, |smoothing| smoothing[number][lane]);
        let trend: Tile = from_fn(|lane| if TREND { self.phi * slopes[lane] + by(3, lane) * self.slope } else { 0.0 });
        let ahead: Tile = from_fn(|lane| levels[lane] + trend[lane]);
        let surprise: Tile = from_fn(|lane| if SEASONAL == NONE { -ahead[lane] } else { self.by_season * seasons[lane] - ahead[lane] });
        *mean = from_fn(|lane| match SEASONAL {
            NONE => ahead[lane],
            ADDITIVE => ahead[lane] + seasons[lane],
            _ => self.season * ahead[lane] + self.ahead * seasons[lane],
        });
        *level = from_fn(|lane| ahead[lane] + self.alpha * surprise[lane] + by(0, lane) * self.surprise);
        if TREND {
            *slope = from_fn(|lane| trend[lane] + self.beta * surprise[lane] + by(1, lane) * self.surprise);
        }
        if SEASONAL != NONE {
            let surprise: Tile = from_fn(|lane| self.by_ahead * ahead[lane] - seasons[lane]);
            *season = from_fn(|lane| seasons[lane] + self.gamma * surprise[lane] + by(2, lane) * self.season_surprise);
        }
    }
}

fn run<const TREND: bool, const SEASONAL: u8, const MULTIPLICATIVE_ERROR: bool>(
    tangent: &mut Tangent,
    parameters: &Parameters,
    values: &[f64],
    normal: &mut Normal,
) -> Sums {
    let (alpha, beta, gamma, phi) = (parameters.alpha(), parameters.beta(), parameters.gamma(), parameters.phi());
    let (mut level, mut slope, mut position) = (parameters.numbers[LEVEL], parameters.numbers[SLOPE], 0);
    let mut seasons = [0.0; LONGEST_SEASON];
    let period = parameters.season().len().min(LONGEST_SEASON);
    seasons[..period].copy_from_slice(&parameters.season()[..period]);

    let Tangent { level: d_level, slope: d_slope, mean: d_mean, season: d_seasons, smoothing } = tangent;
    let tiles = d_level.len();
    let mut no_season = vec![[0.0; TILE]; if SEASONAL == NONE { tiles } else { 0 }];
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
        let mut step = Step {
            alpha,
            beta,
            gamma,
            phi,
            ahead,
            slope,
            season,
            surprise: value - mean,
            season_surprise: value - mean,
            by_season: -1.0,
            by_ahead: -1.0,
        };
        let known = !value.is_nan();
        if !known {
            (step.alpha, step.beta, step.gamma, step.surprise, step.season_surprise) = (0.0, 0.0, 0.0, 0.0, 0.0);
        } else if SEASONAL == MULTIPLICATIVE {
            let (per_season, per_ahead) = (1.0 / season, 1.0 / ahead);
            (step.surprise, step.season_surprise) = (value * per_season - ahead, value * per_ahead - season);
            (step.by_season, step.by_ahead) = (-value * per_season * per_season, -value * per_ahead * per_ahead);
        }
        let d_season = if SEASONAL == NONE { &mut no_season[..] } else { &mut d_seasons[position * tiles..][..tiles] };
        let by_tile = d_level.iter_mut().zip(&mut *d_slope).zip(d_season).zip(&mut *d_mean);
        for (tile, (((d_level, d_slope), d_season), d_mean)) in by_tile.enumerate() {
            if tile == 0 {
                step.advance::<TREND, SEASONAL>(d_level, d_slope, d_season, d_mean, Some(&*smoothing));
            } else {
                step.advance::<TREND, SEASONAL>(d_level, d_slope, d_season, d_mean, None);
            }
        }
        level = ahead + alpha * step.surprise;
        if TREND {
            slope = phi * slope + beta * step.surprise;
        }
        if SEASONAL != NONE {
            seasons[position] = season + gamma * step.season_surprise;
            position = if position + 1 == period { 0 } else { position + 1 };
        }
        if known {
            sums.count += 1;
            if MULTIPLICATIVE_ERROR {
                let per_mean = 1.0 / mean;
                let error = value * per_mean - 1.0;
                product.times(mean);
                sums.squares += error * error;
                normal.add(d_mean, value * per_mean * per_mean, error);
                normal.add_log(d_mean, per_mean);
            } else {
                sums.squares += (value - mean) * (value - mean);
                normal.add(d_mean, 1.0, value - mean);
            }
        }
    }
    sums.logs = product.ln();
    normal.flush();
    if MULTIPLICATIVE_ERROR {
        normal.with_geometric_mean(sums.squares, sums.count);
    }
    sums
}
