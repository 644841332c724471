//! Regressors of every kind as their rows may know them.

use domain::panel::{Beyond, Cells, Panel, Regressor, RegressorKind, Scope};
use domain::{FeatureSource, Frequency, Layout, Ordinal};
use pipeline::{FeatureConfig, PanelFeatures};

use crate::panels::{cell, names, open, panel, regressor};

const ALWAYS: Ordinal = Ordinal::MIN;

fn shop(regressors: Vec<Regressor>) -> Panel {
    let mut shop = panel(Frequency::Daily, &[(0..40).map(f64::from).collect()]);
    shop.regressors = regressors;
    shop
}

#[test]
fn a_missing_future_value_is_an_error_that_names_it() {
    let prices: Vec<_> = (0..42).map(|at| (at, 9.5, ALWAYS)).collect();
    let source = open(shop(vec![regressor("price", RegressorKind::KnownFuture, Beyond::Required, &prices)]));
    assert!(source.future(39, Layout::Direct { lead: 2 }, 1..=2).is_ok());
    let error = source.future(39, Layout::Direct { lead: 3 }, 1..=3).expect_err("period 42 has no price");
    insta::assert_snapshot!(error, @"known-future regressor `price` has no value for series `s0` at 1970-02-12");
    let stepped = source.step(39, &[vec![1.0, 1.0]]).expect_err("so has the third step");
    assert_eq!(stepped.to_string(), error.to_string());
}

#[test]
fn a_forecast_is_read_in_the_vintage_that_was_known() {
    // For every day a forecast issued 3 days ahead, one issued 1 day ahead, and the observation of the day itself.
    let rain: Vec<_> =
        (0..60).flat_map(|at| [(at, 100.0 + at as f64, at - 3), (at, 200.0 + at as f64, at - 1), (at, 300.0 + at as f64, at)]).collect();
    let source = open(shop(vec![regressor("rain", RegressorKind::KnownFuture, Beyond::Climatology, &rain)]));
    let training = |lead| source.training(39, Layout::Direct { lead }, 1_000).expect("rows");
    assert_eq!(cell(&training(1), "rain", 0, 30), 230.0);
    assert_eq!(cell(&training(2), "rain", 0, 30), 130.0);
    let future = source.future(39, Layout::Direct { lead: 5 }, 1..=5).expect("rows");
    assert_eq!([40, 41, 42].map(|at| cell(&future, "rain", 0, at)), [240.0, 141.0, 142.0]);
    assert_eq!([42, 43].map(|at| cell(&future, "rain_issued", 0, at)), [1.0, 0.0]);
    // Beyond the forecast: the days within 15 of the target, as known at the cutoff.
    let known = (28..40).map(|at| 300 + at).chain([240, 141, 142]);
    let usual = known.sum::<i32>() as f32 / 15.0;
    assert_eq!(cell(&future, "rain", 0, 43), usual);
}

#[test]
fn climatology_is_of_the_season_not_of_the_year() {
    // Three years that are wet in one half, and a forecast far beyond what is issued.
    let mut long = panel(Frequency::Daily, &[vec![1.0; 3 * 365]]);
    let wet = |at: Ordinal| if at % 365 < 180 { 10.0 } else { 0.0 };
    let rain: Vec<_> = (0..3 * 365).map(|at| (at, wet(at), at)).collect();
    long.regressors = vec![regressor("rain", RegressorKind::KnownFuture, Beyond::Climatology, &rain)];
    let future = open(long).future(3 * 365 - 1, Layout::Direct { lead: 90 }, 60..=60).expect("a row");
    assert_eq!(cell(&future, "rain", 0, 3 * 365 + 59), 10.0);
}

#[test]
fn an_event_tells_how_far_it_is() {
    let holidays = [(10, 1.0, 0), (42, 1.0, 30), (45, 0.0, 0)];
    let source = open(shop(vec![regressor("holiday", RegressorKind::KnownFuture, Beyond::Zero, &holidays)]));
    let training = source.training(39, Layout::Direct { lead: 2 }, 1_000).expect("rows");
    let at = |column: &str, day| cell(&training, column, 0, day);
    assert_eq!([at("holiday", 9), at("holiday", 10)], [0.0, 1.0]);
    assert_eq!([at("holiday_next", 8), at("holiday_next", 10), at("holiday_next", 11)], [2.0, 0.0, 14.0]);
    assert_eq!([at("holiday_since", 10), at("holiday_since", 13), at("holiday_since", 30)], [0.0, 3.0, 14.0]);
    // The holiday of day 42 was announced on day 30: rows that predict day 31 did not know it, rows that predict 39 did.
    assert_eq!([at("holiday_next", 31), at("holiday_next", 39)], [14.0, 3.0]);
    let future = source.future(39, Layout::Direct { lead: 7 }, 1..=7).expect("rows");
    assert_eq!([cell(&future, "holiday", 0, 42), cell(&future, "holiday_since", 0, 44)], [1.0, 2.0]);
}

#[test]
fn what_is_observed_is_never_read_at_the_target() {
    let news: Vec<_> = (0..60).map(|at| (at, at as f64, at)).collect();
    let source = open(shop(vec![regressor("news", RegressorKind::ObservedPast, Beyond::Required, &news)]));
    let training = source.training(39, Layout::Direct { lead: 3 }, 1_000).expect("rows");
    assert_eq!([cell(&training, "news", 0, 20), cell(&training, "news_mean_7", 0, 20)], [17.0, 14.0]);
    let future = source.future(39, Layout::Direct { lead: 3 }, 1..=3).expect("rows");
    assert_eq!([40, 41, 42].map(|at| cell(&future, "news", 0, at)), [37.0, 38.0, 39.0]);
    let third_step = source.step(39, &[vec![1.0, 1.0]]).expect("a row");
    assert_eq!(cell(&third_step, "news", 0, 42), 39.0, "still what the cutoff knew");
}

