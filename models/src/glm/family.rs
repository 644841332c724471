//! What a variance proportional to a power of the mean says about one observation, on the scale of the log link.

/// Variance `mean^power` with `1 <= power < 2`: 1 is Poisson, in between compound Poisson-gamma (Tweedie), which has a
/// mass at zero and a density above.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Family {
    power: f64,
}

/// One observation as seen from a linear predictor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    /// Half the unit deviance less [`Family::saturated`].
    pub loss: f64,
    /// Derivative of `loss` by the linear predictor.
    pub slope: f64,
    /// Second derivative, the weight of iteratively reweighted least squares: positive whatever the target.
    pub curvature: f64,
}

impl Family {
    pub fn new(power: f64) -> Self {
        Self { power }
    }

    pub(super) fn at(self, target: f64, predictor: f64) -> Point {
        if self.power == 1.0 {
            let mean = predictor.exp();
            return Point { loss: mean - target * predictor, slope: mean - target, curvature: mean };
        }
        let (one, two) = (1.0 - self.power, 2.0 - self.power);
        let (low, high) = ((one * predictor).exp(), (two * predictor).exp());
        // A target of zero times an infinite power would not be a number.
        let pull = if target > 0.0 { target * low } else { 0.0 };
        Point { loss: high / two - pull / one, slope: high - pull, curvature: two * high - one * pull }
    }

    /// The part of half the unit deviance that depends on the target alone.
    pub(super) fn saturated(self, target: f64) -> f64 {
        match target > 0.0 {
            false => 0.0,
            true if self.power == 1.0 => target * target.ln() - target,
            true => target.powf(2.0 - self.power) / ((1.0 - self.power) * (2.0 - self.power)),
        }
    }

    /// Half the unit deviance of a target from the mean `exp(predictor)`.
    pub fn half_deviance(self, target: f64, predictor: f64) -> f64 {
        self.at(target, predictor).loss + self.saturated(target)
    }

    /// What a deviance of targets around `mean` is measured against, to tell rounding from substance.
    pub(super) fn scale(self, mean: f64) -> f64 {
        mean.powf(2.0 - self.power)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviance_is_zero_at_the_target_and_positive_elsewhere() {
        for power in [1.0, 1.2, 1.5, 1.9] {
            let family = Family::new(power);
            assert!(family.half_deviance(3.0, 3.0_f64.ln()).abs() < 1e-12);
            for predictor in [-2.0, 0.0, 1.0, 3.0] {
                assert!(family.half_deviance(3.0, predictor) > 0.0 && family.half_deviance(0.0, predictor) > 0.0);
            }
        }
    }

    #[test]
    fn slope_and_curvature_are_the_derivatives_and_the_curvature_is_positive() {
        for power in [1.0, 1.3, 1.8] {
            let (family, at, step) = (Family::new(power), 0.7, 1e-5);
            for target in [0.0, 1.0, 5.0] {
                let slope = (family.half_deviance(target, at + step) - family.half_deviance(target, at - step)) / (2.0 * step);
                let curvature = (family.at(target, at + step).slope - family.at(target, at - step).slope) / (2.0 * step);
                let point = family.at(target, at);
                assert!((point.slope - slope).abs() < 1e-6 && (point.curvature - curvature).abs() < 1e-6, "{power} {target}");
                assert!(point.curvature > 0.0);
            }
        }
    }
}
