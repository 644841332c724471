//! Young series learn from their analogues.

use std::ops::RangeInclusive;

use domain::features::{EventTrack, FeatureColumn};
use domain::{FeatureError, FeatureMatrix, FeatureSource, Frequency, History, Layout, Ordinal};
use models::testing::SyntheticPanel;
use models::{Future, TrainingSet, forecasters};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

const CUTOFF: Ordinal = 199;
const HORIZON: u16 = 14;
const YOUNG_DAYS: usize = 5;
const SERIES: usize = 60;

/// A panel whose series have a category and a price.
struct Catalogue {
    panel: SyntheticPanel,
    category: Vec<f32>,
    price: Vec<f32>,
}

impl Catalogue {
    fn with_statics(&self, mut rows: FeatureMatrix) -> FeatureMatrix {
        for (name, levels, values) in [("category", 3, &self.category), ("price", 0, &self.price)] {
            rows.columns.push(FeatureColumn { name: name.to_owned(), family: "statics", levels, ..FeatureColumn::default() });
            rows.data.extend(rows.series.iter().map(|&series| values[series as usize]));
        }
        rows
    }
}

impl FeatureSource for Catalogue {
    fn frequency(&self) -> Frequency {
        self.panel.frequency()
    }
    fn series(&self) -> &[String] {
        self.panel.series()
    }
    fn last_period(&self) -> Option<Ordinal> {
        self.panel.last_period()
    }
    fn histories(&self, cutoff: Ordinal) -> Result<Vec<History>, FeatureError> {
        self.panel.histories(cutoff)
    }
    fn training(&self, cutoff: Ordinal, layout: Layout, max_rows: usize) -> Result<FeatureMatrix, FeatureError> {
        Ok(self.with_statics(self.panel.training(cutoff, layout, max_rows)?))
    }
    fn future(&self, cutoff: Ordinal, layout: Layout, steps: RangeInclusive<u16>) -> Result<FeatureMatrix, FeatureError> {
        Ok(self.with_statics(self.panel.future(cutoff, layout, steps)?))
    }
    fn step(&self, cutoff: Ordinal, predicted: &[Vec<f64>]) -> Result<FeatureMatrix, FeatureError> {
        Ok(self.with_statics(self.panel.step(cutoff, predicted)?))
    }
    fn events(&self, cutoff: Ordinal, horizon: u16) -> Result<Vec<EventTrack>, FeatureError> {
        self.panel.events(cutoff, horizon)
    }
    fn closed(&self, cutoff: Ordinal, horizon: u16) -> Result<Vec<Vec<bool>>, FeatureError> {
        self.panel.closed(cutoff, horizon)
    }
    fn actuals(&self, cutoff: Ordinal, horizon: u16) -> Result<Vec<Vec<f64>>, FeatureError> {
        self.panel.actuals(cutoff, horizon)
    }
}

/// Weekday patterns of the three categories: office lunches, weekend treats, and none.
const PATTERNS: [[f64; 7]; 3] =
    [[1.4, 1.4, 1.3, 1.3, 1.2, 0.3, 0.1], [0.6, 0.6, 0.7, 0.8, 1.1, 1.7, 1.5], [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]];

/// Every fifth series is five days old at the cutoff; dear things sell less.
fn catalogue() -> Catalogue {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(3);
    let category: Vec<f32> = (0..SERIES).map(|series| (series % 3) as f32).collect();
    let price: Vec<f32> = (0..SERIES).map(|_| 5_000.0 * 4.0_f32.powf(random.r#gen())).collect();
    let mut values = Vec::new();
    for series in 0..SERIES {
        let level = 40.0 * f64::from(10_000.0 / price[series]) * (0.7 + 0.6 * random.r#gen::<f64>());
        let born = if is_young(series) { CUTOFF as usize + 1 - YOUNG_DAYS } else { 0 };
        let mut day = |at: usize| {
            let noise = (0..12).map(|_| random.r#gen::<f64>()).sum::<f64>() - 6.0;
            let mean = level * PATTERNS[series % 3][at % 7];
            if at < born { f64::NAN } else { (mean * (1.0 + 0.25 * noise)).max(0.0).round() }
        };
        values.push((0..=CUTOFF as usize + usize::from(HORIZON)).map(&mut day).collect());
    }
    Catalogue { panel: SyntheticPanel::new(values, 7), category, price }
}

fn is_young(series: usize) -> bool {
    series % 5 == 4
}

/// Mean absolute error over the level, of young and of old series.
fn errors(model: &str) -> [f64; 2] {
    let source = catalogue();
    let histories = source.histories(CUTOFF).expect("histories");
    let actuals = source.actuals(CUTOFF, HORIZON).expect("actuals");
    let registry = forecasters::all();
    let forecaster = registry.iter().find(|forecaster| forecaster.name() == model).expect("registered");
    let fitted = forecaster.fit(&TrainingSet::new(&source, &histories, CUTOFF, HORIZON, 7)).expect("fitted");
    let paths = fitted.predict(&Future::new(&source, &histories, CUTOFF, HORIZON, 7)).expect("predicted");
    [true, false].map(|young| {
        let (mut error, mut sum) = (0.0, 0.0);
        for series in (0..SERIES).filter(|&series| is_young(series) == young) {
            let path = paths[series].as_ref().expect("a path");
            error += path.iter().zip(&actuals[series]).map(|(path, actual)| (path - actual).abs()).sum::<f64>();
            sum += actuals[series].iter().sum::<f64>();
        }
        error / sum
    })
}

#[test]
fn five_days_and_good_analogues_beat_five_days_alone() {
    let [analogue, naive, weekday] = ["analogue", "seasonal_naive", "weekday_mean"].map(errors);
    assert!(analogue[0] < 0.8 * naive[0] && analogue[0] < 0.8 * weekday[0], "young: {analogue:?}, {naive:?}, {weekday:?}");
    assert!(analogue[1] < 1.03 * weekday[1] && analogue[1] < naive[1], "old: {analogue:?}, {naive:?}, {weekday:?}");
}
