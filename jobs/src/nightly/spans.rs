//! What covers whole days and is told in versions (events, promos, news) as cells of a regressor.

use std::collections::BTreeMap;

use domain::Ordinal;
use domain::panel::Cells;

/// One version of something that covers the days `from..=to`. The next version of the same `name` takes its place whole.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Span<N> {
    pub name: N,
    pub from: Ordinal,
    pub to: Ordinal,
    /// 0 takes the versions before it back.
    pub value: f64,
    pub known_from: Ordinal,
}

/// Pushes the value of every day as it was known at each time. What covers a day together is folded from 0 on.
/// `spans` come in the order in which they became known.
pub(super) fn push_spans<N: Ord + Clone>(cells: &mut Cells, key: u32, spans: impl Iterator<Item = Span<N>>, together: fn(f64, f64) -> f64) {
    let mut current: BTreeMap<N, (Ordinal, Ordinal)> = BTreeMap::new();
    let mut days: BTreeMap<Ordinal, Day<N>> = BTreeMap::new();
    for span in spans {
        // A later version may cover fewer days, so the former one is taken off all of its own.
        let before = current.insert(span.name.clone(), (span.from, span.to));
        for day in before.into_iter().flat_map(|(from, to)| from..=to) {
            days.entry(day).or_default().parts.remove(&span.name);
        }
        for day in span.from..=span.to {
            days.entry(day).or_default().parts.insert(span.name.clone(), span.value);
        }
        let touched = before.into_iter().chain([(span.from, span.to)]).flat_map(|(from, to)| from..=to);
        for at in touched {
            if let Some(value) = days.get_mut(&at).and_then(|day| day.change(together)) {
                cells.push(key, at, value, span.known_from);
            }
        }
    }
}

/// What covers one day.
struct Day<N> {
    parts: BTreeMap<N, f64>,
    told: f64,
}

impl<N> Default for Day<N> {
    fn default() -> Self {
        Self { parts: BTreeMap::new(), told: 0.0 }
    }
}

impl<N> Day<N> {
    /// The day's value, if it is another than the one told last.
    fn change(&mut self, together: fn(f64, f64) -> f64) -> Option<f64> {
        let value = self.parts.values().copied().fold(0.0, together);
        (value != std::mem::replace(&mut self.told, value)).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(spans: &[(&str, Ordinal, Ordinal, f64, Ordinal)]) -> Vec<(Ordinal, f64, Ordinal)> {
        let mut cells = Cells::default();
        let spans = spans.iter().map(|&(name, from, to, value, known_from)| Span { name, from, to, value, known_from });
        push_spans(&mut cells, 0, spans, f64::max);
        (0..cells.at.len()).map(|i| (cells.at[i], cells.value[i], cells.known_from[i])).collect()
    }

    #[test]
    fn a_version_that_covers_fewer_days_takes_the_others_back() {
        assert_eq!(told(&[("natal", 5, 6, 1.0, 0), ("natal", 5, 5, 1.0, 3)]), [(5, 1.0, 0), (6, 1.0, 0), (6, 0.0, 3)]);
    }

    #[test]
    fn a_cancellation_takes_back_its_own_event_only() {
        let spans = [("natal", 5, 5, 1.0, 0), ("cuti", 5, 5, 1.0, 1), ("cuti", 5, 5, 0.0, 2), ("natal", 5, 5, 0.0, 4)];
        assert_eq!(told(&spans), [(5, 1.0, 0), (5, 0.0, 4)]);
    }

    #[test]
    fn what_never_counted_leaves_no_cell() {
        assert_eq!(told(&[("batal", 5, 9, 0.0, 0)]), []);
    }
}
