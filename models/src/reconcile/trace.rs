//! Minimum trace reconciliation of one step.
//!
//! With base forecasts `y` of parts and wholes, `C y = 0` where they agree, and `W` the covariance of their errors, the
//! closest coherent forecasts are `y - W C' (C W C')^-1 C y` (Wickramasuriya, Athanasopoulos and Hyndman 2019, in the form
//! of constraints of Di Fonzo and Girolimetto 2022): one small system with a row for each whole. A part that comes out
//! negative is held at 0 and the rest solved again, until none is.

use domain::StepForecast;
use ndarray::{Array1, Array2};

use super::dependence::Dependence;
use super::{Hierarchy, deviation};
use crate::linear::{back_substitute, cholesky, forward_substitute};

/// Means of the parts after reconciliation. `nodes` holds the parts, then the wholes; `None` has no forecast.
pub(super) fn reconciled(nodes: &[Option<&StepForecast>], hierarchy: &Hierarchy, dependence: &Dependence) -> Vec<f64> {
    let mut means: Vec<f64> = nodes.iter().map(|node| node.map_or(0.0, |step| step.yhat)).collect();
    let mut deviations: Vec<f64> = nodes.iter().map(|node| node.map_or(0.0, deviation)).collect();
    let wholes: Vec<usize> = (0..hierarchy.wholes.len()).filter(|whole| nodes[hierarchy.parts + whole].is_some()).collect();
    loop {
        let moved = project(&means, &deviations, &wholes, hierarchy, dependence);
        let negative: Vec<usize> = (0..hierarchy.parts).filter(|&part| moved[part] < 0.0).collect();
        if negative.is_empty() {
            return moved;
        }
        for part in negative {
            means[part] = 0.0;
            deviations[part] = 0.0;
        }
    }
}

fn project(means: &[f64], deviations: &[f64], wholes: &[usize], hierarchy: &Hierarchy, dependence: &Dependence) -> Vec<f64> {
    let Dependence { scores, shrinkage, .. } = dependence;
    let targets = scores.ncols();
    // Rows of C times means, and times the square root of what the covariance has in common.
    let mut gaps = Array1::<f64>::zeros(wholes.len());
    let mut common = Array2::<f64>::zeros((wholes.len(), targets));
    for (row, &whole) in wholes.iter().enumerate() {
        for (node, sign) in members(hierarchy, whole) {
            gaps[row] += sign * means[node];
            common.row_mut(row).scaled_add(sign * deviations[node], &scores.row(node));
        }
    }
    let mut system = common.dot(&common.t()) * (1.0 - shrinkage);
    for (one, &whole) in wholes.iter().enumerate() {
        for (other, &beside) in wholes.iter().enumerate() {
            system[[one, other]] += shrinkage * own_part(deviations, whole, beside, hierarchy);
        }
    }
    let lower = cholesky(&system);
    let multipliers = back_substitute(&lower, &forward_substitute(&lower, &gaps));

    let pull = common.t().dot(&multipliers) * (1.0 - shrinkage);
    let mut moves: Vec<f64> = (0..hierarchy.parts).map(|part| deviations[part] * scores.row(part).dot(&pull)).collect();
    for (row, &whole) in wholes.iter().enumerate() {
        for &part in &hierarchy.wholes[whole] {
            moves[part as usize] += shrinkage * deviations[part as usize].powi(2) * multipliers[row];
        }
    }
    moves.iter().zip(means).map(|(moved, mean)| mean - moved).collect()
}

/// A row of `C`: its parts, less the whole itself.
fn members(hierarchy: &Hierarchy, whole: usize) -> impl Iterator<Item = (usize, f64)> {
    let parts = hierarchy.wholes[whole].iter().map(|&part| (part as usize, 1.0));
    parts.chain([(hierarchy.parts + whole, -1.0)])
}

/// `C D C'` of two wholes, `D` the diagonal of variances.
fn own_part(deviations: &[f64], whole: usize, beside: usize, hierarchy: &Hierarchy) -> f64 {
    let variance = |node: usize| deviations[node].powi(2);
    let parts = hierarchy.wholes[whole].iter().filter(|part| whole == beside || hierarchy.wholes[beside].contains(part));
    let shared: f64 = parts.map(|&part| variance(part as usize)).sum();
    shared + if whole == beside { variance(hierarchy.parts + whole) } else { 0.0 }
}
