//! The booster on a table of thirty columns, 100 trees of 31 leaves: what LightGBM is measured by. `ROWS` sets its length.

use criterion::{Criterion, criterion_group, criterion_main};
use linfa::ParamGuard as _;
use models::boosting::{Columns, GradientBoostingParams, Loss};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

const WIDTH: usize = 30;

fn fit(c: &mut Criterion) {
    let rows = std::env::var("ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(100_000_usize);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let data: Vec<f32> = (0..WIDTH * rows).map(|_| random.r#gen()).collect();
    // Friedman's first function (1991), with noise.
    let signal = |row: usize| {
        let x = |column: usize| f64::from(data[column * rows + row]);
        10.0 * (std::f64::consts::PI * x(0) * x(1)).sin() + 20.0 * (x(2) - 0.5).powi(2) + 10.0 * x(3) + 5.0 * x(4)
    };
    let target: Vec<f32> = (0..rows).map(|row| (signal(row) + 2.0 * random.r#gen::<f64>()) as f32).collect();
    let weight = vec![1.0; rows];
    let columns = Columns::from_column_major(rows, &data).expect("whole columns");
    let mut group = c.benchmark_group("boosting");
    group.sample_size(10);
    for (name, loss) in [("squared", Loss::Squared), ("tweedie", Loss::Tweedie(1.5))] {
        let params = GradientBoostingParams::new().loss(loss).trees(100).max_leaves(31).learning_rate(0.1).check().expect("sound");
        group.bench_function(format!("{name} {rows} x {WIDTH}"), |b| {
            b.iter(|| params.fit_columns(&columns, &target, &weight).expect("fits"));
        });
    }
    group.finish();
}

criterion_group!(benches, fit);
criterion_main!(benches);
