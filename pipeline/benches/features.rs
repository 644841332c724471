//! Feature matrices of daily series over two years: 1,000, or as many as `SERIES` says.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use domain::panel::{Beyond, Cells, GapPolicy, Observations, Panel, Regressor, RegressorKind, Scope};
use domain::{FeatureSource as _, Frequency, Layout};
use pipeline::{FeatureConfig, PanelFeatures};

const DAYS: i64 = 730;
const HORIZON: i64 = 14;

fn series() -> u32 {
    std::env::var("SERIES").ok().and_then(|series| series.parse().ok()).unwrap_or(1_000)
}

/// A weekly pattern with a level of its own for each series and a little deterministic noise; a holiday every six weeks.
fn panel(days: std::ops::Range<i64>) -> Panel {
    let mut observations = Observations::default();
    for series in 0..series() {
        for day in days.clone() {
            let noise = f64::from((u64::from(series) * 7_919 + day.unsigned_abs() * 104_729) as u32 % 17);
            let weekday = if day % 7 == 5 { 12.0 } else { 5.0 };
            observations.push(series, day, (f64::from(series % 40) + weekday + noise).floor(), day, false);
        }
    }
    let mut cells = Cells::default();
    (days.start..days.end + HORIZON).filter(|day| day % 42 < 2).for_each(|day| cells.push(0, day, 1.0, i64::MIN));
    let holiday =
        Regressor { name: "holiday".to_owned(), kind: RegressorKind::KnownFuture, scope: Scope::Panel, beyond: Beyond::Zero, cells };
    let series = (0..series()).map(|number| format!("s{number:05}")).collect();
    Panel { frequency: Frequency::Daily, series, observations, regressors: vec![holiday], closed: None, gaps: GapPolicy::Missing }
}

fn open(panel: &Panel) -> PanelFeatures {
    PanelFeatures::new(panel.clone(), FeatureConfig::default()).expect("a sound panel")
}

fn features(criterion: &mut Criterion) {
    let panel = panel(0..DAYS);
    let source = open(&panel);
    let mut group = criterion.benchmark_group(format!("features of {} x {DAYS}", series()));
    group.sample_size(10);
    for rows in [100_000, series() as usize * DAYS as usize] {
        group.bench_function(format!("{rows} training rows"), |bench| {
            bench.iter(|| source.training(DAYS - 1, Layout::Direct { lead: 7 }, black_box(rows)).expect("features"));
        });
    }
    group.bench_function("7 future steps", |bench| {
        bench.iter(|| source.future(DAYS - 1, Layout::Direct { lead: 7 }, black_box(1..=7)).expect("features"));
    });
    group.finish();
}

/// What a night costs: the day's cells alone, or the whole panel again.
fn one_more_day(criterion: &mut Criterion) {
    let (known, day) = (panel(0..DAYS - 1), panel(DAYS - 1..DAYS));
    let mut group = criterion.benchmark_group(format!("one more day of {} x {DAYS}", series()));
    group.sample_size(10);
    group.bench_function("the whole panel again", |bench| {
        let whole = panel(0..DAYS);
        bench.iter(|| open(black_box(&whole)));
    });
    group.bench_function("the day added", |bench| {
        let add = |mut source: PanelFeatures| {
            source.extend(black_box(&day)).expect("the same panel");
            source
        };
        bench.iter_batched(|| open(&known), add, BatchSize::PerIteration);
    });
    group.finish();
}

/// What each family costs where it is the only one.
fn families(criterion: &mut Criterion) {
    let panel = panel(0..DAYS);
    let mut group = criterion.benchmark_group("100,000 training rows");
    group.sample_size(10);
    for family in pipeline::families() {
        let exclude = pipeline::families().into_iter().filter(|other| *other != family).map(str::to_owned).collect();
        let source = PanelFeatures::new(panel.clone(), FeatureConfig { season: None, exclude }).expect("known families");
        group.bench_function(family, |bench| {
            bench.iter(|| source.training(DAYS - 1, Layout::Direct { lead: 7 }, black_box(100_000)).expect("features"));
        });
    }
    group.finish();
}

criterion_group!(benches, features, one_more_day, families);
criterion_main!(benches);
