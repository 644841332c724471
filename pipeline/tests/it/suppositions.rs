//! What features say of plans that nobody has made.

use domain::panel::{Beyond, Panel, RegressorKind};
use domain::{FeatureSource, Frequency, Layout};
use pipeline::PipelineError;

use crate::panels::{cell, open, panel, regressor};

fn shop() -> Panel {
    let days: Vec<f64> = (0..40).map(f64::from).collect();
    let mut shop = panel(Frequency::Daily, &[days.clone(), days]);
    let rain: Vec<_> = (0..43).map(|at| (at, 3.0, at - 3)).collect();
    let mut promo = regressor("promo", RegressorKind::KnownFuture, Beyond::Zero, &[(10, 1.0, 0)]);
    promo.scope = domain::panel::Scope::Series;
    shop.regressors = vec![regressor("rain", RegressorKind::KnownFuture, Beyond::Climatology, &rain), promo];
    shop
}

#[test]
fn a_promotion_and_rain_are_supposed_for_whom_and_when_they_are_meant() {
    let mut source = open(shop());
    let before = source.training(39, Layout::Direct { lead: 3 }, 1_000).expect("rows");
    source.suppose("promo", Some(1), 41..=42, 1.0, 39).expect("a promotion");
    source.suppose("rain", None, 40..=40, 50.0, 39).expect("rain");
    let future = source.future(39, Layout::Direct { lead: 3 }, 1..=3).expect("rows");
    assert_eq!([40, 41, 42].map(|at| cell(&future, "promo", 1, at)), [0.0, 1.0, 1.0]);
    assert_eq!([40, 41, 42].map(|at| cell(&future, "promo", 0, at)), [0.0; 3]);
    assert_eq!([0, 1].map(|series| cell(&future, "rain", series, 40)), [50.0; 2]);
    // The past is what it was.
    let after = source.training(39, Layout::Direct { lead: 3 }, 1_000).expect("rows");
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&before.data), bits(&after.data));
    // And a supposition can be taken back.
    source.suppose("rain", None, 40..=40, 3.0, 39).expect("rain");
    assert_eq!(cell(&source.future(39, Layout::Direct { lead: 3 }, 1..=3).expect("rows"), "rain", 0, 40), 3.0);
}

#[test]
fn an_event_is_no_column_and_can_be_supposed_all_the_same() {
    let mut shop = shop();
    shop.regressors[1].kind = RegressorKind::Event;
    let mut source = open(shop);
    source.suppose("promo", Some(0), 41..=41, 1.0, 39).expect("a promotion");
    let events = source.events(39, 3).expect("events");
    assert_eq!((events.len(), events[0].of(0), events[0].of(1)), (1, &[10, 41][..], &[][..]));
    let rows = source.future(39, Layout::Direct { lead: 3 }, 1..=3).expect("rows");
    assert!(rows.columns.iter().all(|column| !column.name.starts_with("promo")));
}

#[test]
fn a_closed_day_can_be_supposed_of_a_shop_that_never_closes() {
    let mut source = open(shop());
    source.suppose_closed(None, 41..=41, true, 39).expect("a closing");
    assert_eq!(source.closed(39, 3).expect("closings"), [[false, true, false]; 2]);
    source.suppose_closed(Some(0), 41..=41, false, 39).expect("an opening");
    assert_eq!(source.closed(39, 3).expect("closings"), [[false; 3], [false, true, false]]);
}

#[test]
fn what_is_not_known_ahead_cannot_be_supposed() {
    let error = open(shop()).suppose("news", None, 40..=40, 1.0, 39).expect_err("there is no such regressor");
    assert_eq!(error, PipelineError::UnknownRegressor { name: "news".to_owned(), known: "rain, promo".to_owned() });
}
