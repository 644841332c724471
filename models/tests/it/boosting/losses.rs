//! Every loss: better than its own best constant, true to its meaning.

use linfa::ParamGuard as _;
use models::boosting::{Binned, Columns, GradientBoostingParams, Loss, Validation};

use super::data::{Table, rmse, uniform};

const LOSSES: [Loss; 7] =
    [Loss::Squared, Loss::Absolute, Loss::Quantile(0.1), Loss::Quantile(0.9), Loss::Poisson, Loss::Tweedie(1.3), Loss::Tweedie(1.7)];

#[test]
fn every_loss_falls_well_below_its_best_constant() {
    let (train, test) = (Table::new(0, 3_000), Table::new(3_000, 1_000));
    for loss in LOSSES {
        let params = GradientBoostingParams::new().loss(loss).trees(60).max_leaves(15);
        let booster = train.fit(params.clone(), &train.counts);
        let constant = train.fit(params.min_gain(1e30), &train.counts);
        assert_eq!(constant.trees(), 0);
        let mean = |booster: &models::boosting::Booster| {
            loss.mean(&booster.raw_scores(&test.columns()).expect("scores"), &test.counts, &test.weight)
        };
        let (found, base) = (mean(&booster), mean(&constant));
        // Losses have different floors: what is explained of the excess over a perfect forecast differs, the sign does not.
        assert!(found < base - 0.02 * base.abs(), "{loss:?}: {found} against {base} for a constant");
    }
}

#[test]
fn means_are_unbiased_and_quantiles_part_the_rows_as_they_say() {
    let (train, test) = (Table::new(0, 6_000), Table::new(6_000, 4_000));
    for loss in [Loss::Squared, Loss::Poisson, Loss::Tweedie(1.5)] {
        let booster = train.fit(GradientBoostingParams::new().loss(loss), &train.counts);
        let predicted: f64 = test.predict(&booster).iter().sum();
        let actual: f64 = test.counts.iter().map(|&count| f64::from(count)).sum();
        assert!((predicted / actual - 1.0).abs() < 0.03, "{loss:?}: {predicted} of {actual}");
    }
    for level in [0.1, 0.5, 0.9] {
        let booster = train.fit(GradientBoostingParams::new().loss(Loss::Quantile(level)).max_leaves(8).min_leaf_rows(150), &train.target);
        let below = test.predict(&booster).iter().zip(&test.target).filter(|(p, y)| f64::from(**y) < **p).count();
        let share = below as f64 / 4_000.0;
        assert!((share - level).abs() < 0.04, "level {level}: {share} lie below");
    }
}

#[test]
fn a_table_binned_once_serves_all_losses() {
    let table = Table::new(0, 1_000);
    let binned = Binned::new(&table.columns(), &table.weight, 255, 0).expect("binned");
    for loss in LOSSES {
        let params = GradientBoostingParams::new().loss(loss).trees(5).check().expect("sound");
        let once = params.fit_binned(&binned, &table.counts, &table.weight).expect("fits");
        assert_eq!(once, params.fit_columns(&table.columns(), &table.counts, &table.weight).expect("fits"));
    }
}

#[test]
fn fitting_tells_what_the_booster_predicts_of_its_rows() {
    let table = Table::new(0, 1_000);
    for loss in LOSSES {
        let params = GradientBoostingParams::new().loss(loss).trees(7).column_share(0.7).check().expect("sound");
        let (booster, predicted) = params.fit_predicted(&table.columns(), &table.counts, &table.weight).expect("fits");
        assert_eq!(booster, params.fit_columns(&table.columns(), &table.counts, &table.weight).expect("fits"));
        assert_eq!(predicted, table.predict(&booster), "{loss:?}");
    }
}

#[test]
fn the_absolute_loss_is_the_middle_quantile() {
    let table = Table::new(0, 800);
    let [absolute, middle] = [Loss::Absolute, Loss::Quantile(0.5)]
        .map(|loss| table.predict(&table.fit(GradientBoostingParams::new().loss(loss).trees(20), &table.target)));
    assert_eq!(absolute, middle);
}

