use super::choose::{Smoothing, forms};
use super::filter::{State, pass};
use super::form::{Form, Parameters, SeasonKind, TrendKind};
use super::normal::Normal;
use super::tangent::Tangent;

/// Closed-form noise that any language reproduces: `((7919 t + 13) mod 101) / 101 - 1/2`.
fn noise(at: usize) -> f64 {
    ((at * 7_919 + 13) % 101) as f64 / 101.0 - 0.5
}

fn wave(at: usize, period: usize) -> f64 {
    (2.0 * std::f64::consts::PI * at as f64 / period as f64).sin()
}

fn numbers(form: Form) -> Parameters {
    let phi = if form.trend == TrendKind::Damped { 0.93 } else { 1.0 };
    let season: &[f64] = match form.season {
        SeasonKind::None => &[],
        SeasonKind::Additive => &[0.2, -0.1, 0.15, -0.25],
        SeasonKind::Multiplicative => &[1.2, 0.9, 1.15, 0.75],
    };
    let slope = if form.trend == TrendKind::None { 0.0 } else { 0.01 };
    let (beta, gamma) = (if slope > 0.0 { 0.2 } else { 0.0 }, if season.is_empty() { 0.0 } else { 0.15 });
    Parameters::new([0.3, beta, gamma, phi], 0.9, slope, season)
}

/// The Gauss-Newton gradient is that of the likelihood, by central differences, for every form and with gaps.
#[test]
fn the_gradient_is_that_of_the_likelihood() {
    let mut values: Vec<f64> = (0..60).map(|at| (1.0 + 0.2 * wave(at, 4)) * (1.0 + 0.3 * noise(at))).collect();
    values[17] = f64::NAN;
    values[18] = f64::NAN;
    for form in forms(true, true) {
        let (free, at) = (form.free(4), numbers(form));
        let mut tangent = Tangent::new(free.len(), at.season().len());
        let mut normal = Normal::new(tangent.lanes());
        let sums = tangent.pass(form, &at, &free, &values, &mut normal);
        let objective = |parameters: &Parameters| pass(form, parameters, &values, &mut State::start(parameters)).objective();
        assert!((sums.objective() - objective(&at)).abs() < 1e-9, "{form:?}");
        for (lane, &place) in free.iter().enumerate() {
            let moved = |by: f64| {
                let mut parameters = at.clone();
                parameters.numbers[place] += by;
                parameters.close_season(form.season);
                objective(&parameters)
            };
            let expected = (moved(1e-6) - moved(-1e-6)) / 2e-6;
            let found = 2.0 * sums.count as f64 * normal.gradient(lane) / sums.squares;
            assert!((found - expected).abs() < 1e-4 * (1.0 + expected.abs()), "{form:?}, place {place}: {found}, not {expected}");
        }
    }
}

/// Additive forms do not care where zero is: a series with negative values, moved and stretched.
#[test]
fn moving_the_origin_moves_the_forecast() {
    let values: Vec<f64> = (0..84).map(|at| 5.0 * wave(at, 7) + 3.0 * noise(at) - 1.0).collect();
    let moved: Vec<f64> = values.iter().map(|value| 40.0 * value - 30.0).collect();
    let paths = [&values, &moved].map(|values| Smoothing::fit(values, 7).expect("twelve weeks").predict(values, 14));
    for (one, other) in paths[0].iter().zip(&paths[1]) {
        assert!((40.0 * one - 30.0 - other).abs() < 0.4, "{one} became {other}");
    }
}
