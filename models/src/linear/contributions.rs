//! What each driver adds to a linear model's answer.

use domain::explanation::Parts;
use domain::{Driver, FeatureMatrix};

use super::Encoding;
use super::encoding::{Encoded, seen, write};

/// The terms of one feature column.
struct Terms<'a> {
    driver: Driver,
    coefficients: &'a [f64],
    /// Their sum on a day like any other; encoded columns are centred, so that it is 0 for the average day.
    neutral: f64,
}

impl Encoding {
    /// `intercept + x coefficients` of every row, by driver, or the name of a column that is not there. The base is the
    /// intercept and what the columns add on a day like any other.
    pub fn contributions(&self, rows: &FeatureMatrix, units: &[f64], intercept: f64, coefficients: &[f64]) -> Result<Vec<Parts>, String> {
        let columns = self.locate(rows)?;
        let mut rest = coefficients;
        let mut terms = Vec::with_capacity(self.columns.len());
        for (encoded, &column) in self.columns.iter().zip(&columns) {
            let (own, others) = rest.split_at(encoded.kind.width().min(rest.len()));
            let description = &rows.columns[column];
            let neutral = description.neutral.cell().map_or(0.0, |cell| encoded.effect(f64::from(cell), own));
            terms.push(Terms { driver: description.driver, coefficients: own, neutral });
            rest = others;
        }
        let usual = intercept + terms.iter().map(|terms| terms.neutral).sum::<f64>();
        let mut cells = vec![0.0; self.width()];
        let explain = |row| {
            self.encode(rows, &columns, row, units, &mut cells);
            let mut parts = Parts::default();
            parts[Driver::Base] = usual;
            let mut next = 0;
            for terms in &terms {
                let own = &cells[next..next + terms.coefficients.len()];
                parts[terms.driver] += dot(own, terms.coefficients) - terms.neutral;
                next += own.len();
            }
            parts
        };
        Ok((0..rows.rows).map(explain).collect())
    }
}

impl Encoded {
    /// What one value, in no unit of the target, adds.
    fn effect(&self, value: f64, coefficients: &[f64]) -> f64 {
        let mut cells = vec![0.0; self.kind.width()];
        write(&self.kind, seen(value, self.logarithm), &mut cells);
        dot(&cells, coefficients)
    }
}

fn dot(cells: &[f64], coefficients: &[f64]) -> f64 {
    cells.iter().zip(coefficients).map(|(cell, coefficient)| cell * coefficient).sum()
}
