//! What an event did to the series before: a target encoding that knows nothing younger than the row's youngest usable
//! value.
//!
//! `<event>_effect` is what was sold on past periods of the same class (two steps before an event to two after, weekday or
//! weekend) over what is usual on ordinary ones; the series' own ratio is drawn to the panel's and that to 1, each as if
//! the prior had been seen on four occurrences (empirical Bayes for high-cardinality encodings: Micci-Barreca, SIGKDD
//! Explorations 3(1), 2001). `<event>_last` is the same ratio on the last single period at the same place (day of the run,
//! steps before or after): the same holiday last year. On periods that are not near an event the first is 1, the
//! second NaN.

use std::convert::Infallible;

use domain::features::Neutral;
use domain::{Driver, FeatureError, Ordinal};

use super::{Family, Feature};
use crate::place::{CLASSES, PLACES, Place, occurrences};
use crate::pool::{Effect, PooledEvent, tells_events};
use crate::regressors::RegressorStore;
use crate::rows::Block;
use crate::view::View;

/// Occurrences that a prior counts for.
const PRIOR: f64 = 4.0;
/// Greatest ratio on a single period: more is a sale of another kind.
const GREATEST: f64 = 10.0;

pub(super) struct EventEffects;

impl Family for EventEffects {
    fn name(&self) -> &'static str {
        "event_effects"
    }

    fn needs_whole_past(&self) -> bool {
        true
    }

    fn needs_pool(&self) -> bool {
        true
    }

    fn features(&self, view: &View<'_>) -> Result<Vec<Feature>, FeatureError> {
        if !tells_events(view.shape.frequency) {
            return Ok(Vec::new());
        }
        let columns = |(regressor, event)| columns(view, regressor, event);
        Ok(view.flags().zip(&view.pool.events).flat_map(columns).collect())
    }
}

fn columns(view: &View<'_>, regressor: &RegressorStore, event: &PooledEvent) -> [Feature; 2] {
    let places = places(view, regressor);
    let (mut effect, mut last) = (vec![1.0; view.rows()], vec![f32::NAN; view.rows()]);
    let mut row = 0;
    for (number, block) in view.blocks.iter().enumerate() {
        let mut past = OwnPast::new(view, number, regressor.slot(block.series), event);
        for at in block.periods() {
            if let Some(place) = places[row] {
                let (youngest, class) = (at - view.shape.lead as Ordinal, place.class(view.shape.frequency, at));
                past.move_to(youngest);
                let panel = event.effect(class, youngest).ratio(1.0, PRIOR);
                effect[row] = past.effects[class].ratio(panel, PRIOR) as f32;
                last[row] = past.last[place.number()];
            }
            row += 1;
        }
    }
    let driver = regressor.driver().unwrap_or(Driver::Holiday);
    let feature =
        |ending: &str, values, far| Feature::new(format!("{}{ending}", regressor.name), values).speaks_of(driver).compared_with(far);
    [feature("_effect", effect, Neutral::At(1.0)), feature("_last", last, Neutral::Missing)]
}

/// For each row, where its target lies, by what the row knows.
fn places(view: &View<'_>, regressor: &RegressorStore) -> Vec<Option<Place>> {
    let [places] = view
        .by_key(
            |block| regressor.slot(block.series),
            |block, at| {
                let slot = regressor.slot(block.series);
                let is_set = |steps| view.planned(regressor, slot, at + steps, at).is_some_and(|value| value > 0.5);
                Ok::<_, Infallible>([Place::of(is_set)])
            },
        )
        .unwrap_or_else(|never| match never {});
    places
}

/// What a series has seen of an event so far.
struct OwnPast {
    occurrences: std::iter::Peekable<std::vec::IntoIter<(Ordinal, Place, usize, Effect)>>,
    effects: [Effect; CLASSES],
    last: [f32; PLACES],
}

impl OwnPast {
    fn new(view: &View<'_>, number: usize, slot: Option<usize>, event: &PooledEvent) -> Self {
        let block: &Block = &view.blocks[number];
        let whole = view.past.whole(number, block);
        let mut seen = Vec::new();
        if let Some(places) = slot.and_then(|slot| event.places.get(slot)) {
            seen.extend(occurrences(whole.values, block.first, places, &view.shape).map(|occurrence| {
                let mut effect = Effect::default();
                effect.add(&occurrence);
                (occurrence.at, occurrence.place, occurrence.place.class(view.shape.frequency, occurrence.at), effect)
            }));
        }
        Self { occurrences: seen.into_iter().peekable(), effects: [Effect::default(); CLASSES], last: [f32::NAN; PLACES] }
    }

    fn move_to(&mut self, youngest: Ordinal) {
        while let Some((_, place, class, effect)) = self.occurrences.next_if(|(at, ..)| *at <= youngest) {
            self.effects[class].sold += effect.sold;
            self.effects[class].usual += effect.usual;
            if effect.usual > 0.0 {
                self.last[place.number()] = (effect.sold / effect.usual).clamp(0.0, GREATEST) as f32;
            }
        }
    }
}
