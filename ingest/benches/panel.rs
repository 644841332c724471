//! Reading a long CSV of half a million rows as a panel.

use std::fmt::Write as _;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ingest::panel::{PanelSpec, read_panel};
use ingest::tabular::{Origin, read_origin};

const SERIES: u32 = 500;
const DAYS: u64 = 1_000;

fn csv() -> String {
    let mut text = String::from("unique_id,ds,y\n");
    let first = chrono::NaiveDate::from_ymd_opt(2023, 1, 1).expect("a date");
    for series in 0..SERIES {
        for day in 0..DAYS {
            let date = first + chrono::Days::new(day);
            writeln!(text, "s{series:04},{date},{}", (u64::from(series) * 31 + day * 17) % 53).expect("memory");
        }
    }
    text
}

fn panel(criterion: &mut Criterion) {
    let text = csv();
    let mut group = criterion.benchmark_group("a CSV of 500,000 rows");
    group.sample_size(10).throughput(Throughput::Bytes(text.len() as u64));
    let origin = Origin::memory("bench.csv", text.into_bytes());
    group.bench_function("as a table", |bench| bench.iter(|| read_origin(&origin).expect("a table")));
    group.bench_function("as a panel", |bench| {
        bench.iter(|| read_panel(&read_origin(&origin).expect("a table"), None, &PanelSpec::default()).expect("a panel"));
    });
    group.finish();
}

criterion_group!(benches, panel);
criterion_main!(benches);
