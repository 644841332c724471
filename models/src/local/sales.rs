//! A series of mostly zeros as its sales: how much, and how long after the one before.

/// Sizes of the sales and the periods between them, oldest first and equally many.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sales {
    pub sizes: Vec<f64>,
    /// Periods since the sale before; the first counts from the start of the series.
    pub intervals: Vec<f64>,
}

impl Sales {
    /// From usable values, oldest first. Anything but a positive number is no sale.
    pub fn of(values: &[f64]) -> Self {
        let mut sales = Self::default();
        let mut waited = 0.0;
        for &value in values {
            waited += 1.0;
            if value > 0.0 {
                sales.sizes.push(value);
                sales.intervals.push(waited);
                waited = 0.0;
            }
        }
        sales
    }

    /// Periods from one sale to the next on average, rounded (halves to even), at least 1; `None` without a sale.
    pub fn mean_interval(&self) -> Option<usize> {
        let mean = self.intervals.iter().sum::<f64>() / self.intervals.len() as f64;
        (!self.intervals.is_empty()).then(|| mean.round_ties_even().max(1.0) as usize)
    }
}

/// Sums of `size` values each, oldest first; the oldest values that don't fill one are left out.
pub(crate) fn buckets(values: &[f64], size: usize) -> Vec<f64> {
    let size = size.max(1);
    values[values.len() % size..].chunks_exact(size).map(|bucket| bucket.iter().sum()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sales_are_sizes_and_intervals() {
        let sales = Sales::of(&[0.0, 3.0, 0.0, 0.0, 1.0, 2.0, 0.0]);
        assert_eq!(sales.sizes, [3.0, 1.0, 2.0]);
        assert_eq!(sales.intervals, [2.0, 3.0, 1.0]);
        assert_eq!(sales.mean_interval(), Some(2));
        assert_eq!(Sales::of(&[0.0, -1.0]).mean_interval(), None);
    }

    #[test]
    fn buckets_hold_the_youngest_values() {
        assert_eq!(buckets(&[9.0, 1.0, 2.0, 3.0, 4.0], 2), [3.0, 7.0]);
        assert_eq!(buckets(&[1.0], 3), [0.0; 0]);
    }
}
