//! Why the forecasts of a file are what they are, in numbers and words.

use std::collections::HashMap;

use domain::text::{Language, When, forecast_sentence};
use domain::{Explanation, Frequency, SeriesForecast, StepForecast};
use ingest::tabular::ColumnData;
use models::{CHOICE, EngineOutput};
use serde_json::{Value, json};

use crate::panel_file::{PanelFile, without_periods};

/// A row's model, and the forecast behind it.
pub type Row<'a> = (&'a str, &'a SeriesForecast);

/// Explanations of the chosen forecasts by series; empty if nobody asked.
#[derive(Default)]
pub struct Reasons(HashMap<u32, Vec<Explanation>>);

impl Reasons {
    pub fn of(file: &PanelFile, output: &EngineOutput) -> anyhow::Result<Self> {
        let explained = output
            .artifact()
            .and_then(|artifact| artifact.explain(&file.features, file.last, &output.forecasts))
            .map_err(without_periods)?;
        Ok(Self(output.forecasts.iter().map(|forecast| forecast.series).zip(explained).collect()))
    }

    fn at(&self, forecast: &SeriesForecast, step: &StepForecast) -> Option<&Explanation> {
        self.0.get(&forecast.series)?.get(usize::from(step.step).checked_sub(1)?)
    }

    /// One step in words.
    pub fn sentence(&self, file: &PanelFile, forecast: &SeriesForecast, step: &StepForecast) -> Option<String> {
        let explanation = self.at(forecast, step)?;
        let label = file.label(forecast.series, step.at);
        let day = (file.frequency == Frequency::Daily).then(|| file.frequency.date(step.at)).flatten();
        let when = day.map_or(When::Period(&label), When::On);
        Some(forecast_sentence(when, step.yhat, "", explanation, Language::English))
    }

    /// `reasons` in words and `explanation` as JSON, of the chosen forecasts' rows; nothing if nobody asked.
    pub fn columns(&self, file: &PanelFile, rows: &[Row<'_>]) -> Vec<(&'static str, ColumnData)> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let cells = || rows.iter().flat_map(|(model, forecast)| forecast.steps.iter().map(move |step| (*model, *forecast, step)));
        let words = cells().map(|(model, forecast, step)| match model {
            CHOICE => self.sentence(file, forecast, step).unwrap_or_default(),
            _ => String::new(),
        });
        let data = cells().map(|(model, forecast, step)| match self.at(forecast, step) {
            Some(explanation) if model == CHOICE => serde_json::to_string(explanation).unwrap_or_default(),
            _ => String::new(),
        });
        let (words, data): (Vec<String>, Vec<String>) = (words.collect(), data.collect());
        let column = |texts: &[String]| ColumnData::text(texts.iter().map(String::as_str));
        vec![("reasons", column(&words)), ("explanation", column(&data))]
    }

    /// The same as fields of a row.
    pub fn add_to(&self, row: &mut Value, file: &PanelFile, (model, forecast): Row<'_>, step: &StepForecast) {
        if let (CHOICE, Some(explanation)) = (model, self.at(forecast, step)) {
            row["reasons"] = json!(self.sentence(file, forecast, step));
            row["explanation"] = json!(explanation);
        }
    }
}
