//! Where a column is cut into bins: between all values if they are few, else so that bins hold about the same weight.

/// What separates the bins of a column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cuts {
    /// Bin `b` holds values above `upper[b - 1]` and up to `upper[b]`; the last bin is open.
    Numbers { upper: Vec<f32> },
    /// Bin of each category code; [`NO_BIN`] for those too rare for one.
    Categories { bin_of: Vec<u8>, bins: usize },
}

/// Marks codes that share the bin of missing values. No category has it for a bin of its own: there are at most 255.
pub(super) const NO_BIN: u8 = 255;

impl Cuts {
    /// Cuts of numbers that are given as pairs of value (no NaN) and weight.
    pub fn of_numbers(pairs: impl Iterator<Item = (f32, f32)>, bins: usize) -> Self {
        let runs = runs(pairs);
        let ends = if runs.len() <= bins { (1..runs.len()).collect() } else { equal_weights(&runs, bins) };
        Self::Numbers { upper: ends.into_iter().map(|end| between(runs[end - 1].0, runs[end].0)).collect() }
    }

    /// Bins of category codes `0..levels` by their total weight: the heaviest have one each.
    pub fn of_categories(weights: &[f64], bins: usize) -> Self {
        let mut codes: Vec<usize> = (0..weights.len()).filter(|&code| weights[code] > 0.0).collect();
        codes.sort_by(|&one, &other| weights[other].total_cmp(&weights[one]).then(one.cmp(&other)));
        codes.truncate(bins);
        codes.sort_unstable();
        let mut bin_of = vec![NO_BIN; codes.last().map_or(0, |last| last + 1)];
        for (bin, &code) in codes.iter().enumerate() {
            bin_of[code] = bin as u8;
        }
        Self::Categories { bin_of, bins: codes.len() }
    }

    /// Bins of known values; missing ones have this number.
    pub fn bins(&self) -> usize {
        match self {
            Self::Numbers { upper } => upper.len() + 1,
            Self::Categories { bins, .. } => *bins,
        }
    }

    /// Bin of every value.
    pub fn assign(&self, values: &[f32]) -> Vec<u8> {
        let missing = self.bins() as u8;
        match self {
            Self::Numbers { upper } => {
                let mut padded = [f32::INFINITY; 256];
                padded[..upper.len()].copy_from_slice(upper);
                values.iter().map(|&value| if value.is_nan() { missing } else { search(&padded, value) }).collect()
            }
            Self::Categories { bin_of, .. } => values.iter().map(|&value| category_bin(bin_of, value).unwrap_or(missing)).collect(),
        }
    }
}

/// Bin of a category code, if it has one.
pub(super) fn category_bin(bin_of: &[u8], value: f32) -> Option<u8> {
    // A negative or missing value becomes code 0 by a cast alone.
    let code = if value >= 0.0 { value as usize } else { return None };
    bin_of.get(code).copied().filter(|&bin| bin != NO_BIN)
}

/// Number of cuts below a value, in eight steps without a branch.
fn search(cuts: &[f32; 256], value: f32) -> u8 {
    let mut position = 0;
    for step in [128, 64, 32, 16, 8, 4, 2, 1] {
        position += if cuts[(position + step - 1) & 255] < value { step } else { 0 };
    }
    position as u8
}

/// Distinct values, ascending, with their weights.
fn runs(pairs: impl Iterator<Item = (f32, f32)>) -> Vec<(f32, f64)> {
    // Value and weight in one integer, the value in the high half so that integers sort as values do.
    let mut keys: Vec<u64> = pairs.map(|(value, weight)| u64::from(sortable(value + 0.0)) << 32 | u64::from(weight.to_bits())).collect();
    keys.sort_unstable();
    let mut runs: Vec<(f32, f64)> = Vec::new();
    for key in keys {
        let (value, weight) = (unsortable((key >> 32) as u32), f64::from(f32::from_bits(key as u32)));
        match runs.last_mut() {
            Some(run) if run.0 == value => run.1 += weight,
            _ => runs.push((value, weight)),
        }
    }
    runs
}

