//! Which rows a matrix has, and their targets and weights.

use domain::panel::{Beyond, GapPolicy, RegressorKind};
use domain::{FeatureSource, Frequency, Layout};
use pipeline::CENSORED_WEIGHT;

use crate::panels::{cell, names, open, panel, regressor};

const LEAD_2: Layout = Layout::Direct { lead: 2 };

#[test]
fn a_constant_series_does_not_deviate() {
    let matrix = open(panel(Frequency::Daily, &[vec![5.0; 80]])).training(79, LEAD_2, 1_000).expect("rows");
    let last = |column: &str| cell(&matrix, column, 0, 79);
    assert_eq!([7, 14, 28, 56].map(|window| last(&format!("rolling_std_{window}"))), [0.0; 4]);
    assert_eq!([last("expanding_std"), last("rolling_mean_56"), last("rolling_q90_56")], [0.0, 5.0, 5.0]);
}

#[test]
fn every_period_with_a_usable_lag_is_one_row() {
    let source = open(panel(Frequency::Daily, &[(0..10).map(f64::from).collect(), (0..5).map(f64::from).collect()]));
    let matrix = source.training(9, LEAD_2, 1_000).expect("rows");
    let rows: Vec<_> = matrix.series.iter().copied().zip(matrix.at.iter().copied()).collect();
    let expected: Vec<_> = (2..10).map(|at| (0, at)).chain((2..5).map(|at| (1, at))).collect();
    assert_eq!(rows, expected);
    assert_eq!(matrix.data.len(), matrix.rows * matrix.columns.len());
    assert_eq!(matrix.target[..8], [2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
}

#[test]
fn an_empty_panel_has_columns_and_no_rows() {
    let source = open(panel(Frequency::Daily, &[]));
    assert_eq!(source.last_period(), None);
    let training = source.training(5, LEAD_2, 100).expect("no rows");
    let future = source.future(5, LEAD_2, 1..=2).expect("no rows");
    assert_eq!((training.rows, future.rows), (0, 0));
    assert_eq!(training.columns, future.columns);
    assert!(!names(&training).is_empty());
}

#[test]
fn a_series_with_one_observation_is_forecast_but_teaches_nothing() {
    let source = open(panel(Frequency::Daily, &[vec![3.0]]));
    assert_eq!(source.training(0, LEAD_2, 100).expect("no rows").rows, 0);
    let future = source.future(0, LEAD_2, 1..=2).expect("two rows");
    assert_eq!(future.at, [1, 2]);
    assert_eq!(cell(&future, "lag_2", 0, 2), 3.0);
    assert!(cell(&future, "lag_2", 0, 1).is_nan());
    assert!(cell(&future, "rolling_std_7", 0, 2).is_nan());
    assert!(future.target.iter().all(|target| target.is_nan()));
}

#[test]
fn gaps_are_missing_or_zero_as_the_panel_says() {
    let values = vec![4.0, f64::NAN, 6.0, 7.0, 8.0];
    let mut with_gap = panel(Frequency::Daily, &[values]);
    let missing = open(with_gap.clone()).training(4, Layout::Recursive, 100).expect("rows");
    assert_eq!((missing.weight[0], cell(&missing, "lag_1", 0, 2).is_nan()), (0.0, true));
    with_gap.gaps = GapPolicy::Zero;
    let zero = open(with_gap).training(4, Layout::Recursive, 100).expect("rows");
    assert_eq!((zero.weight[0], zero.target[0], cell(&zero, "lag_1", 0, 2)), (1.0, 0.0, 0.0));
    assert_eq!(cell(&zero, "rolling_zeros_7", 0, 4), 0.25);
}

#[test]
fn closed_periods_teach_nothing_and_stay_out_of_features() {
    // Two weeks; day 7 is closed, yet a stray sale was booked.
    let mut shop = panel(Frequency::Daily, &[(0..15).map(|day| if day == 7 { 999.0 } else { f64::from(day) }).collect()]);
    shop.closed = Some(regressor("closed", RegressorKind::KnownFuture, Beyond::Zero, &[(7, 1.0, 0), (16, 1.0, 0)]));
    let source = open(shop);
    let matrix = source.training(14, Layout::Recursive, 100).expect("rows");
    assert_eq!(matrix.weight[6], 0.0);
    assert!(cell(&matrix, "lag_7", 0, 14).is_nan());
    assert_eq!(cell(&matrix, "same_season_mean_4", 0, 14), 0.0, "skips the closed day 7 back to day 0");
    assert_eq!(cell(&matrix, "rolling_mean_7", 0, 14), (8..14).sum::<i32>() as f32 / 6.0);
    assert_eq!(source.closed(14, 3).expect("flags"), [[false, true, false]]);
    assert!(source.histories(14).expect("histories")[0].closed[7]);
}

#[test]
fn a_sold_out_period_teaches_less() {
    let mut sold_out = panel(Frequency::Daily, &[vec![1.0, 2.0]]);
    sold_out.observations.push(0, 2, 3.0, 2, true);
    let source = open(sold_out);
    assert_eq!(source.training(2, Layout::Recursive, 100).expect("rows").weight, [1.0, CENSORED_WEIGHT]);
    assert!(source.histories(2).expect("histories")[0].censored[2]);
}

#[test]
fn recovered_demand_teaches_as_far_as_it_is_trusted() {
    let mut recovered = panel(Frequency::Daily, &[vec![1.0, 2.0]]);
    recovered.observations.push(0, 2, 3.0, 2, true);
    recovered.observations.push_trusted(0, 2, 5.0, 4, true, 0.75);
    recovered.observations.push(0, 3, 4.0, 3, false);
    recovered.observations.push_trusted(0, 4, 90.0, 4, false, 0.1);
    let source = open(recovered);
    let matrix = source.training(4, Layout::Recursive, 100).expect("rows");
    assert_eq!((matrix.weight, matrix.target), (vec![1.0, 0.75, 1.0, 0.1], vec![2.0, 5.0, 4.0, 90.0]));
    assert_eq!(source.histories(4).expect("histories")[0].censored, [false; 5]);
    assert!(source.histories(3).expect("histories")[0].censored[2], "it was recovered later");
}

#[test]
fn a_correction_counts_from_when_it_was_known() {
    let mut corrected = panel(Frequency::Daily, &[vec![1.0, 2.0, 3.0, 4.0]]);
    corrected.observations.push(0, 1, 20.0, 3, false);
    let source = open(corrected);
    assert_eq!(source.histories(2).expect("histories")[0].values, [1.0, 2.0, 3.0]);
    assert_eq!(source.histories(3).expect("histories")[0].values, [1.0, 20.0, 3.0, 4.0]);
    assert_eq!(source.actuals(0, 3).expect("actuals"), [[20.0, 3.0, 4.0]]);
}

#[test]
fn the_last_sale_is_found_as_far_back_as_it_counts() {
    let one_sale = |zeros: usize| std::iter::once(2.0).chain(std::iter::repeat_n(0.0, zeros)).collect::<Vec<_>>();
    let source = open(panel(Frequency::Daily, &[one_sale(54), one_sale(90)]));
    let youngest = |series| {
        let matrix = source.training(90, Layout::Recursive, 2).expect("one row of each");
        cell(&matrix, "steps_since_sale", series, if series == 0 { 54 } else { 90 })
    };
    assert_eq!([youngest(0), youngest(1)], [53.0, 56.0]);
}
