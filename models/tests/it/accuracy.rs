use models::testing::SyntheticPanel;
use models::{BASELINE, CHOICE, Effort, EngineConfig, backtest, evaluate};

fn config() -> EngineConfig {
    EngineConfig::new(14, 7).with_effort(Effort::Fast)
}

/// 60 series of 400 days, two held-out fortnights each.
fn held_out() -> models::Metrics {
    let panel = SyntheticPanel::weekly(60, 400, 3);
    let table = backtest(&panel, &config().with_effort(Effort::Normal), &[371, 385], &|_| {}).expect("a backtest");
    evaluate(&table)
}

#[test]
fn global_models_and_the_choice_beat_seasonal_naive() {
    let metrics = held_out();
    for model in ["elastic_net", "boosted_trees", "weekday_mean", "blend", CHOICE] {
        let skill = metrics.of(model).and_then(|metrics| metrics.skill).expect("scored");
        // Noise that nobody can know sets the limit: the true means have a skill of about 0.29.
        let least = if model == "weekday_mean" { 0.12 } else { 0.18 };
        assert!(skill > least, "`{model}` has a skill of {skill:.3} only");
    }
    assert_eq!(metrics.of(BASELINE).and_then(|metrics| metrics.skill), Some(0.0));
    let choice = metrics.of(CHOICE).expect("scored");
    assert!(choice.bias.expect("sold").abs() < 0.03, "bias {:?}", choice.bias);
}

#[test]
fn ranges_hold_what_they_promise() {
    let metrics = held_out();
    let choice = metrics.of(CHOICE).expect("scored");
    let within = |found: Option<f64>, low: f64, high: f64| {
        let found = found.expect("scored");
        assert!((low..=high).contains(&found), "coverage {found:.3}, not within {low}..{high}");
    };
    within(choice.coverage50, 0.44, 0.56);
    within(choice.coverage80, 0.75, 0.85);
    within(choice.coverage95, 0.92, 0.98);
}

#[test]
fn counts_are_calibrated_as_counts() {
    let panel = SyntheticPanel::intermittent(80, 400, 5);
    let table = backtest(&panel, &config(), &[371, 385], &|_| {}).expect("a backtest");
    let choice = table.models.iter().position(|model| model == CHOICE).expect("there") as u16;
    let rows: Vec<_> = table.rows.iter().filter(|row| row.model == choice).collect();
    for (index, level) in domain::LEVELS.iter().enumerate() {
        let share = |count: usize| count as f64 / rows.len() as f64;
        let below = share(rows.iter().filter(|row| row.y < row.quantiles.values()[index]).count());
        let upto = share(rows.iter().filter(|row| row.y <= row.quantiles.values()[index]).count());
        assert!(below <= level + 0.03 && upto >= level - 0.03, "level {level}: {below:.3} below, {upto:.3} up to");
    }
    let metrics = evaluate(&table);
    let found = metrics.of(CHOICE).expect("scored");
    assert!(found.bias.expect("sold").abs() < 0.1, "bias {:?}", found.bias);
    let naive = metrics.of(BASELINE).expect("scored");
    assert!(found.pinball < naive.pinball);
}
