//! Whatever is younger than the cutoff does not change a bit of what is read as of the cutoff.

use domain::panel::{GapPolicy, RegressorKind};
use domain::{FeatureSource, Layout, Ordinal};
use pipeline::PanelFeatures;
use proptest::prelude::*;

use crate::panels::open;
use crate::worlds::{Cell, REGRESSORS, SERIES, World, bits, cells, price_list};

const HORIZON: u16 = 7;

/// What the future may do to a cell that is too young to be known: replace its value, or drop it.
type Corruption = Option<f64>;

fn corruption() -> impl Strategy<Value = Corruption> {
    prop_oneof![Just(None), Just(Some(f64::NAN)), Just(Some(-1e9)), Just(Some(f64::INFINITY)), Just(Some(0.5)), Just(Some(7.5))]
}

/// Cells as they are, and as they would be had everything that `is_young` been otherwise.
fn two_worlds(cells: Vec<(Cell, Corruption)>, is_young: impl Fn(&Cell) -> bool) -> [Vec<Cell>; 2] {
    let actual = cells.iter().map(|(cell, _)| *cell).collect();
    let other = cells.into_iter().filter_map(|(cell, corruption)| match is_young(&cell) {
        true => corruption.map(|value| (cell.0, cell.1, value, cell.3)),
        false => Some(cell),
    });
    [actual, other.collect()]
}

#[expect(clippy::type_complexity, reason = "a history, bit for bit")]
fn history_bits(source: &PanelFeatures, cutoff: Ordinal) -> Vec<(Ordinal, Vec<u64>, Vec<bool>, Vec<bool>)> {
    let bits = |value: &f64| if value.is_nan() { u64::MAX } else { value.to_bits() };
    let histories = source.histories(cutoff).expect("histories");
    histories.into_iter().map(|h| (h.first, h.values.iter().map(bits).collect(), h.censored, h.closed)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn nothing_younger_than_the_cutoff_matters(
        target in cells("target", 0, corruption()),
        regressors in REGRESSORS.map(|(name, _, _, lead_time)| cells(name, lead_time, corruption())),
        cutoff in 10..100_i64, lead in 1..15_u16, zero in any::<bool>(),
    ) {
        let late = |cell: &Cell| cell.3 > cutoff;
        let late_or_ahead = |cell: &Cell| cell.3 > cutoff || cell.1 > cutoff;
        let gaps = if zero { GapPolicy::Zero } else { GapPolicy::Missing };
        let mut worlds = two_worlds(target, late_or_ahead).map(|target| World { target, regressors: Vec::new(), gaps });
        for ((name, kind, ..), cells) in REGRESSORS.into_iter().zip(regressors) {
            let versions = if kind == RegressorKind::ObservedPast { two_worlds(cells, late_or_ahead) } else { two_worlds(cells, late) };
            for (world, cells) in worlds.iter_mut().zip(versions) {
                let always = if name == "price" { price_list() } else { Vec::new() };
                world.regressors.push([always, cells].concat());
            }
        }
        let read = |world: &World| {
            let source = open(world.panel());
            let predicted = vec![vec![2.5, 3.5]; SERIES];
            (
                history_bits(&source, cutoff),
                bits(&source.training(cutoff, Layout::Direct { lead }, 150).expect("training")),
                bits(&source.future(cutoff, Layout::Direct { lead }, 1..=HORIZON).expect("future")),
                bits(&source.step(cutoff, &predicted).expect("a step")),
                source.closed(cutoff, HORIZON).expect("closed"),
            )
        };
        let [actual, other] = worlds;
        prop_assert_eq!(read(&actual), read(&other));
    }
}