fn sortable(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 0 { bits | 0x8000_0000 } else { !bits }
}

fn unsortable(key: u32) -> f32 {
    f32::from_bits(if key >> 31 == 1 { key & 0x7fff_ffff } else { !key })
}

/// Ends (exclusive, without the last) of bins of about equal weight. Values heavier than such a bin have one of their own.
fn equal_weights(runs: &[(f32, f64)], bins: usize) -> Vec<usize> {
    let total: f64 = runs.iter().map(|run| run.1).sum();
    let is_heavy = |run: &(f32, f64)| run.1 >= total / bins as f64;
    let (heavy_bins, heavy_weight) = runs.iter().filter(|run| is_heavy(run)).fold((0, 0.0), |(n, sum), run| (n + 1, sum + run.1));
    let share = (total - heavy_weight) / bins.saturating_sub(heavy_bins).max(1) as f64;
    let (mut ends, mut filled) = (Vec::with_capacity(bins), 0.0);
    for (index, run) in runs[..runs.len() - 1].iter().enumerate() {
        filled += run.1;
        let before_heavy = is_heavy(&runs[index + 1]) && filled >= share / 2.0;
        if is_heavy(run) || filled >= share || before_heavy {
            ends.push(index + 1);
            filled = 0.0;
        }
    }
    ends.truncate(bins - 1);
    ends
}

/// A cut at or above `low` and below `high`.
fn between(low: f32, high: f32) -> f32 {
    let middle = ((f64::from(low) + f64::from(high)) / 2.0) as f32;
    if middle >= low && middle < high { middle } else { low }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(values: &[f32], bins: usize) -> Cuts {
        Cuts::of_numbers(values.iter().map(|&value| (value, 1.0)), bins)
    }

    #[test]
    fn few_values_have_a_bin_each() {
        let cuts = numbers(&[2.0, -1.0, 2.0, 0.0, -0.0, 7.0], 255);
        assert_eq!(cuts, Cuts::Numbers { upper: vec![-0.5, 1.0, 4.5] });
        assert_eq!(cuts.assign(&[-9.0, -0.5, 0.0, 1.5, 100.0, f32::NAN, f32::INFINITY]), [0, 0, 1, 2, 3, 4, 3]);
    }

    #[test]
    fn many_values_share_bins_of_equal_weight_and_a_heavy_value_stands_alone() {
        let mut values: Vec<f32> = (0..9_000).map(|value| value as f32).collect();
        values.extend([4_500.25; 3_000]);
        let cuts = numbers(&values, 100);
        assert!((95..=100).contains(&cuts.bins()), "{}", cuts.bins());
        let mut counts = [0; 256];
        cuts.assign(&values).into_iter().for_each(|bin| counts[usize::from(bin)] += 1);
        let counts = &counts[..cuts.bins()];
        assert_eq!(counts.iter().filter(|&&count| count >= 3_000).count(), 1);
        assert!(counts.iter().filter(|&&count| count < 3_000).all(|&count| count <= 100), "{counts:?}");
    }

    #[test]
    fn extremes_are_values_like_others() {
        let values = [f32::NEG_INFINITY, f32::MIN, f32::MIN_POSITIVE, 1.0, 1.0 + f32::EPSILON, f32::MAX, f32::INFINITY];
        let cuts = numbers(&values, 255);
        assert_eq!(cuts.assign(&values), [0, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn the_heaviest_categories_have_a_bin_each() {
        let cuts = Cuts::of_categories(&[1.0, 0.0, 5.0, 3.0], 2);
        assert_eq!(cuts.assign(&[0.0, 1.0, 2.0, 3.0, 4.0, -1.0, f32::NAN]), [2, 2, 0, 1, 2, 2, 2]);
    }
}
