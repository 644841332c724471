//! Weights of several fitted models of one series, from their information criteria.

/// A criterion is made of errors one step ahead, but the errors of a forecast several steps ahead overlap: evidence counts
/// as that of every eighth value.
const TEMPER: f64 = 0.125;
/// Models of less weight than this relative to the best one are left out.
const NEGLIGIBLE: f64 = 0.02;

/// Akaike weights (Burnham and Anderson 2002, section 2.9), tempered, of criteria that are all finite. They sum to 1;
/// models that would weigh next to nothing weigh 0.
pub(crate) fn akaike_weights(criteria: &[f64]) -> Vec<f64> {
    let best = criteria.iter().copied().fold(f64::INFINITY, f64::min);
    let relative = |criterion: &f64| (-0.5 * TEMPER * (criterion - best)).exp();
    let kept: Vec<f64> = criteria.iter().map(relative).map(|weight| if weight < NEGLIGIBLE { 0.0 } else { weight }).collect();
    let total: f64 = kept.iter().sum();
    kept.into_iter().map(|weight| weight / total).collect()
}

/// Distance in the criterion from which a model weighs nothing.
pub(crate) fn hopeless() -> f64 {
    -2.0 / TEMPER * NEGLIGIBLE.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn better_models_weigh_more_and_hopeless_ones_nothing() {
        let weights = akaike_weights(&[100.0, 108.0, 100.0 + 1.01 * hopeless()]);
        assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((weights[1] / weights[0] - (-0.5_f64).exp()).abs() < 1e-12);
        assert_eq!(weights[2], 0.0);
        assert!(akaike_weights(&[]).is_empty());
    }
}
