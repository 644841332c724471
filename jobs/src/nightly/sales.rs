//! Versions of daily totals, stock-outs and silence as observations of a panel.

use std::collections::{BTreeSet, HashMap};

use domain::Ordinal;
use domain::frequency::days_since_epoch;
use domain::panel::Observations;
use uuid::Uuid;

use super::demand::{Study, Verdict};
use super::facts::{Sale, StoreFacts};
use super::knowledge::Knowledge;
use super::openings::Openings;

/// First cutoff that knows that a product sold out on a day.
type SoldOut = HashMap<(Uuid, Ordinal), Ordinal>;

/// Every version of every total up to day `last`; beside them zeros from a product's first day on, where the store sold
/// something and nothing was told of the product.
pub(super) fn observations(
    facts: &StoreFacts,
    index: &HashMap<Uuid, u32>,
    knowledge: &Knowledge,
    openings: &Openings,
    study: &Study,
    last: Ordinal,
) -> Observations {
    let sold_out = sold_out(facts, knowledge);
    let mut told: Vec<BTreeSet<Ordinal>> = vec![BTreeSet::new(); facts.products.len()];
    let mut rows = Rows { observations: Observations::default(), sold_out, study };
    for versions in facts.sales.chunk_by(|a, b| a.product == b.product && a.day == b.day) {
        let (product, day) = (versions[0].product, days_since_epoch(versions[0].day));
        if let Some(&series) = index.get(&product).filter(|_| day <= last) {
            told[series as usize].insert(day);
            let known = |version: &Sale| (version.quantity, version.sold_out, knowledge.known_from(version.available_at).max(day));
            rows.push(series, product, day, versions.iter().map(known).collect());
        }
    }
    for ((days, series), (product, _)) in told.iter().zip(0..).zip(&facts.products) {
        let Some(&first) = days.first() else { continue };
        for (day, known_from) in openings.counted(first).into_iter().filter(|(day, _)| !days.contains(day)) {
            rows.push(series, *product, day, vec![(0.0, false, known_from)]);
        }
    }
    rows.observations
}

fn sold_out(facts: &StoreFacts, knowledge: &Knowledge) -> SoldOut {
    let mut first = SoldOut::new();
    for event in &facts.stockouts {
        let day = days_since_epoch(event.day);
        let known_from = knowledge.known_from(event.available_at).max(day);
        first.entry((event.product, day)).and_modify(|first| *first = known_from.min(*first)).or_insert(known_from);
    }
    first
}

struct Rows<'a> {
    observations: Observations,
    sold_out: SoldOut,
    study: &'a Study,
}

impl Rows<'_> {
    /// Versions `(quantity, sold out, known from)` of one product's day, in order. News of a stock-out makes the version it
    /// meets a lower bound from then on; the verdict on the day makes it demand.
    fn push(&mut self, series: u32, product: Uuid, day: Ordinal, versions: Vec<(f64, bool, Ordinal)>) {
        let news = self.sold_out.get(&(product, day)).copied();
        let verdict = self.study.verdict(product, day).copied();
        for (number, &(quantity, sold_out, known_from)) in versions.iter().enumerate() {
            let until = versions.get(number + 1).map_or(Ordinal::MAX, |next| next.2);
            let changes = [news, verdict.map(|verdict| verdict.known_from)];
            let mut instants: Vec<Ordinal> = changes.into_iter().flatten().filter(|at| (known_from + 1..until).contains(at)).collect();
            instants.push(known_from);
            instants.sort_unstable();
            instants.dedup();
            for known_from in instants {
                let censored = sold_out || news.is_some_and(|news| news <= known_from);
                match verdict.filter(|verdict| verdict.concerns(quantity, censored, known_from)) {
                    Some(Verdict { lost, trust, .. }) => {
                        let censored = censored || lost > 0.0;
                        self.observations.push_trusted(series, day, quantity + lost, known_from, censored, trust as f32);
                    }
                    None => self.observations.push(series, day, quantity, known_from, censored),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stock_out_counts_from_the_night_that_heard_of_it() {
        let product = Uuid::now_v7();
        let censored = |news: Ordinal| {
            let study = Study::default();
            let mut rows = Rows { observations: Observations::default(), sold_out: SoldOut::from([((product, 5), news)]), study: &study };
            rows.push(0, product, 5, vec![(8.0, false, 5), (9.0, false, 8)]);
            let Observations { value, known_from, censored, .. } = rows.observations;
            value.into_iter().zip(known_from).zip(censored).map(|((value, from), censored)| (value, from, censored)).collect::<Vec<_>>()
        };
        assert_eq!(censored(5), [(8.0, 5, true), (9.0, 8, true)]);
        assert_eq!(censored(6), [(8.0, 5, false), (8.0, 6, true), (9.0, 8, true)]);
        assert_eq!(censored(9), [(8.0, 5, false), (9.0, 8, false), (9.0, 9, true)]);
    }
}