#[test]
fn stops_where_the_validation_rows_are_predicted_best() {
    let (train, held_out) = (Table::new(0, 300), Table::new(300, 1_000));
    let binned = Binned::new(&train.columns(), &train.weight, 255, 0).expect("binned");
    let columns: Columns<'_> = held_out.columns();
    let validation = Validation { columns: &columns, target: &held_out.target, weight: &held_out.weight };
    let params = GradientBoostingParams::new().trees(600).learning_rate(0.3).min_leaf_rows(2).patience(20);
    let stopped = params.clone().check().expect("sound");
    let stopped = stopped.fit_validated(&binned, &train.target, &train.weight, &validation).expect("fits");
    assert!((5..580).contains(&stopped.trees()), "{} trees", stopped.trees());
    let error = |trees: usize| rmse(&held_out.predict(&train.fit(params.clone().trees(trees), &train.target)), &held_out.target);
    let best = rmse(&held_out.predict(&stopped), &held_out.target);
    for trees in [stopped.trees() - 1, stopped.trees() + 1, stopped.trees() + 15] {
        assert!(best <= error(trees) + 1e-9, "{trees} trees are better than {}", stopped.trees());
    }
}

#[test]
fn quantiles_along_the_trees_of_a_mean_part_the_rows_as_they_say() {
    // Amounts whose noise grows with their mean: of all rows, and of the large ones, a level's share lies below it.
    let table = |start| {
        let table = Table::new(start, 6_000);
        let noisy = |(row, &mean): (usize, &f32)| mean * (0.5 + uniform(start * 7 + row as u64));
        let target: Vec<f32> =
            table.target.iter().map(|&value| value.max(0.5)).enumerate().map(|(row, value)| noisy((row, &value))).collect();
        Table { target, ..table }
    };
    let (train, test) = (table(0), table(6_000));
    let params = GradientBoostingParams::new().loss(Loss::Tweedie(1.5)).trees(60).max_leaves(15).check().expect("sound");
    let mean = params.fit_columns(&train.columns(), &train.target, &train.weight).expect("fits");
    let levels = [0.1, 0.5, 0.9];
    let boosters = params.fit_levels(&mean, 40, &train.columns(), &train.target, &train.weight, &levels).expect("fits");
    let middle = test.predict(&mean);
    for (level, booster) in levels.into_iter().zip(&boosters) {
        assert_eq!((booster.trees(), booster.loss()), (40, Loss::Quantile(level)));
        let predicted = test.predict(booster);
        for large in [false, true] {
            let rows: Vec<usize> = (0..test.rows).filter(|&row| !large || middle[row] > 18.0).collect();
            let below = rows.iter().filter(|&&row| f64::from(test.target[row]) < predicted[row]).count();
            let share = below as f64 / rows.len() as f64;
            // Leaves know their own rows better than new ones: tails come out a little narrow, which conformal offsets mend.
            assert!(rows.len() > 500 && (share - level).abs() < 0.08, "level {level}: {share} of {} lie below", rows.len());
        }
    }
}

#[test]
fn rows_without_weight_change_no_quantile() {
    let (heard, all) = (Table::new(0, 1_000), Table::new(0, 1_400));
    let params = GradientBoostingParams::new().trees(10).check().expect("sound");
    let mean = params.fit_columns(&heard.columns(), &heard.target, &heard.weight).expect("fits");
    let weight: Vec<f32> = (0..1_400).map(|row| if row < 1_000 { heard.weight[row] } else { 0.0 }).collect();
    let of_heard = params.fit_levels(&mean, 10, &heard.columns(), &heard.target, &heard.weight, &[0.1, 0.9]).expect("fits");
    let of_all = params.fit_levels(&mean, 10, &all.columns(), &all.target, &weight, &[0.1, 0.9]).expect("fits");
    assert_eq!(of_heard, of_all);
}
