//! What past events did, and what other series tell.

use domain::panel::{Beyond, Cells, Panel, Regressor, RegressorKind, Scope};
use domain::{FeatureSource, Frequency, Layout, Ordinal};

use crate::panels::{cell, open, panel, regressor};

const ALWAYS: Ordinal = Ordinal::MIN;
const DAYS: Ordinal = 120;
/// First days of runs of two; day 4 is the first Monday of the panel.
const HOLIDAYS: [Ordinal; 3] = [46, 74, 102];

/// Series with a weekly pattern at different sizes, which sell `times` as much on the first day of a holiday and nothing
/// out of the ordinary on the second.
fn festive(times: &[f64]) -> Panel {
    let value = |size: f64, times: f64, at: Ordinal| {
        let ordinary = size * (10 + at % 7) as f64;
        if HOLIDAYS.contains(&at) { ordinary * times } else { ordinary }
    };
    let series = |(number, &times): (usize, &f64)| (0..DAYS).map(|at| value(1.0 + number as f64, times, at)).collect();
    let mut shop = panel(Frequency::Daily, &times.iter().enumerate().map(series).collect::<Vec<_>>());
    let holidays: Vec<_> = HOLIDAYS.iter().flat_map(|&at| [(at, 1.0, ALWAYS), (at + 1, 1.0, ALWAYS)]).collect();
    shop.regressors = vec![regressor("holiday", RegressorKind::KnownFuture, Beyond::Zero, &holidays)];
    shop
}

#[test]
fn an_effect_is_what_the_event_did_before_drawn_to_the_panel() {
    let source = open(festive(&[3.0, 3.0, 3.0, 1.0]));
    let matrix = source.training(DAYS - 1, Layout::Direct { lead: 7 }, usize::MAX).expect("rows");
    let effect = |series, at| cell(&matrix, "holiday_effect", series, at);
    assert_eq!([effect(0, 46), effect(0, 60)], [1.0, 1.0], "nothing was known of the first, and the other is an ordinary day");
    // Both days of a run count as one class: (3 + 1) / 2 = 2 for three series, 1 for the fourth.
    let (second, third) = (effect(0, 74), effect(0, 102));
    assert!(1.2 < second && second < third && third < 2.0, "{second} {third}");
    assert!(1.0 < effect(3, 102) && effect(3, 102) < third, "the series' own past counts: {} {third}", effect(3, 102));
    assert_eq!(effect(0, 101), 1.0, "the eve was like any other day");
}

#[test]
fn an_effect_knows_nothing_younger_than_the_lead() {
    // Day 74 is usable for day 82, not for day 81; all three are weekdays.
    let mut shop = festive(&[3.0]);
    let cells = &mut shop.regressors[0].cells;
    [81, 82].into_iter().for_each(|at| cells.push(0, at, 1.0, ALWAYS));
    let matrix = open(shop).training(DAYS - 1, Layout::Direct { lead: 8 }, usize::MAX).expect("rows");
    let effect = |at| cell(&matrix, "holiday_effect", 0, at);
    assert_eq!(effect(81), effect(74), "same class, nothing new");
    assert!(effect(82) > effect(81));
}

#[test]
fn the_last_holiday_is_looked_up_by_its_day() {
    let source = open(festive(&[3.0, 2.0]));
    let matrix = source.training(DAYS - 1, Layout::Direct { lead: 7 }, usize::MAX).expect("rows");
    let last = |series, at| cell(&matrix, "holiday_last", series, at);
    assert!(last(0, 46).is_nan() && last(0, 60).is_nan());
    assert_eq!([last(0, 74), last(0, 75), last(0, 76)], [3.0, 1.0, 1.0]);
    assert_eq!(last(1, 102), 2.0);
    let future = source.future(70, Layout::Direct { lead: 7 }, 1..=7).expect("rows");
    assert_eq!([cell(&future, "holiday_last", 0, 74), cell(&future, "holiday_last", 1, 74)], [3.0, 2.0]);
}

#[test]
fn runs_of_event_days_are_told_apart() {
    let mut shop = panel(Frequency::Daily, &[vec![1.0; 60]]);
    let holidays: Vec<_> = [20, 21, 22, 40].map(|at| (at, 1.0, ALWAYS)).to_vec();
    shop.regressors = vec![regressor("holiday", RegressorKind::KnownFuture, Beyond::Zero, &holidays)];
    let matrix = open(shop).training(59, Layout::Recursive, usize::MAX).expect("rows");
    let row = |at| ["_day", "_run", "_coming"].map(|suffix| cell(&matrix, &format!("holiday{suffix}"), 0, at));
    assert_eq!(row(5), [0.0, 0.0, 0.0]);
    assert_eq!(row(18), [0.0, 3.0, 3.0]);
    assert_eq!(row(20), [1.0, 3.0, 2.0]);
    assert_eq!(row(22), [3.0, 3.0, 0.0]);
    assert_eq!(row(24), [0.0, 3.0, 0.0]);
    assert_eq!(row(39), [0.0, 1.0, 1.0]);
}

