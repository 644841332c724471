//! Numbers of statsforecast 2.1.1 (Python), obtained by running it on series that both sides make from one formula.

use super::filter::{State, forecast, pass};
use super::form::{ErrorKind, Form, Parameters, SeasonKind, TrendKind};
use crate::local::peers::{level, product, season, trend};

struct Case {
    form: Form,
    values: Vec<f64>,
    /// alpha, beta, gamma, phi.
    smoothing: [f64; 4],
    level: f64,
    slope: f64,
    /// As statsforecast keeps them: the first value's state stands last.
    season: &'static [f64],
    log_likelihood: f64,
    path: &'static [f64],
}

/// Same parameters and initial states, same likelihood and forecasts.
#[test]
fn the_recursion_is_that_of_statsforecast() {
    for case in cases() {
        let [alpha, beta, gamma, phi] = case.smoothing;
        let season: Vec<f64> = case.season.iter().rev().copied().collect();
        let parameters = Parameters::new([alpha, beta / alpha, gamma / (1.0 - alpha), phi], case.level, case.slope, &season);
        let mut state = State::start(&parameters);
        let sums = pass(case.form, &parameters, &case.values, &mut state);
        let count = case.values.len() as f64;
        let log_likelihood = -0.5 * (sums.objective() + count * count.ln());
        assert!((log_likelihood - case.log_likelihood).abs() < 1e-5, "{:?}: {log_likelihood}", case.form);
        for (mean, expected) in forecast(case.form, phi, state, case.path.len()).iter().zip(case.path) {
            assert!((mean - expected).abs() < 1e-6 * expected, "{:?}: {mean}, not {expected}", case.form);
        }
    }
}

fn cases() -> [Case; 4] {
    use ErrorKind::{Additive, Multiplicative};
    [
        Case {
            form: Form { error: Additive, trend: TrendKind::None, season: SeasonKind::None },
            values: level(),
            smoothing: [0.3555548614, 0.0, 0.0, 1.0],
            level: 19.71056428,
            slope: 0.0,
            season: &[],
            log_likelihood: -162.221_665_97,
            path: &[25.3506844, 25.3506844],
        },
        Case {
            form: Form { error: Additive, trend: TrendKind::Additive, season: SeasonKind::None },
            values: trend(),
            smoothing: [0.0001022355101, 0.03209738108, 0.0, 1.0],
            level: 49.90738261,
            slope: 0.6745279348,
            season: &[],
            log_likelihood: -157.746_986_09,
            path: &[96.8515568, 97.516879, 98.1822012],
        },
        Case {
            form: Form { error: Additive, trend: TrendKind::None, season: SeasonKind::Additive },
            values: season(96, 12),
            smoothing: [0.2620829439, 0.0, 0.01676193374, 1.0],
            level: 100.9415065,
            slope: 0.0,
            season: &[
                -7.348151689,
                -13.19094262,
                -15.37131131,
                -12.44197151,
                -7.120605399,
                1.32763651,
                7.050142251,
                13.37773626,
                15.00281827,
                12.70226908,
                6.872567213,
                -0.8601870638,
            ],
            log_likelihood: -320.283_680_14,
            path: &[126.973546, 134.707729, 140.504651, 142.823363, 141.176176, 134.863857, 128.952676],
        },
        Case {
            form: Form { error: Multiplicative, trend: TrendKind::Damped, season: SeasonKind::Multiplicative },
            values: product(),
            smoothing: [0.02409611363, 0.004587594462, 0.001743641047, 0.9745890508],
            level: 37.52447337,
            slope: 0.692642128,
            season: &[
                0.8528612885,
                0.7416895254,
                0.6948250537,
                0.745747107,
                0.8526759869,
                1.003981732,
                1.143649466,
                1.266881617,
                1.30675828,
                1.255349621,
                1.137769802,
                0.9978105196,
            ],
            log_likelihood: -314.610_201_36,
            // The step after next on it damps by phi + phi, where the method says phi + phi^2.
            path: &[85.2956094],
        },
    ]
}
