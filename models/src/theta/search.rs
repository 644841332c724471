//! The most likely smoothing parameter, level and share of the line.

use super::{Line, RunningLine, Theta};

/// A theta model and its corrected Akaike criterion.
pub(super) struct Candidate {
    pub theta: Theta,
    pub criterion: f64,
}

/// Bounds of the smoothing parameter. The lower one rises where the series is so short that less would never forget its
/// first level: four times the spans that fit into it.
const ALPHA: (f64, f64) = (0.01, 0.99);
const SPANS: f64 = 4.0;
/// Smoothing parameters of the first search, and halvings of the interval around the best.
const GRID: usize = 12;
const REFINEMENTS: usize = 14;
/// Share of the line of the standard model, theta = 2.
const STANDARD: f64 = 0.5;
/// Largest share: theta = 1000.
const LARGEST: f64 = 0.999;
/// Below this share of the values' squares the errors are rounding.
const SMALLEST: f64 = 1e-18;

/// Static and dynamic models, each standard and with the best theta; none that has too many numbers for the values.
pub(super) fn candidates(values: &[f64], counted: &[bool]) -> Vec<Candidate> {
    let mut running = RunningLine::default();
    let before = |value: &f64| {
        let line = running.line();
        running.push(*value);
        line
    };
    let dynamic: Vec<Line> = values.iter().map(before).collect();
    let all = vec![running.line(); values.len()];
    let squares: f64 = values.iter().zip(counted).filter(|(_, counted)| **counted).map(|(value, _)| value * value).sum();
    let mut found = Vec::new();
    for (lines, line, numbers) in [(&dynamic, None, 2.0), (&all, Some(running.line()), 4.0)] {
        for (free, numbers) in [(false, numbers), (true, numbers + 1.0)] {
            let (alpha, solved) = best_alpha(lower_bound(values.len()), |alpha| Problem::at(alpha, values, counted, lines).solve(free));
            let theta = Theta { alpha, share: solved.share, level: solved.level, line };
            let (count, numbers) = (solved.count, numbers + 1.0);
            if count > numbers + 1.0 {
                let likelihood = count * (solved.squares.max(squares * SMALLEST).max(f64::MIN_POSITIVE) / count).ln();
                found.push(Candidate { theta, criterion: likelihood + 2.0 * numbers * count / (count - numbers - 1.0) });
            }
        }
    }
    found
}

/// Least squares sums of `y_t - L_{t-1} = decay level + pull share`, `L` the level that starts at zero.
#[derive(Default)]
struct Problem {
    decay_decay: f64,
    decay_pull: f64,
    pull_pull: f64,
    decay_rest: f64,
    pull_rest: f64,
    rest_rest: f64,
    count: f64,
}

#[derive(Clone, Copy)]
struct Solved {
    level: f64,
    share: f64,
    squares: f64,
    count: f64,
}

impl Problem {
    fn at(alpha: f64, values: &[f64], counted: &[bool], lines: &[Line]) -> Self {
        let mut sums = Self::default();
        let (keep, inverse) = (1.0 - alpha, 1.0 / alpha);
        let (mut level, mut decay) = (0.0, 1.0);
        for ((&value, &counted), line) in values.iter().zip(counted).zip(lines) {
            let pull = decay * line.intercept + (1.0 - decay * keep) * inverse * line.slope;
            let rest = value - level;
            if counted {
                sums.decay_decay += decay * decay;
                sums.decay_pull += decay * pull;
                sums.pull_pull += pull * pull;
                sums.decay_rest += decay * rest;
                sums.pull_rest += pull * rest;
                sums.rest_rest += rest * rest;
                sums.count += 1.0;
            }
            level += alpha * rest;
            decay *= keep;
        }
        sums
    }

    fn solve(&self, free_share: bool) -> Solved {
        let determinant = self.decay_decay * self.pull_pull - self.decay_pull * self.decay_pull;
        let share = if !free_share {
            STANDARD
        } else if determinant > 1e-10 * self.decay_decay * self.pull_pull {
            ((self.decay_decay * self.pull_rest - self.decay_pull * self.decay_rest) / determinant).clamp(0.0, LARGEST)
        } else {
            0.0
        };
        let level = (self.decay_rest - share * self.decay_pull) / self.decay_decay.max(f64::MIN_POSITIVE);
        let squares = self.rest_rest - 2.0 * (level * self.decay_rest + share * self.pull_rest)
            + level * level * self.decay_decay
            + 2.0 * level * share * self.decay_pull
            + share * share * self.pull_pull;
        Solved { level, share, squares: squares.max(0.0), count: self.count }
    }
}

fn lower_bound(length: usize) -> f64 {
    (SPANS / (length + 1) as f64).clamp(ALPHA.0, 0.5)
}

/// Least squares over the smoothing parameter: the best of a grid, then golden sections around it.
fn best_alpha(low: f64, solve: impl Fn(f64) -> Solved) -> (f64, Solved) {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let high = ALPHA.1;
    let at = |index: f64| (low + (high - low) * (index / (GRID - 1) as f64).powi(2)).clamp(low, high);
    let mut best = (at(0.0), solve(at(0.0)), 0_usize);
    for index in 1..GRID {
        let solved = solve(at(index as f64));
        if solved.squares < best.1.squares {
            best = (at(index as f64), solved, index);
        }
    }
    let (mut left, mut right) = (at(best.2.saturating_sub(1) as f64), at((best.2 + 1).min(GRID - 1) as f64));
    let mut inner = [right - GOLDEN * (right - left), left + GOLDEN * (right - left)];
    let mut solved = inner.map(&solve);
    for _ in 0..REFINEMENTS {
        if solved[0].squares <= solved[1].squares {
            right = inner[1];
            (inner[1], solved[1]) = (inner[0], solved[0]);
            inner[0] = right - GOLDEN * (right - left);
            solved[0] = solve(inner[0]);
        } else {
            left = inner[0];
            (inner[0], solved[0]) = (inner[1], solved[1]);
            inner[1] = left + GOLDEN * (right - left);
            solved[1] = solve(inner[1]);
        }
    }
    let mut answer = (best.0, best.1);
    for (alpha, solved) in inner.into_iter().zip(solved) {
        if solved.squares < answer.1.squares {
            answer = (alpha, solved);
        }
    }
    answer
}
