//! Downhill simplex in a few dimensions (Nelder and Mead 1965).

/// A simplex this flat, relative to the least value, has arrived.
const FLAT: f64 = 1e-6;

/// The best point found from `start` in at most `most` evaluations, and its value. Points where `value` is infinite are
/// outside.
pub(super) fn least<const D: usize>(start: [f64; D], edge: f64, most: usize, value: impl Fn(&[f64; D]) -> f64) -> ([f64; D], f64) {
    let mut corners: Vec<([f64; D], f64)> = vec![(start, value(&start))];
    for dimension in 0..D {
        let mut corner = start;
        corner[dimension] += edge;
        corners.push((corner, value(&corner)));
    }
    let mut spent = corners.len();
    while spent < most {
        corners.sort_by(|one, other| one.1.total_cmp(&other.1));
        let (best, second_worst, worst) = (corners[0].1, corners[D - 1].1, corners[D].1);
        if worst - best <= FLAT * best.abs() {
            break;
        }
        let mut centre = [0.0; D];
        for (corner, _) in &corners[..D] {
            centre.iter_mut().zip(corner).for_each(|(sum, coordinate)| *sum += coordinate / D as f64);
        }
        let at = |reach: f64| {
            let mut point = centre;
            point.iter_mut().zip(&corners[D].0).for_each(|(coordinate, worst)| *coordinate += reach * (*coordinate - worst));
            (point, value(&point))
        };
        let reflected = at(1.0);
        spent += 1;
        let replacement = if reflected.1 < best {
            spent += 1;
            let expanded = at(2.0);
            Some(if expanded.1 < reflected.1 { expanded } else { reflected })
        } else if reflected.1 < second_worst {
            Some(reflected)
        } else {
            spent += 1;
            let contracted = at(if reflected.1 < worst { 0.5 } else { -0.5 });
            (contracted.1 < worst.min(reflected.1)).then_some(contracted)
        };
        if let Some(replacement) = replacement {
            corners[D] = replacement;
            continue;
        }
        let towards = corners[0].0;
        for (corner, own) in &mut corners[1..] {
            corner.iter_mut().zip(&towards).for_each(|(coordinate, best)| *coordinate = 0.5 * (*coordinate + best));
            *own = value(corner);
        }
        spent += D;
    }
    corners.into_iter().min_by(|one, other| one.1.total_cmp(&other.1)).unwrap_or((start, f64::INFINITY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curved_valley_is_followed_to_its_end() {
        let valley = |point: &[f64; 2]| 100.0 * (point[1] - point[0].powi(2)).powi(2) + (1.0 - point[0]).powi(2);
        let (point, value) = least([-1.2, 1.0], 0.5, 1_000, valley);
        assert!(value < 1e-6 && (point[0] - 1.0).abs() < 1e-2, "{point:?} {value}");
    }

    #[test]
    fn a_wall_is_not_crossed() {
        let walled = |point: &[f64; 1]| if point[0] < 0.5 { f64::INFINITY } else { point[0] };
        let (point, _) = least([2.0], 0.5, 200, walled);
        assert!(point[0] >= 0.5 && point[0] < 0.51, "{point:?}");
    }
}
