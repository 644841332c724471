//! Feature matrices of 1,000 daily series over two years.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use domain::panel::{GapPolicy, Observations, Panel};
use domain::{FeatureSource as _, Frequency, Layout};
use pipeline::{FeatureConfig, PanelFeatures};

const SERIES: u32 = 1_000;
const DAYS: i64 = 730;

/// A weekly pattern with a level of its own for each series and a little deterministic noise.
fn panel() -> Panel {
    let mut observations = Observations::default();
    for series in 0..SERIES {
        for day in 0..DAYS {
            let noise = f64::from((u64::from(series) * 7_919 + day.unsigned_abs() * 104_729) as u32 % 17);
            let weekday = if day % 7 == 5 { 12.0 } else { 5.0 };
            observations.push(series, day, (f64::from(series % 40) + weekday + noise).floor(), day, false);
        }
    }
    let series = (0..SERIES).map(|number| format!("s{number:04}")).collect();
    Panel { frequency: Frequency::Daily, series, observations, regressors: Vec::new(), closed: None, gaps: GapPolicy::Missing }
}

fn features(criterion: &mut Criterion) {
    let panel = panel();
    let source = PanelFeatures::new(panel.clone(), FeatureConfig::default()).expect("a sound panel");
    let mut group = criterion.benchmark_group("features of 1,000 x 730");
    group.sample_size(10);
    group.bench_function("sort the panel", |bench| {
        bench.iter(|| PanelFeatures::new(black_box(panel.clone()), FeatureConfig::default()).expect("a sound panel"));
    });
    for rows in [100_000, 730_000] {
        group.bench_function(format!("{rows} training rows"), |bench| {
            bench.iter(|| source.training(DAYS - 1, Layout::Direct { lead: 7 }, black_box(rows)).expect("features"));
        });
    }
    group.bench_function("7 future steps", |bench| {
        bench.iter(|| source.future(DAYS - 1, Layout::Direct { lead: 7 }, black_box(1..=7)).expect("features"));
    });
    group.finish();
}

criterion_group!(benches, features);
criterion_main!(benches);
