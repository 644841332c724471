//! Classical seasonal decomposition and the test whether there is a season at all.

/// How seasonal indices act on the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seasonality {
    Additive,
    Multiplicative,
}

/// Least seasonal factor: a position that almost never sells must not blow the rest up.
const SMALLEST_FACTOR: f64 = 1e-2;

/// One index per season position, that of `values[0]` first: means of the values less (or over) their centred moving
/// average, normalised to sum to zero (or to the period). NaN values are passed over, a position without any is neutral.
/// `None` with less than two seasons.
pub(crate) fn seasonal_indices(values: &[f64], period: usize, kind: Seasonality) -> Option<Vec<f64>> {
    if period < 2 || values.len() < 2 * period {
        return None;
    }
    let (mut sums, mut counts) = (vec![0.0; period], vec![0.0; period]);
    for (at, trend) in centred_means(values, period) {
        let detrended = match kind {
            Seasonality::Additive => values[at] - trend,
            Seasonality::Multiplicative => values[at] / trend,
        };
        if detrended.is_finite() {
            sums[at % period] += detrended;
            counts[at % period] += 1.0;
        }
    }
    let known = counts.iter().filter(|&&count| count > 0.0).count();
    let means = |position: usize| if counts[position] > 0.0 { sums[position] / counts[position] } else { 0.0 };
    let centre = (0..period).map(means).sum::<f64>() / known.max(1) as f64;
    let index = |position: usize| match kind {
        Seasonality::Additive if counts[position] > 0.0 => means(position) - centre,
        Seasonality::Multiplicative if counts[position] > 0.0 && centre > 0.0 => (means(position) / centre).max(SMALLEST_FACTOR),
        Seasonality::Additive => 0.0,
        Seasonality::Multiplicative => 1.0,
    };
    Some((0..period).map(index).collect())
}

/// Moving averages of one period, where at least half of it is known; the ends of an even period count half.
fn centred_means(values: &[f64], period: usize) -> impl Iterator<Item = (usize, f64)> {
    let half = period / 2;
    let end_weight = if period.is_multiple_of(2) { 0.5 } else { 1.0 };
    (half..values.len() - half).filter_map(move |centre| {
        let window = &values[centre - half..=centre + half];
        let (mut sum, mut weight) = (0.0, 0.0);
        for (place, &value) in window.iter().enumerate() {
            if !value.is_nan() {
                let own = if place == 0 || place + 1 == window.len() { end_weight } else { 1.0 };
                sum += own * value;
                weight += own;
            }
        }
        (2.0 * weight >= period as f64).then(|| (centre, sum / weight))
    })
}

/// Whether the autocorrelation at the seasonal lag is significant at 90 %, by Bartlett's formula (Assimakopoulos and
/// Nikolopoulos 2000; Fiorucci et al. 2016, section 2.4). Needs three seasons.
pub(crate) fn is_seasonal(values: &[f64], period: usize) -> bool {
    const NORMAL_90: f64 = 1.645;
    let known: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    if period < 2 || known.len() < 3 * period {
        return false;
    }
    let mean = known.iter().sum::<f64>() / known.len() as f64;
    let centred: Vec<f64> = values.iter().map(|value| if value.is_nan() { 0.0 } else { value - mean }).collect();
    let variance: f64 = centred.iter().map(|value| value * value).sum();
    if variance <= 0.0 {
        return false;
    }
    let correlation = |lag: usize| centred[lag..].iter().zip(&centred).map(|(late, early)| late * early).sum::<f64>() / variance;
    let before: f64 = (1..period).map(|lag| correlation(lag).powi(2)).sum();
    correlation(period).abs() > NORMAL_90 * ((1.0 + 2.0 * before) / known.len() as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pure_season_on_a_line_is_found() {
        let season = [3.0, -1.0, -2.0, 0.0];
        let values: Vec<f64> = (0..40).map(|at| 10.0 + 0.5 * f64::from(at) + season[at as usize % 4]).collect();
        let found = seasonal_indices(&values, 4, Seasonality::Additive).expect("ten seasons");
        for (found, expected) in found.iter().zip(season) {
            assert!((found - expected).abs() < 1e-9, "{found} for {expected}");
        }
        assert!(is_seasonal(&values[..], 4));
    }

    #[test]
    fn factors_average_one_and_pass_over_gaps() {
        let season = [2.0, 0.5, 0.5];
        let mut values: Vec<f64> = (0..30).map(|at| 10.0 * season[at % 3]).collect();
        values[7] = f64::NAN;
        let found = seasonal_indices(&values, 3, Seasonality::Multiplicative).expect("ten seasons");
        assert!((found.iter().sum::<f64>() - 3.0).abs() < 1e-9);
        assert!((found[0] - 2.0).abs() < 0.1 && (found[1] - 0.5).abs() < 0.1, "{found:?}");
    }

    #[test]
    fn a_line_and_a_constant_have_no_season() {
        assert!(!is_seasonal(&vec![5.0; 60], 7));
        assert!(!is_seasonal(&(0..14).map(f64::from).collect::<Vec<_>>(), 7));
        assert_eq!(seasonal_indices(&[1.0; 13], 7, Seasonality::Additive), None);
    }
}
