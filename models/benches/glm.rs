//! Generalised linear models on a table of 100,000 rows and 30 columns.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use linfa::Dataset;
use linfa::traits::Fit;
use models::glm::GlmParams;
use ndarray::{Array1, Array2, Ix1};

const ROWS: usize = 100_000;
const COLUMNS: usize = 30;

/// Columns in [0, 1) without a pattern, six of them with an effect; counts around the mean.
fn table() -> Dataset<f64, f64, Ix1> {
    let cell = |row: usize, column: usize| ((row * 2_654_435_761 + column * 40_503 + row * column * 977) % 10_007) as f64 / 10_007.0;
    let records = Array2::from_shape_fn((ROWS, COLUMNS), |(row, column)| cell(row, column));
    let target = |row: usize| {
        let effect: f64 = (0..6).map(|column| cell(row, column) - 0.5).sum();
        (effect.exp() * 2.0 * cell(row, COLUMNS + 7)).round()
    };
    let targets: Array1<f64> = (0..ROWS).map(target).collect();
    Dataset::new(records, targets)
}

fn glm(criterion: &mut Criterion) {
    let dataset = table();
    let mut group = criterion.benchmark_group("a table of 100,000 x 30");
    group.sample_size(10).throughput(Throughput::Elements(ROWS as u64));
    for (name, power) in [("Poisson", 1.0), ("Tweedie 1.5", 1.5)] {
        let params = GlmParams::new().power(power).penalty(1e-4);
        group.bench_function(name, |bench| bench.iter(|| params.fit(&dataset).expect("fits")));
    }
    group.finish();
}

criterion_group!(benches, glm);
criterion_main!(benches);
