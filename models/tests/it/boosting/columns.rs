//! Every kind of column: categories, missing values, monotone ones, constants.

use linfa::ParamGuard as _;
use models::boosting::{Booster, BoostingError, Column, Columns, GradientBoostingParams, Monotone};
use proptest::prelude::*;

use super::data::{Table, rmse, uniform};

fn fit(params: GradientBoostingParams, rows: usize, columns: Vec<Column<'_>>, target: &[f32]) -> Result<Booster, BoostingError> {
    params.check()?.fit_columns(&Columns::new(rows, columns)?, target, &vec![1.0; rows])
}

fn predict(booster: &Booster, columns: Vec<Column<'_>>, rows: usize) -> Vec<f64> {
    booster.predict(&Columns::new(rows, columns).expect("sound")).expect("same columns")
}

/// 40 categories, of which a shuffled half sells more.
fn shuffled_codes(rows: usize) -> (Vec<f32>, Vec<f32>) {
    let codes: Vec<f32> = (0..rows as u64).map(|row| (uniform(row) * 40.0).floor()).collect();
    let sells = |code: f32| (code as u32 * 17 + 5) % 40 >= 20;
    let target = codes.iter().zip(0u64..).map(|(&code, row)| f32::from(u8::from(sells(code))) * 5.0 + uniform(row + 1_000_000)).collect();
    (codes, target)
}

#[test]
fn one_split_parts_shuffled_categories() {
    let rows = 4_000;
    let (codes, target) = shuffled_codes(rows);
    let params = GradientBoostingParams::new().trees(1).learning_rate(1.0).max_leaves(2).l2(0.0);
    let error = |column: Column<'_>| {
        let booster = fit(params.clone(), rows, vec![column], &target).expect("fits");
        rmse(&predict(&booster, vec![column], rows), &target)
    };
    // What is left is the noise, uniform with a standard deviation of 0.289.
    assert!(error(Column::categories(&codes, 40)) < 0.3);
    assert!(error(Column::numbers(&codes)) > 2.0);
}

#[test]
fn unknown_and_missing_categories_are_predicted_alike() {
    let rows = 2_000;
    let (codes, target) = shuffled_codes(rows);
    let booster = fit(GradientBoostingParams::new().trees(10), rows, vec![Column::categories(&codes, 40)], &target).expect("fits");
    let strange = [f32::NAN, 40.0, 1e30, -1.0, f32::INFINITY, f32::NEG_INFINITY];
    let predicted = predict(&booster, vec![Column::categories(&strange, 40)], strange.len());
    assert!(predicted.iter().all(|value| value.is_finite() && *value == predicted[0]), "{predicted:?}");
}

#[test]
fn missing_values_go_where_they_belong() {
    let rows = 3_000;
    let is_missing = |row: u64| uniform(row + 500) < 0.3;
    let column: Vec<f32> =
        (0..rows as u64).map(|row| if is_missing(row) { f32::NAN } else { (uniform(row) * 100.0).floor() / 100.0 }).collect();
    for level in [-3.0, 0.5, 9.0] {
        let target: Vec<f32> = column.iter().map(|&value| if value.is_nan() { level } else { value.round() }).collect();
        let params = GradientBoostingParams::new().trees(60).learning_rate(0.3).l2(0.0);
        let booster = fit(params, rows, vec![Column::numbers(&column)], &target).expect("fits");
        let predicted = predict(&booster, vec![Column::numbers(&column)], rows);
        assert!(rmse(&predicted, &target) < 0.01, "level {level}: {}", rmse(&predicted, &target));
    }
}

#[test]
fn values_missing_for_the_first_time_are_predicted() {
    let table = Table::new(0, 500);
    let booster = table.fit(GradientBoostingParams::new().trees(10), &table.target);
    let missing = vec![f32::NAN; 6];
    let predicted = booster.predict(&Columns::from_column_major(1, &missing).expect("sound")).expect("predicts");
    assert!(predicted[0].is_finite());
}

#[test]
fn constant_columns_are_no_columns() {
    let table = Table::new(0, 400);
    let ones = vec![1.0; 400];
    let nothing = vec![f32::NAN; 400];
    let columns = vec![Column::numbers(&ones), Column::categories(&ones, 3), Column::numbers(&nothing)];
    let booster = fit(GradientBoostingParams::new(), 400, columns.clone(), &table.target).expect("fits");
    assert_eq!(booster.trees(), 0);
    let mean = table.target.iter().map(|&target| f64::from(target)).sum::<f64>() / 400.0;
    assert!(predict(&booster, columns, 400).iter().all(|value| (value - mean).abs() < 1e-5));
}

#[test]
fn categories_cannot_be_monotone() {
    let codes: Vec<f32> = (0..100).map(|row| (row % 3) as f32).collect();
    let refused = |directions: Vec<Monotone>| {
        let params = GradientBoostingParams::new().monotone(directions);
        fit(params, 100, vec![Column::categories(&codes, 3)], &codes).expect_err("refused").to_string()
    };
    assert_eq!(refused(vec![Monotone::Increasing]), "column 0 holds categories and cannot be monotone");
    assert_eq!(refused(vec![Monotone::Free; 2]), "2 monotone directions for 1 columns");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever the data, the loss and the leaves, growing a column moves no prediction against its direction.
    #[test]
    fn monotone_columns_are_monotone(seed in 0u64..1_000_000, leaves in 2usize..40, kind in 0usize..3, with_missing: bool) {
        let loss = [models::boosting::Loss::Squared, models::boosting::Loss::Quantile(0.8), models::boosting::Loss::Poisson][kind];
        let table = Table::new(seed, 400);
        let mut data = table.data.clone();
        if with_missing {
            data.iter_mut().step_by(7).for_each(|cell| *cell = f32::NAN);
        }
        let columns = Columns::from_column_major(400, &data).expect("sound");
        // The third column's effect is a valley: either direction is against the data somewhere.
        let mut directions = vec![Monotone::Free; 6];
        directions[0] = Monotone::Increasing;
        directions[2] = Monotone::Decreasing;
        directions[3] = Monotone::Increasing;
        let params = GradientBoostingParams::new().loss(loss).trees(30).max_leaves(leaves).min_leaf_rows(3).monotone(directions);
        let booster = params.check().expect("sound").fit_columns(&columns, &table.counts, &table.weight).expect("fits");

        for (column, sign) in [(0, 1.0), (2, -1.0), (3, 1.0)] {
            for row in 0..15 {
                let steps = 60;
                let grid: Vec<f32> = (0..WIDTH * steps)
                    .map(|cell| if cell / steps == column { (cell % steps) as f32 / 59.0 } else { data[cell / steps * 400 + row] })
                    .collect();
                let predicted = booster.predict(&Columns::from_column_major(steps, &grid).expect("sound")).expect("predicts");
                prop_assert!(predicted.windows(2).all(|pair| sign * (pair[1] - pair[0]) >= 0.0), "column {column}: {predicted:?}");
            }
        }
    }
}

const WIDTH: usize = super::data::WIDTH;
