//! Local statistical models of 200 daily series of 1,100 days, on one thread.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use domain::{FeatureSource as _, Ordinal};
use models::testing::SyntheticPanel;
use models::{Future, TrainingSet, forecasters};
use rayon::ThreadPoolBuilder;

const SERIES: usize = 200;
const DAYS: Ordinal = 1_100;
const HORIZON: u16 = 14;
const SEASON: u16 = 7;

fn local(criterion: &mut Criterion) {
    let panel = SyntheticPanel::weekly(SERIES, DAYS as usize, 5);
    let histories = panel.histories(DAYS - 1).expect("the synthetic panel has histories");
    let one_thread = ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let mut group = criterion.benchmark_group("fit and forecast 200 x 1,100 days");
    group.sample_size(10);
    for forecaster in forecasters::all().iter().filter(|forecaster| ["ets", "theta", "complex_smoothing"].contains(&forecaster.name())) {
        group.bench_function(forecaster.name(), |bench| {
            bench.iter(|| {
                one_thread.install(|| {
                    let training = TrainingSet::new(&panel, black_box(&histories), DAYS - 1, HORIZON, SEASON);
                    let fitted = forecaster.fit(&training).expect("an ordinary panel");
                    fitted.predict(&Future::new(&panel, &histories, DAYS - 1, HORIZON, SEASON)).expect("an ordinary panel")
                })
            });
        });
    }
    group.finish();
}

criterion_group!(benches, local);
criterion_main!(benches);
