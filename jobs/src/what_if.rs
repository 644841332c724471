//! What if it rains, what if there is a promotion, what if the shop stays closed: answered by the models that were kept last,
//! on the facts of tonight. Nothing is fitted.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use chrono::NaiveDate;
use domain::failure::Failure;
use domain::frequency::{date_from_epoch, days_since_epoch};
pub use domain::supposition::Supposition;
use domain::time::Night;
use domain::{Explanation, FeatureSource as _, Hint, Ordinal, StepForecast};
use models::ModelError;
use pipeline::{FeatureConfig, PanelFeatures, PipelineError};
use platform::db::stores::StoreRow;

use crate::nightly::load::{Loaded, load};
use crate::nightly::{self, KeptError, LastModel, NightError, Nightly, RAINY_MM, facts};

/// A product's day, as it is expected and as it would be.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub product: String,
    pub date: NaiveDate,
    pub expected: StepForecast,
    pub supposed: StepForecast,
    /// Of the supposed forecast; it adds up to it.
    pub why: Explanation,
}

/// Answers by product, then day.
#[derive(Debug, Clone, PartialEq)]
pub struct WhatIf {
    pub answers: Vec<Answer>,
    /// The last observed day of the models that answer.
    pub trained_until: NaiveDate,
    /// From the facts in memory to the answers.
    pub took: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum WhatIfError {
    #[error("nothing is supposed")]
    Nothing,
    #[error("{from} to {to} is not within the days that can be forecast: {first} to {last}")]
    OutOfReach { from: NaiveDate, to: NaiveDate, first: NaiveDate, last: NaiveDate },
    #[error("store `{store}` forecasts no product called `{product}`; it has {known}")]
    UnknownProduct { store: String, product: String, known: String },
    #[error("`{what}` must be {range}, not {value}")]
    OutOfRange { what: &'static str, range: &'static str, value: f64 },
    #[error("no models of store `{store}` are kept yet")]
    NoModels { store: String },
    #[error(transparent)]
    Night(#[from] NightError),
    #[error("the kept models cannot answer")]
    Kept(#[from] KeptError),
    #[error("the kept models cannot answer")]
    Models(#[from] ModelError),
    #[error("this cannot be supposed of the store")]
    Features(#[from] PipelineError),
}

impl WhatIfError {
    /// As whoever asked reads it.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Nothing => Failure::NothingSupposed,
            Self::OutOfReach { first, last, .. } => Failure::OutOfReach { first: *first, last: *last },
            Self::UnknownProduct { product, known, .. } => {
                Failure::UnknownProduct { product: product.clone(), known: known.split(", ").map(str::to_owned).collect() }
            }
            Self::OutOfRange { what, range, .. } => Failure::OutOfRange { what: (*what).to_owned(), range: (*range).to_owned() },
            Self::NoModels { .. } => Failure::NoModels,
            Self::Kept(KeptError::Format(_)) => Failure::OutdatedModels,
            Self::Features(PipelineError::UnknownRegressor { .. }) => Failure::NeverHappened,
            Self::Night(error) => error.failure(),
            Self::Kept(_) | Self::Models(_) | Self::Features(_) => Failure::Internal,
        }
    }

    /// Whether trying again without any change can help.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Night(error) => error.may_pass(),
            Self::Kept(KeptError::Packing(_)) => true,
            _ => false,
        }
    }
}

impl Hint for WhatIfError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Nothing => "suppose rain, a discount, or that the store is closed".to_owned(),
            Self::OutOfReach { .. } => "choose days in that range".to_owned(),
            Self::UnknownProduct { .. } => "write the product as it is listed".to_owned(),
            Self::OutOfRange { .. } => "give another number".to_owned(),
            Self::NoModels { .. } => "run a night first: viralcast run nightly".to_owned(),
            Self::Kept(_) => "run the night again: models of another version of the program were kept".to_owned(),
            Self::Features(PipelineError::UnknownRegressor { .. }) => {
                "the store has no past of it: nobody knows what it would change".to_owned()
            }
            Self::Night(source) => return source.hint(),
            Self::Models(source) => return source.hint(),
            Self::Features(source) => return source.hint(),
        })
    }
}

