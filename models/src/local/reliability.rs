//! How far a pattern's cycles agree.

/// Share of the variance between the positions' means that is not chance, 0 to 1: `1 - 1/F` of the analysis of variance
/// with a row a cycle and a column a position, which is also the James-Stein factor for shrinking the means.
pub(crate) fn reliability(cycles: &[Vec<f64>]) -> f64 {
    let (rows, columns) = (cycles.len() as f64, cycles.first().map_or(0, Vec::len));
    if cycles.len() < 2 || columns < 2 {
        return 0.0;
    }
    let mean_of = |position: usize| cycles.iter().map(|cycle| cycle[position]).sum::<f64>() / rows;
    let means: Vec<f64> = (0..columns).map(mean_of).collect();
    let overall = means.iter().sum::<f64>() / columns as f64;
    let between = rows * means.iter().map(|mean| (mean - overall).powi(2)).sum::<f64>() / (columns - 1) as f64;
    let square = |cycle: &Vec<f64>| cycle.iter().zip(&means).map(|(value, mean)| (value - mean).powi(2)).sum::<f64>();
    let within = cycles.iter().map(square).sum::<f64>() / (columns as f64 * (rows - 1.0));
    if between > 0.0 { (1.0 - within / between).max(0.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reliability_is_that_of_the_analysis_of_variance() {
        // Means 2 and 4, between 2 * 2 / 1 = 4, within (1 + 1 + 0 + 0) / 2 = 1.
        assert!((reliability(&[vec![1.0, 4.0], vec![3.0, 4.0]]) - 0.75).abs() < 1e-12);
        assert_eq!(reliability(&[vec![1.0, 1.0], vec![1.0, 1.0]]), 0.0);
        assert_eq!(reliability(&[vec![1.0, 2.0]]), 0.0);
    }
}