#[test]
fn a_publication_that_comes_late_is_late_in_training_too() {
    let prices: Vec<_> = (0..60).map(|at| (at, at as f64, at + 2)).collect();
    let source = open(shop(vec![regressor("price", RegressorKind::ObservedPast, Beyond::Required, &prices)]));
    let training = source.training(39, Layout::Recursive, 1_000).expect("rows");
    let future = source.future(39, Layout::Recursive, 1..=1).expect("a row");
    assert_eq!([cell(&training, "price", 0, 30), cell(&future, "price", 0, 40)], [27.0, 37.0]);
}

#[test]
fn statics_and_groups_belong_to_their_series() {
    let mut shops = panel(Frequency::Daily, &[vec![1.0; 20], vec![2.0; 20], vec![3.0; 20]]);
    let mut size = Cells::default();
    size.push(0, 0, 55.0, ALWAYS);
    size.push(2, 0, 77.0, ALWAYS);
    let mut city = Cells { levels: vec!["Padang".to_owned(), "Ambon".to_owned()], ..Cells::default() };
    city.push(7, 0, 1.0, ALWAYS);
    let fixed =
        |name: &str, scope, cells| Regressor { name: name.to_owned(), kind: RegressorKind::Static, scope, beyond: Beyond::Required, cells };
    shops.regressors = vec![fixed("size", Scope::Series, size), fixed("city", Scope::Group(vec![7, 7, 8]), city)];
    let matrix = open(shops).future(19, Layout::Recursive, 1..=1).expect("three rows");
    let of = |column: &str| [0, 1, 2].map(|series| cell(&matrix, column, series, 20));
    assert_eq!(of("series_code"), [0.0, 1.0, 2.0]);
    assert_eq!(of("city")[..2], [1.0, 1.0]);
    assert!(of("city")[2].is_nan() && of("size")[1].is_nan());
    assert_eq!([of("size")[0], of("size")[2]], [55.0, 77.0]);
    let levels = |name: &str| matrix.columns[matrix.position(name).expect(name)].levels;
    assert_eq!([levels("series_code"), levels("city"), levels("size"), levels("weekday")], [3, 2, 0, 7]);
}

#[test]
fn a_plan_labelled_with_its_own_day_still_teaches() {
    let promo: Vec<_> = (0..60).map(|at| (at, (at % 5) as f64, at.min(39))).collect();
    let source = open(shop(vec![regressor("discount", RegressorKind::KnownFuture, Beyond::Required, &promo)]));
    let training = source.training(39, Layout::Direct { lead: 7 }, 1_000).expect("rows");
    assert_eq!(cell(&training, "discount", 0, 38), 3.0);
}

#[test]
fn a_regressor_called_like_a_column_of_ours_keeps_both() {
    let weekday: Vec<_> = (0..60).map(|at| (at, 3.25, ALWAYS)).collect();
    let source = open(shop(vec![regressor("weekday", RegressorKind::KnownFuture, Beyond::Required, &weekday)]));
    let matrix = source.future(39, Layout::Recursive, 1..=1).expect("a row");
    assert_eq!(cell(&matrix, "weekday.known_future", 0, 40), 3.25);
    assert_eq!(cell(&matrix, "weekday", 0, 40), 1.0);
}

#[test]
fn families_can_be_left_out_by_name() {
    let exclude = vec!["rolling".to_owned(), "calendar".to_owned()];
    let source = PanelFeatures::new(shop(Vec::new()), FeatureConfig { exclude, ..FeatureConfig::default() }).expect("known families");
    let matrix = source.future(39, Layout::Recursive, 1..=1).expect("a row");
    assert!(names(&matrix).iter().all(|name| !name.starts_with("rolling_mean") && *name != "weekday"));
    assert!(matrix.position("lag_7").is_some());
    let exclude = vec!["rollling".to_owned()];
    let error = PanelFeatures::new(shop(Vec::new()), FeatureConfig { exclude, ..FeatureConfig::default() }).err().expect("unknown");
    insta::assert_snapshot!(error, @"there is no feature family `rollling`; there are lags, rolling, quantiles, expanding, same_season, ewm, intermittent, stockouts, trend, calendar, events, event_effects, known_future, relative, observed_past, hierarchy, statics");
}

#[test]
fn a_panel_that_is_no_grid_is_refused() {
    let refuse = |change: fn(&mut Panel)| {
        let mut broken = shop(Vec::new());
        change(&mut broken);
        PanelFeatures::new(broken, FeatureConfig::default()).err().expect("refused").to_string()
    };
    insta::assert_snapshot!(refuse(|panel| panel.observations.push(4, 0, 1.0, 0, false)), @"`observations` names series number 4, but the panel has 1 series");
    insta::assert_snapshot!(refuse(|panel| panel.observations.at.push(4)), @"columns of `observations` have different lengths: [40, 41, 40, 40, 40, 40]");
    insta::assert_snapshot!(refuse(|panel| panel.observations.push(0, 9_000_000, 1.0, 0, false)), @"`observations` spans 9000001 periods, more than the 4000000 that can be laid on a grid");
    insta::assert_snapshot!(refuse(|panel| panel.observations.push(0, i64::MAX, 1.0, 0, false)), @"`observations` has a period outside the calendar: 9223372036854775807");
}
