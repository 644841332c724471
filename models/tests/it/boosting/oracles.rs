//! Other boosters on the same tables: forust in the same process, LightGBM and scikit-learn by their numbers.

use forust_ml::objective::ObjectiveType;
use forust_ml::{GradientBooster, Matrix};
use models::boosting::{Columns, GradientBoostingParams, Loss};

use super::data::{Table, WIDTH, pinball, rmse};

/// 15 leaves of 20 rows or more, 100 trees, learning rate 0.1, an L2 penalty of 1: what all were asked for.
fn params() -> GradientBoostingParams {
    GradientBoostingParams::new().max_leaves(15)
}

fn tables() -> (Table, Table) {
    (Table::new(0, 4_000), Table::new(4_000, 2_000))
}

#[test]
fn one_tree_is_the_exact_tree() {
    // Whole numbers have a bin each, so that nothing is approximate. scikit-learn 1.9.1, DecisionTreeRegressor with
    // max_leaf_nodes = 8 and min_samples_leaf = 20, and LightGBM 4.7.0, one tree, agree on the first eight rows.
    let table = Table::new(0, 4_000);
    let data: Vec<f32> = table.data.iter().map(|value| (value * 40.0).floor()).collect();
    let table = Table { data, ..table };
    let params = GradientBoostingParams::new().trees(1).learning_rate(1.0).l2(0.0).max_leaves(8);
    let predicted = table.predict(&table.fit(params, &table.target));
    let theirs = [8.764_136_21, 9.564_603_22, 8.764_136_21, 8.764_136_21, 16.055_088_19, 8.764_136_21, 18.229_513_45, 16.055_088_19];
    for (row, (ours, theirs)) in predicted.iter().zip(theirs).enumerate() {
        assert!((ours - theirs).abs() < 2e-5, "row {row}: {ours} instead of {theirs}");
    }
    let mut leaves = predicted;
    leaves.sort_by(f64::total_cmp);
    leaves.dedup();
    let theirs = [8.764_136_21, 9.564_603_21, 13.507_803_1, 13.814_876_2, 14.520_026_62, 16.055_088_19, 18.229_513_41, 20.772_499_18];
    assert_eq!(leaves.len(), 8);
    assert!(leaves.iter().zip(theirs).all(|(ours, theirs)| (ours - theirs).abs() < 2e-5), "{leaves:?}");
}

#[test]
fn squared_loss_is_as_accurate_as_the_peers() {
    let (train, test) = tables();
    let ours = rmse(&test.predict(&train.fit(params(), &train.target)), &test.target);
    // LightGBM 4.7.0: 1.1945; scikit-learn 1.9.1, HistGradientBoostingRegressor: 1.1956.
    assert!(ours < 1.1945 * 1.01, "{ours}");
}

#[test]
fn quantiles_are_as_sharp_as_the_peers() {
    let (train, test) = tables();
    // LightGBM 4.7.0, objective quantile: mean pinball loss.
    for (level, theirs) in [(0.1, 0.2733), (0.5, 0.4872), (0.9, 0.2593)] {
        let ours = pinball(&test.predict(&train.fit(params().loss(Loss::Quantile(level)), &train.target)), &test.target, level);
        // The median of 8,000 rows comes out 2.4 % above LightGBM's, the tails within 2 %.
        assert!(ours < theirs * 1.03, "level {level}: {ours} against {theirs}");
    }
}

#[test]
fn counts_are_predicted_as_well_as_by_the_peers() {
    let (train, test) = tables();
    let loss = |loss: Loss| {
        let scores = train.fit(params().loss(loss), &train.counts).raw_scores(&test.columns()).expect("scores");
        loss.mean(&scores, &test.counts, &test.weight)
    };
    // Mean of p - y ln p. LightGBM 4.7.0: -0.3615; scikit-learn 1.9.1: -0.3655.
    let ours = loss(Loss::Poisson);
    assert!(ours < -0.3615, "Poisson: {ours}");
    // LightGBM 4.7.0, variance power 1.3: 8.9771.
    let ours = loss(Loss::Tweedie(1.3));
    assert!(ours < 8.9771 * 1.001, "Tweedie: {ours}");
}

#[test]
fn agrees_with_forust() {
    let (train, test) = tables();
    let data: Vec<f64> = train.data.iter().map(|&value| f64::from(value)).collect();
    let target: Vec<f64> = train.target.iter().map(|&value| f64::from(value)).collect();
    let mut forust = GradientBooster::default()
        .set_objective_type(ObjectiveType::SquaredLoss)
        .set_initialize_base_score(true)
        .set_iterations(100)
        .set_learning_rate(0.1)
        .set_max_leaves(15)
        .set_max_depth(10)
        .set_min_leaf_weight(20.0)
        .set_l2(1.0)
        .set_nbins(128)
        .set_parallel(false);
    forust.fit(&Matrix::new(&data, train.rows, WIDTH), &target, &vec![1.0; train.rows], None).expect("forust fits");
    let unseen: Vec<f64> = test.data.iter().map(|&value| f64::from(value)).collect();
    let theirs = forust.predict(&Matrix::new(&unseen, test.rows, WIDTH), false);

    let booster = train.fit(params(), &train.target);
    let ours = booster.predict(&Columns::from_column_major(test.rows, &test.data).expect("sound")).expect("predicts");
    let theirs_as_f32: Vec<f32> = theirs.iter().map(|&value| value as f32).collect();
    let apart = rmse(&ours, &theirs_as_f32);
    // The noise has a standard deviation of 1: two good boosters differ by less than either is off.
    assert!(apart < 0.6, "root mean square difference {apart}");
    let (ours, theirs) = (rmse(&ours, &test.target), rmse(&theirs, &test.target));
    assert!(ours < theirs * 1.02, "{ours} against forust's {theirs}");
}
