//! `viralcast what-if`

use chrono::{Datelike as _, NaiveDate};
use domain::text::{Language, reasons};
use jobs::what_if::{Answer, Supposition, WhatIf, what_if};
use platform::db::published_runs::published_run;
use serde_json::json;

use crate::context::{Global, with_context};
use crate::table::table;

/// What a store would sell under other weather, with a promotion, or closed; fits nothing
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: viralcast what-if --store warung-imas --rain 25\n         \
                        viralcast what-if --store warung-imas --discount 20 --product 'Es Teh Manis' --until 2026-11-29")]
pub struct Arguments {
    /// The store (slug or id)
    #[arg(long)]
    store: String,
    /// First day it is supposed for; without it, the one that the store's plan is for
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: Option<NaiveDate>,
    /// Last day; without it, the first one
    #[arg(long, value_name = "YYYY-MM-DD")]
    until: Option<NaiveDate>,
    /// Rain on each day, in millimetres; 0 for none
    #[arg(long, value_name = "MM")]
    rain: Option<f64>,
    /// Percent taken off the price; 0 for no promotion
    #[arg(long, value_name = "PERCENT")]
    discount: Option<f64>,
    /// The product that the discount is of; without it, all
    #[arg(long, requires = "discount")]
    product: Option<String>,
    /// The store is closed
    #[arg(long, conflicts_with = "open")]
    closed: bool,
    /// The store is open, whatever was announced
    #[arg(long)]
    open: bool,
    /// The day whose morning is looked from; without it, the one that the store's plan is for
    #[arg(long, value_name = "YYYY-MM-DD")]
    today: Option<NaiveDate>,
}

impl Arguments {
    pub fn run(self, global: &Global) -> anyhow::Result<()> {
        with_context(global, async |context| {
            let store = context.store(&self.store).await?;
            let shown = published_run(context.db.work(), store.id).await?.map(|run| run.business_date);
            let today = match self.today.or(shown) {
                Some(today) => today,
                None => context.business_day(&store)?,
            };
            let from = self.date.unwrap_or(today);
            let supposition = Supposition {
                from,
                to: self.until.unwrap_or(from),
                rain_mm: self.rain,
                discount: self.discount.map(|percent| percent / 100.0),
                product: self.product.clone(),
                closed: (self.closed || self.open).then_some(self.closed),
            };
            let found = what_if(&context.nightly()?, &store, today, &supposition).await?;
            if context.json {
                println!("{}", serde_json::to_string_pretty(&as_json(&found))?);
            } else {
                show(&found);
            }
            Ok(())
        })
    }
}

/// Products that would sell otherwise; the rest in one line.
fn show(found: &WhatIf) {
    let (changed, same): (Vec<&Answer>, Vec<&Answer>) = found.answers.iter().partition(|answer| percent(answer) != Some(0.0));
    let rows = changed.into_iter().map(|answer| {
        let after = answer.supposed.yhat;
        vec![
            answer.date.to_string(),
            answer.product.clone(),
            reasons(&answer.why, after, Some(answer.date.weekday()), Language::Indonesian),
            format!("{:.1}", answer.expected.yhat),
            format!("{after:.1}"),
            percent(answer).map_or_else(|| "-".to_owned(), |percent| format!("{percent:+.0} %")),
        ]
    });
    println!("{}", table(&["day", "product", "why", "expected", "supposed", "change"], 3.., rows));
    if !same.is_empty() {
        println!("forecasts that would change by less than half a percent: {}", same.len());
    }
    println!("models fitted to days up to {}; answered in {} ms", found.trained_until, found.took.as_millis());
}

/// By how much a forecast would change, rounded; `None` where nothing was expected.
fn percent(answer: &Answer) -> Option<f64> {
    let (before, after) = (answer.expected.yhat, answer.supposed.yhat);
    if before == after { Some(0.0) } else { (before > 0.0).then(|| (100.0 * (after / before - 1.0)).round()) }
}

fn as_json(found: &WhatIf) -> serde_json::Value {
    let answer = |answer: &Answer| {
        json!({
            "date": answer.date, "product": answer.product, "expected": answer.expected, "supposed": answer.supposed, "why": answer.why,
        })
    };
    json!({
        "trained_until": found.trained_until,
        "milliseconds": found.took.as_secs_f64() * 1_000.0,
        "answers": found.answers.iter().map(answer).collect::<Vec<_>>(),
    })
}
