//! A panel to which newer cells were added answers as one that was made of all cells.

use domain::panel::{Cells, GapPolicy, Observations};
use domain::{FeatureSource, Frequency, Layout, Ordinal, Panel};
use pipeline::{FeatureConfig, PanelFeatures};
use proptest::prelude::*;

use crate::panels::{open, panel};
use crate::worlds::{Cell, REGRESSORS, SERIES, World, bits, cells, price_list};

/// The cells that were known by then, and the newer ones.
fn split(cells: &[Cell], known_by: Ordinal) -> [Vec<Cell>; 2] {
    let (old, new) = cells.iter().partition(|cell| cell.3 <= known_by);
    [old, new]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn adding_is_as_good_as_making_anew(
        target in cells("target", 0, Just(())),
        regressors in REGRESSORS.map(|(name, _, _, lead_time)| cells(name, lead_time, Just(()))),
        days in prop::collection::btree_set(5..130_i64, 1..4), lead in 1..15_u16, ahead in 0..9_i64,
    ) {
        let plain = |cells: Vec<(Cell, ())>| cells.into_iter().map(|(cell, ())| cell).collect::<Vec<_>>();
        let mut world = World { target: plain(target), regressors: regressors.into_iter().map(plain).collect(), gaps: GapPolicy::Missing };
        world.regressors[3].splice(0..0, price_list());
        let fresh = open(world.panel());

        let mut grown: Option<PanelFeatures> = None;
        let mut rest = world;
        for day in days.iter().copied().chain([Ordinal::MAX]) {
            let [target, newer_target] = split(&rest.target, day);
            let (regressors, newer) = rest.regressors.iter().map(|cells| split(cells, day)).map(|[old, new]| (old, new)).unzip();
            let known = World { target, regressors, gaps: rest.gaps }.panel();
            match &mut grown {
                None => grown = Some(open(known)),
                Some(grown) => grown.extend(&known).expect("the same panel"),
            }
            // What is asked in between must not be remembered.
            grown.as_ref().expect("made").training(day.min(130), Layout::Recursive, 50).expect("rows");
            rest = World { target: newer_target, regressors: newer, gaps: rest.gaps };
        }
        let grown = grown.expect("made");
        prop_assert_eq!(grown.last_period(), fresh.last_period());
        let cutoff = fresh.last_period().unwrap_or(0).min(100) - ahead;
        let read = |source: &PanelFeatures| (
            bits(&source.training(cutoff, Layout::Direct { lead }, 300).expect("training")),
            bits(&source.future(cutoff, Layout::Direct { lead }, 1..=7).expect("future")),
            bits(&source.step(cutoff, &vec![vec![1.5]; SERIES]).expect("a step")),
        );
        prop_assert_eq!(read(&grown), read(&fresh));
    }
}

#[test]
fn a_new_series_is_added_at_the_end() {
    let all = panel(Frequency::Daily, &[vec![1.0; 30], vec![2.0; 30]]);
    let mut source = open(panel(Frequency::Daily, &[vec![1.0; 30]]));
    let mut observations = Observations::default();
    (0..30).for_each(|at| observations.push(1, at, 2.0, at, false));
    source.extend(&Panel { observations, ..all.clone() }).expect("the same panel");
    let future = |source: &PanelFeatures| bits(&source.future(29, Layout::Recursive, 1..=1).expect("two rows"));
    assert_eq!(future(&source), future(&open(all)));
}

#[test]
fn another_panel_is_refused() {
    let known = || Panel { observations: Observations::default(), ..panel(Frequency::Daily, &[vec![1.0; 9], vec![2.0; 9]]) };
    let refuse = |change: fn(&mut Panel)| {
        let mut other = known();
        change(&mut other);
        let mut source = PanelFeatures::new(known(), FeatureConfig::default()).expect("a panel");
        source.extend(&other).expect_err("refused").to_string()
    };
    insta::assert_snapshot!(refuse(|panel| panel.frequency = Frequency::Integer), @"what is to be added is not of the same panel: its step is integer, not 1d");
    insta::assert_snapshot!(refuse(|panel| panel.series.swap(0, 1)), @"what is to be added is not of the same panel: its series are not the old ones and then the new ones");
    insta::assert_snapshot!(refuse(|panel| panel.gaps = GapPolicy::Zero), @"what is to be added is not of the same panel: its gaps mean something else");
    let size = |panel: &mut Panel| {
        let kind = domain::panel::RegressorKind::Static;
        let scope = domain::panel::Scope::Panel;
        let cells = Cells::default();
        panel.regressors.push(domain::panel::Regressor { name: "size".to_owned(), kind, scope, beyond: Default::default(), cells });
    };
    assert!(refuse(size).contains("its regressors are not"));
}