#[test]
fn an_uncertain_day_is_a_probability_until_it_is_settled() {
    let mut shop = panel(Frequency::Daily, &[vec![1.0; 60]]);
    // The feast begins on day 62 or 63. Day 30 was as uncertain, and was settled on its eve.
    let feast = [(30, 0.6, 0), (30, 1.0, 29), (31, 0.4, 0), (31, 0.0, 29), (62, 0.75, 0), (63, 1.0, 0)];
    shop.regressors = vec![regressor("feast", RegressorKind::KnownFuture, Beyond::Zero, &feast)];
    let source = open(shop);
    let future = source.future(59, Layout::Direct { lead: 7 }, 1..=7).expect("rows");
    let at = |suffix: &str, at| cell(&future, &format!("feast{suffix}"), 0, at);
    assert_eq!([at("", 62), at("_next", 60), at("_coming", 60), at("_since", 64)], [0.75, 2.25, 1.75, 1.0]);
    let training = source.training(59, Layout::Direct { lead: 7 }, usize::MAX).expect("rows");
    assert_eq!([30, 40].map(|at| cell(&training, "feast", 0, at)), [0.6, 0.0]);
}

#[test]
fn a_fraction_that_stands_on_its_day_is_an_amount() {
    let mut shop = panel(Frequency::Daily, &[vec![1.0; 60]]);
    let discount = [(30, 0.2, 0), (62, 0.3, 0)];
    shop.regressors = vec![regressor("discount", RegressorKind::KnownFuture, Beyond::Zero, &discount)];
    let source = open(shop);
    let has_next = |cutoff| source.future(cutoff, Layout::Recursive, 1..=1).expect("a row").position("discount_next").is_some();
    assert_eq!([has_next(29), has_next(30), has_next(59)], [true, false, false]);
}

#[test]
fn a_price_is_relative_to_what_is_usual() {
    let prices: Vec<_> = (0..64).map(|at| (at, if at == 61 { 7.5 } else { 10.0 }, ALWAYS)).collect();
    let mut shop = panel(Frequency::Daily, &[vec![1.0; 60]]);
    let depth: Vec<_> = (0..64).map(|at| (at, if at % 9 == 0 { 3.0 } else { 0.0 }, ALWAYS)).collect();
    let known = |name, cells| regressor(name, RegressorKind::KnownFuture, Beyond::Required, cells);
    shop.regressors = vec![known("price", &prices), known("depth", &depth)];
    let future = open(shop).future(59, Layout::Direct { lead: 4 }, 1..=4).expect("rows");
    assert_eq!([60, 61, 62].map(|at| cell(&future, "price_relative", 0, at)), [1.0, 0.75, 1.0]);
    assert!(future.position("depth_relative").is_none(), "a depth of zero is not a price");
}

#[test]
fn sold_out_days_are_counted() {
    let mut shop = panel(Frequency::Daily, &[vec![1.0; 60]]);
    assert!(open(shop.clone()).training(59, Layout::Recursive, 9).expect("rows").position("steps_since_stockout").is_none());
    [30, 50].into_iter().for_each(|day: usize| shop.observations.censored[day] = true);
    let source = open(shop);
    let matrix = source.training(59, Layout::Direct { lead: 2 }, usize::MAX).expect("rows");
    let at = |day| [cell(&matrix, "steps_since_stockout", 0, day), cell(&matrix, "stockout_share_28", 0, day)];
    assert_eq!(at(31), [56.0, 0.0]);
    assert_eq!(at(32), [0.0, 1.0 / 28.0]);
    assert_eq!(at(55), [3.0, 2.0 / 28.0]);
    assert!(source.training(29, Layout::Recursive, 9).expect("rows").position("steps_since_stockout").is_none(), "not yet known of");
}

#[test]
fn the_panel_and_the_others_of_a_category_tell_of_a_shock() {
    // Everything doubles on day 50; series 2 is of another town, series 3 alone in its.
    let values = |size: f64| (0..60).map(|day| if day < 50 { size } else { 2.0 * size }).collect::<Vec<f64>>();
    let mut shop = panel(Frequency::Daily, &[values(1.0), values(10.0), vec![5.0; 60], values(7.0)]);
    let mut cells = Cells { levels: ["Padang", "Ambon", "Medan"].map(str::to_owned).to_vec(), ..Cells::default() };
    [(0, 0.0), (1, 0.0), (2, 1.0), (3, 2.0)].into_iter().for_each(|(series, town)| cells.push(series, 0, town, ALWAYS));
    let kind = RegressorKind::Static;
    shop.regressors = vec![Regressor { name: "town".to_owned(), kind, scope: Scope::Series, beyond: Beyond::Required, cells }];
    let matrix = open(shop).training(59, Layout::Direct { lead: 3 }, usize::MAX).expect("rows");
    let at = |column: &str, series, day| cell(&matrix, column, series, day);
    assert_eq!([at("panel_level", 0, 52), at("town_level", 0, 52)], [1.0, 1.0]);
    assert!(at("panel_level", 2, 59) > 1.2 && at("panel_level", 2, 59) == at("panel_level", 0, 59));
    assert!(at("town_level", 0, 59) > 1.7 && at("town_level", 2, 59).is_nan() && at("town_level", 3, 59).is_nan());
    // The mean of the other's last seven days in multiples of its mean so far.
    let scaled = |day: i32| f64::from(if day < 50 { 1 } else { 2 }) * f64::from(day + 1) / f64::from(day + 1 + (day - 49).max(0));
    let expected = (50..57).map(scaled).sum::<f64>() / 7.0;
    assert!((f64::from(at("town_level", 0, 59)) - expected).abs() < 1e-6);
}