/// Asks the kept models of a store, with what was known on the morning of `today`; where that is the business day of now, with what is
/// known by now.
///
/// # Errors
/// [`WhatIfError`].
pub async fn what_if(nightly: &Nightly, store: &StoreRow, today: NaiveDate, supposition: &Supposition) -> Result<WhatIf, WhatIfError> {
    let (calendar, now) = (nightly::calendar(store)?, nightly.clock.now());
    let night = Night { as_of: (calendar.business_day(now) == today).then_some(now), ..Night::of(today, calendar) };
    check(supposition, night, nightly.settings.engine.horizon)?;
    let no_models = || WhatIfError::NoModels { store: store.slug.clone() };
    let last_model = nightly::last_model(nightly, store, night).await?.ok_or_else(no_models)?;
    let loaded = load(&nightly.work, store, night).await?;
    let (slug, supposition) = (store.slug.clone(), supposition.clone());
    // Arithmetic has a thread of its own: async threads have others to serve.
    let task = tokio::task::spawn_blocking(move || answer(&slug, night, &loaded, &last_model, &supposition));
    task.await.map_err(|error| NightError::Task { store: store.slug.clone(), reason: error.to_string() })?
}

fn answer(store: &str, night: Night, loaded: &Loaded, last_model: &LastModel, supposition: &Supposition) -> Result<WhatIf, WhatIfError> {
    let started = Instant::now();
    let cutoff = days_since_epoch(night.last_day());
    let models = last_model.read()?;
    let mut source = PanelFeatures::new(facts::panel(&loaded.facts, night.calendar, night.last_day()), FeatureConfig::default())?;
    let expected = models.forecast(&source, cutoff)?;
    apply(supposition, store, &mut source, cutoff)?;
    let days = days(supposition);
    let mut answers = Vec::new();
    for (before, (after, why)) in expected.iter().zip(models.forecast_explained(&source, cutoff)?) {
        let product = &source.series()[after.series as usize];
        let steps = before.steps.iter().zip(&after.steps).zip(why).filter(|((_, after), _)| days.contains(&after.at));
        answers.extend(steps.filter_map(|((&expected, &supposed), why)| {
            Some(Answer { product: product.clone(), date: date_from_epoch(supposed.at)?, expected, supposed, why })
        }));
    }
    Ok(WhatIf { answers, trained_until: last_model.trained_until, took: started.elapsed() })
}

fn days(supposed: &Supposition) -> RangeInclusive<Ordinal> {
    days_since_epoch(supposed.from)..=days_since_epoch(supposed.to)
}

fn check(supposed: &Supposition, night: Night, horizon: u16) -> Result<(), WhatIfError> {
    if supposed.rain_mm.is_none() && supposed.discount.is_none() && supposed.closed.is_none() {
        return Err(WhatIfError::Nothing);
    }
    let last = night.date + chrono::Days::new(u64::from(horizon).saturating_sub(1));
    if supposed.from > supposed.to || supposed.from < night.date || supposed.to > last {
        return Err(WhatIfError::OutOfReach { from: supposed.from, to: supposed.to, first: night.date, last });
    }
    let within = |what, range, value: Option<f64>, most: f64| match value {
        Some(value) if !(0.0..=most).contains(&value) => Err(WhatIfError::OutOfRange { what, range, value }),
        _ => Ok(()),
    };
    within("rain", "0 to 1,000 mm a day", supposed.rain_mm, 1_000.0)?;
    within("discount", "a share of the price, 0 to 1", supposed.discount, 1.0)
}

fn apply(supposed: &Supposition, store: &str, source: &mut PanelFeatures, cutoff: Ordinal) -> Result<(), WhatIfError> {
    let flag = |is_set: bool| f64::from(u8::from(is_set));
    if let Some(rain_mm) = supposed.rain_mm {
        source.suppose("rain_mm", None, days(supposed), rain_mm, cutoff)?;
        source.suppose("rainy", None, days(supposed), flag(rain_mm >= RAINY_MM), cutoff)?;
    }
    if let Some(discount) = supposed.discount {
        let series = supposed.product.as_ref().map(|product| position(store, source, product)).transpose()?;
        source.suppose("promo_discount", series, days(supposed), discount, cutoff)?;
        source.suppose("promo", series, days(supposed), flag(discount > 0.0), cutoff)?;
    }
    if let Some(closed) = supposed.closed {
        source.suppose_closed(None, days(supposed), closed, cutoff)?;
    }
    Ok(())
}

fn position(store: &str, source: &PanelFeatures, product: &str) -> Result<u32, WhatIfError> {
    let is_meant = |name: &&String| name.to_lowercase() == product.to_lowercase();
    let found = (0..).zip(source.series()).find(|(_, name)| is_meant(name));
    found.map(|(series, _)| series).ok_or_else(|| WhatIfError::UnknownProduct {
        store: store.to_owned(),
        product: product.to_owned(),
        known: source.series().join(", "),
    })
}
