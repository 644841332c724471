//! Where ranges hold and where they don't: calibration and bias by step, season position and volume.

use domain::{LEVELS, Ordinal};
use serde::{Deserialize, Serialize};

use crate::backtest::{BacktestRow, BacktestTable};
use crate::engine::{CENTRAL, LevelShare};

/// Seasons with more positions than this are not told apart by position.
const MOST_POSITIONS: u16 = 31;
/// Classes of series by what they sold in the windows.
const CLASSES: usize = 3;

/// What rows of a table have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Steps ahead, from 1.
    Step(u16),
    /// Place in the season, counted from period 0: of days, 0 is a Thursday (1970-01-01).
    Position(u16),
    /// Third of the series by volume: 0 is the smallest.
    Volume(u8),
}

/// How the ranges of one model did in one group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupCalibration {
    pub group: Group,
    pub rows: usize,
    pub levels: Vec<LevelShare>,
    /// Share of actuals inside the central 50, 80 and 95 % ranges.
    pub coverage: [f64; 3],
    /// `sum(forecast - actual) / sum(actual)`; `None` where nothing was sold.
    pub bias: Option<f64>,
}

/// Calibration of one model of a table by [`Group`], ascending; empty for a model that is not in it.
#[must_use]
pub fn breakdown(table: &BacktestTable, model: &str) -> Vec<GroupCalibration> {
    let Some(model) = table.models.iter().position(|name| name == model) else { return Vec::new() };
    let rows: Vec<&BacktestRow> = table.rows.iter().filter(|row| usize::from(row.model) == model).collect();
    let classes = classes(&rows, table.series.len());
    let mut keyed: Vec<(Group, &BacktestRow)> = Vec::with_capacity(3 * rows.len());
    for row in rows {
        keyed.push((Group::Step(row.step), row));
        keyed.push((Group::Volume(classes[row.series as usize]), row));
        if (2..=MOST_POSITIONS).contains(&table.season) {
            keyed.push((Group::Position(row.at.rem_euclid(Ordinal::from(table.season)) as u16), row));
        }
    }
    keyed.sort_by_key(|(group, _)| *group);
    keyed.chunk_by(|a, b| a.0 == b.0).map(|rows| calibration(rows[0].0, rows)).collect()
}

/// Third of each series by its actuals.
fn classes(rows: &[&BacktestRow], series: usize) -> Vec<u8> {
    let mut volumes = vec![0.0; series];
    rows.iter().for_each(|row| volumes[row.series as usize] += row.y);
    let mut order: Vec<usize> = (0..series).collect();
    order.sort_by(|&a, &b| f64::total_cmp(&volumes[a], &volumes[b]));
    let mut classes = vec![0; series];
    order.iter().enumerate().for_each(|(rank, &of)| classes[of] = (rank * CLASSES / series) as u8);
    classes
}

fn calibration(group: Group, rows: &[(Group, &BacktestRow)]) -> GroupCalibration {
    let count = rows.len() as f64;
    let share = |matches: &dyn Fn(&BacktestRow) -> bool| rows.iter().filter(|(_, row)| matches(row)).count() as f64 / count;
    let level = |(index, &level): (usize, &f64)| LevelShare {
        level,
        below: share(&|row| row.y < row.quantiles.values()[index]),
        upto: share(&|row| row.y <= row.quantiles.values()[index]),
    };
    let inside = |(low, high): (usize, usize)| share(&|row| (row.quantiles.values()[low]..=row.quantiles.values()[high]).contains(&row.y));
    let (error, actual) = rows.iter().fold((0.0, 0.0), |(error, actual), (_, row)| (error + row.yhat - row.y, actual + row.y));
    GroupCalibration {
        group,
        rows: rows.len(),
        levels: LEVELS.iter().enumerate().map(level).collect(),
        coverage: CENTRAL.map(inside),
        bias: (actual > 0.0).then(|| error / actual),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Quantiles;

    #[test]
    fn groups_are_judged_by_their_own_rows() {
        let quantiles = Quantiles::from_unsorted([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]).expect("finite");
        let row = |series: u32, step: u16, y: f64| BacktestRow {
            series,
            cutoff: 6,
            at: 6 + i64::from(step),
            step,
            model: 0,
            y,
            yhat: 5.0,
            quantiles,
        };
        let table = BacktestTable {
            series: ["a", "b", "c"].map(str::to_owned).to_vec(),
            models: vec!["one".to_owned()],
            season: 7,
            rows: vec![row(0, 1, 0.0), row(0, 2, 5.0), row(1, 1, 5.0), row(1, 2, 20.0), row(2, 1, 5.0), row(2, 2, 100.0)],
            scales: Vec::new(),
            windows: Vec::new(),
        };
        let found = breakdown(&table, "one");
        let of = |group: Group| found.iter().find(|one| one.group == group).expect("there");
        assert_eq!(of(Group::Step(1)).rows, 3);
        assert!((of(Group::Step(1)).coverage[2] - 2.0 / 3.0).abs() < 1e-12);
        assert!((of(Group::Step(2)).coverage[2] - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(of(Group::Volume(0)).bias, Some(1.0));
        assert_eq!(of(Group::Position(0)).rows, 3); // 7 = 6 + 1
        let median = &of(Group::Step(1)).levels[4];
        assert!((median.below - 1.0 / 3.0).abs() < 1e-12 && median.upto == 1.0);
        assert!(breakdown(&table, "another").is_empty());
    }
}
