//! What if it rains, what if there is a promotion, what if the shop stays closed: answered by the models that were kept last,
//! on the facts of tonight. Nothing is fitted.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use chrono::NaiveDate;
use domain::frequency::{date_from_epoch, days_since_epoch};
use domain::time::Night;
use domain::{Explanation, FeatureSource as _, Hint, Ordinal, StepForecast};
use models::ModelError;
use pipeline::{FeatureConfig, PanelFeatures, PipelineError};
use platform::db::stores::StoreRow;

use crate::nightly::load::{Loaded, load};
use crate::nightly::{self, KeptError, LastModel, NightError, Nightly, RAINY_MM, facts};

/// What is to be different, on the days `from..=to`.
#[derive(Debug, Clone, PartialEq)]
pub struct Supposition {
    pub from: NaiveDate,
    pub to: NaiveDate,
    /// Millimetres of rain on each day.
    pub rain_mm: Option<f64>,
    /// Share of the price taken off; 0 for no promotion.
    pub discount: Option<f64>,
    /// The product the promotion is of; `None` for all.
    pub product: Option<String>,
    pub closed: Option<bool>,
}

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

/// Asks the kept models of a store, with what was known on the morning of `today`.
///
/// # Errors
/// [`WhatIfError`].
pub async fn what_if(nightly: &Nightly, store: &StoreRow, today: NaiveDate, supposition: &Supposition) -> Result<WhatIf, WhatIfError> {
    let night = Night { date: today, calendar: nightly::calendar(store)? };
    supposition.check(night, nightly.settings.engine.horizon)?;
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
    supposition.apply(store, &mut source, cutoff)?;
    let days = supposition.days();
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

impl Supposition {
    fn days(&self) -> RangeInclusive<Ordinal> {
        days_since_epoch(self.from)..=days_since_epoch(self.to)
    }

    fn check(&self, night: Night, horizon: u16) -> Result<(), WhatIfError> {
        if self.rain_mm.is_none() && self.discount.is_none() && self.closed.is_none() {
            return Err(WhatIfError::Nothing);
        }
        let last = night.date + chrono::Days::new(u64::from(horizon).saturating_sub(1));
        if self.from > self.to || self.from < night.date || self.to > last {
            return Err(WhatIfError::OutOfReach { from: self.from, to: self.to, first: night.date, last });
        }
        let within = |what, range, value: Option<f64>, most: f64| match value {
            Some(value) if !(0.0..=most).contains(&value) => Err(WhatIfError::OutOfRange { what, range, value }),
            _ => Ok(()),
        };
        within("rain", "0 to 1,000 mm a day", self.rain_mm, 1_000.0)?;
        within("discount", "a share of the price, 0 to 1", self.discount, 1.0)
    }

    fn apply(&self, store: &str, source: &mut PanelFeatures, cutoff: Ordinal) -> Result<(), WhatIfError> {
        let flag = |is_set: bool| f64::from(u8::from(is_set));
        if let Some(rain_mm) = self.rain_mm {
            source.suppose("rain_mm", None, self.days(), rain_mm, cutoff)?;
            source.suppose("rainy", None, self.days(), flag(rain_mm >= RAINY_MM), cutoff)?;
        }
        if let Some(discount) = self.discount {
            let series = self.product.as_ref().map(|product| position(store, source, product)).transpose()?;
            source.suppose("promo_discount", series, self.days(), discount, cutoff)?;
            source.suppose("promo", series, self.days(), flag(discount > 0.0), cutoff)?;
        }
        if let Some(closed) = self.closed {
            source.suppose_closed(None, self.days(), closed, cutoff)?;
        }
        Ok(())
    }
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
