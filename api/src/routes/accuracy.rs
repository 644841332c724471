//! How good the published forecasts of a store were.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use chrono::{Datelike, Days, NaiveDate};
use domain::access::{Action, Permission, Resource as Kind};
use domain::accuracy::{Accuracy, ConfidenceBucket, IntervalCoverage, LevelCalibration, Scored, ValueAdded};
use platform::db::past_predictions::{PastFilter, PastPrediction, past_predictions};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::past_predictions::{past_days, step};
use crate::access::{Caller, Reader};
use crate::error::ApiError;
use crate::extract::{PathName, Query, optional_day, optional_text};
use crate::outcomes::{Ledger, Outcome, OutcomeState};
use crate::problem::Problem;
use crate::provenance::{StoreReference, business_day};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(report))
}

/// Days that are read at a time: a year of every step of a hundred products must not lie in memory at once.
const DAYS_AT_ONCE: u64 = 31;

/// How published forecasts compare with what was sold.
///
/// An error is `predicted - actual`. Of each day and step the last forecast counts that was published before 04:30 of that day, in the
/// store's time zone. Days on which an item ran out, on which the store was closed, or of which nothing is known yet are left out and
/// counted in `left_out`. Since items run out on their best days, what is left is a little calmer than life.
#[derive(Serialize, ToSchema)]
struct AccuracyReport {
    store: StoreReference,
    from: NaiveDate,
    to: NaiveDate,
    #[serde(rename = "type")]
    kind: ScoredType,
    /// Null where every step counts.
    #[schema(required = true, example = 1)]
    step: Option<i32>,
    by: By,
    /// One of `total`; else as many as there are items, steps or weekdays with a prediction.
    groups: Vec<Group>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = AccuracyGroup)]
struct Group {
    /// `total`, the name of an item, the number of a step, or a day from `monday` to `sunday`.
    #[schema(example = "total")]
    group: String,
    /// Business days with a prediction that was scored.
    days: u64,
    /// Predictions that were scored: one an item, day and step.
    predictions: u64,
    left_out: LeftOut,
    /// Sum over the scored predictions, in selling units or rupiah.
    #[schema(required = true, example = 2380.0)]
    predicted: Option<f64>,
    #[schema(required = true, example = 2310.0)]
    actual: Option<f64>,
    /// Sum of absolute errors / sum of actuals (Kolassa and Schuetz 2007). 0.2: off by a fifth.
    #[schema(required = true, example = 0.21)]
    wape: Option<f64>,
    /// Sum of errors / sum of actuals. Above 0 too much was forecast, below 0 too little.
    #[schema(required = true, example = 0.03)]
    bias: Option<f64>,
    /// Mean loss of the nine quantiles (Koenker and Bassett 1978), in selling units or rupiah.
    #[schema(required = true, example = 1.9)]
    pinball: Option<f64>,
    /// The same without its unit: twice the sum of losses / sum of actuals, averaged over the quantiles; comparable with backtests.
    #[schema(required = true, example = 0.17)]
    wql: Option<f64>,
    /// 1 - sum of absolute errors / sum of those of the seasonal naive forecast: the same weekday of the last week that was known when
    /// the forecast was made, and on which the item did not run out. Above 0 is better than that.
    #[schema(required = true, example = 0.3)]
    skill: Option<f64>,
    /// Scored predictions that had a seasonal naive forecast to be compared with.
    skill_predictions: u64,
    /// Intervals of 50, 80, 90 and 95 %: how many actuals were inside, bounds included.
    coverage: Vec<Coverage>,
    /// Of each quantile, how many actuals were below it. It is calibrated where its level lies between both shares.
    levels: Vec<Level>,
    /// By tenths of `confidence_score`: how many actuals landed within 20 %, or one selling unit, of the prediction.
    confidence: Vec<Confidence>,
    overrides: Overrides,
}

/// Predictions that are not scored, by why.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
struct LeftOut {
    /// The item ran out: people wanted at least what was sold. Of `sales`: one of the products did.
    sold_out: u64,
    closed: u64,
    /// Nothing is known of the day yet.
    pending: u64,
    /// `sales` of sources that tell no prices.
    unobserved: u64,
}

#[derive(Serialize, ToSchema)]
#[schema(as = IntervalCoverage)]
struct Coverage {
    #[schema(example = 0.8, minimum = 0, maximum = 1)]
    nominal: f64,
    #[schema(required = true, example = 0.82, minimum = 0, maximum = 1)]
    observed: Option<f64>,
}

impl From<IntervalCoverage> for Coverage {
    fn from(IntervalCoverage { nominal, observed }: IntervalCoverage) -> Self {
        Self { nominal, observed }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = LevelCalibration)]
struct Level {
    #[schema(example = 0.9, minimum = 0, maximum = 1)]
    level: f64,
    #[schema(required = true, example = 0.88, minimum = 0, maximum = 1)]
    below: Option<f64>,
    #[schema(required = true, example = 0.91, minimum = 0, maximum = 1)]
    at_or_below: Option<f64>,
}

impl From<LevelCalibration> for Level {
    fn from(LevelCalibration { level, below, at_or_below }: LevelCalibration) -> Self {
        Self { level, below, at_or_below }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = ConfidenceCalibration)]
struct Confidence {
    #[schema(example = 0.7, minimum = 0, maximum = 1)]
    from: f64,
    /// Not part of it, but for 1.
    #[schema(example = 0.8, minimum = 0, maximum = 1)]
    to: f64,
    predictions: u64,
    #[schema(required = true, example = 0.74, minimum = 0, maximum = 1)]
    mean_score: Option<f64>,
    #[schema(required = true, example = 0.72, minimum = 0, maximum = 1)]
    near: Option<f64>,
}

impl From<ConfidenceBucket> for Confidence {
    fn from(ConfidenceBucket { from, to, count, mean_score, near }: ConfidenceBucket) -> Self {
        Self { from, to, predictions: count, mean_score, near }
    }
}

/// Scored predictions that somebody had overruled: who was nearer (forecast value added, Gilliland 2010).
#[derive(Serialize, ToSchema)]
#[schema(as = OverrideAccuracy)]
struct Overrides {
    predictions: u64,
    #[schema(required = true, example = 0.25)]
    model_wape: Option<f64>,
    /// Of the people's numbers.
    #[schema(required = true, example = 0.2)]
    wape: Option<f64>,
    /// `model_wape - wape`: above 0 people knew better.
    #[schema(required = true, example = 0.05)]
    value_added: Option<f64>,
}

impl From<ValueAdded> for Overrides {
    fn from(ValueAdded { count, model_wape, wape, value_added }: ValueAdded) -> Self {
        Self { predictions: count, model_wape, wape, value_added }
    }
}

/// What is told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum By {
    #[default]
    Total,
    Item,
    Step,
    Weekday,
}

/// What is scored. Ingredients are not: nobody tells how much of them was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ScoredType {
    #[default]
    Product,
    Sales,
}

impl ScoredType {
    fn name(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Sales => "sales",
        }
    }

    /// By how much a prediction may be off and still count as near, whatever its size.
    fn unit(self) -> f64 {
        match self {
            Self::Product => 1.0,
            Self::Sales => 0.0,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AccuracyQuery {
    /// What was predicted.
    #[serde(default, rename = "type")]
    #[param(inline)]
    kind: ScoredType,
    /// Name of one item, as it was called then.
    #[serde(default, deserialize_with = "optional_text")]
    #[param(nullable = false, example = "Ayam Geprek", min_length = 1, max_length = 200)]
    item: Option<String>,
    /// First business day; 27 days before the last if not said, and at most 399.
    #[serde(default, deserialize_with = "optional_day")]
    #[param(nullable = false, example = "2026-11-01")]
    from: Option<NaiveDate>,
    /// Last business day; yesterday if not said. Days that are not over don't count.
    #[serde(default, deserialize_with = "optional_day")]
    #[param(nullable = false, example = "2026-11-22")]
    to: Option<NaiveDate>,
    /// How many days ahead, from 1: the morning of the day itself. If not said 1; every step where they are told apart.
    #[serde(default, deserialize_with = "optional_step")]
    #[param(nullable = false, minimum = 1, maximum = 28)]
    step: Option<i32>,
    /// What is told apart.
    #[serde(default)]
    #[param(inline)]
    by: By,
}

fn optional_step<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<i32>, D::Error> {
    step(deserializer).map(Some)
}

/// How good the published forecasts of a store were: errors, bias, ranges, confidence, skill, and those who knew better.
///
/// Where nothing was scored, or nothing sold, figures are null.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/accuracy", operation_id = "get_accuracy",
    tag = "predictions",
    params(("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"), AccuracyQuery),
    responses(
        (status = 200, description = "The report", body = AccuracyReport),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("predictions:read"))),
)]
async fn report(
    State(state): State<AppState>,
    caller: Caller,
    PathName(store): PathName,
    Query(query): Query<AccuracyQuery>,
    Reader(mut transaction): Reader,
) -> Result<Json<AccuracyReport>, ApiError> {
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Read, Kind::Predictions)).await?;
    let now = state.clock.now();
    let (from, to) = past_days(query.from, query.to, business_day(&store, now))?;
    let step = query.step.or((query.by != By::Step).then_some(1));
    let mut tally = Tally::new(query.kind, query.by);
    let mut first = from;
    while first <= to {
        let last = (first + Days::new(DAYS_AT_ONCE - 1)).min(to);
        let ledger = Ledger::load(&mut transaction, store.id, (first, last), now).await?;
        let kind = Some(query.kind.name());
        let filter = PastFilter { first, last, step, kind, item: query.item.as_deref(), after: None, limit: None };
        let rows = past_predictions(&mut *transaction, store.id, filter).await?;
        rows.iter().for_each(|row| tally.count(row, &ledger));
        first = last + Days::new(1);
    }
    Ok(Json(AccuracyReport { store: store.into(), from, to, kind: query.kind, step, by: query.by, groups: tally.groups() }))
}

/// Sums by group, in the order in which groups are shown.
struct Tally {
    kind: ScoredType,
    by: By,
    sums: BTreeMap<Key, Sums>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Total,
    Item(String),
    Step(i32),
    /// From Monday, 0.
    Weekday(u32),
}

#[derive(Default)]
struct Sums {
    days: BTreeSet<NaiveDate>,
    accuracy: Accuracy,
    left_out: LeftOut,
}

impl Tally {
    fn new(kind: ScoredType, by: By) -> Self {
        // The whole is told even where it is nothing.
        let sums = if by == By::Total { BTreeMap::from([(Key::Total, Sums::default())]) } else { BTreeMap::new() };
        Self { kind, by, sums }
    }

    fn count(&mut self, row: &PastPrediction, ledger: &Ledger) {
        let key = match self.by {
            By::Total => Key::Total,
            By::Item => Key::Item(row.target_item.clone()),
            By::Step => Key::Step(row.step),
            By::Weekday => Key::Weekday(row.target_date.weekday().num_days_from_monday()),
        };
        let sums = self.sums.entry(key).or_default();
        let Outcome { state, actual, naive } = ledger.outcome(row);
        match (state, actual) {
            (OutcomeState::Scored, Some(actual)) => {
                sums.days.insert(row.target_date);
                sums.accuracy.add(&Scored {
                    predicted: row.yhat,
                    actual,
                    quantiles: row.quantiles,
                    confidence: row.confidence_score,
                    unit: self.kind.unit(),
                    naive,
                    overruled: ledger.overruled(row).map(|one| one.quantity),
                });
            }
            (OutcomeState::SoldOut, _) => sums.left_out.sold_out += 1,
            (OutcomeState::Closed, _) => sums.left_out.closed += 1,
            (OutcomeState::Pending, _) => sums.left_out.pending += 1,
            (OutcomeState::Unobserved | OutcomeState::Scored, _) => sums.left_out.unobserved += 1,
        }
    }

    fn groups(self) -> Vec<Group> {
        self.sums.into_iter().map(|(key, sums)| Group::of(&key, &sums)).collect()
    }
}

impl Group {
    fn of(key: &Key, sums: &Sums) -> Self {
        let accuracy = &sums.accuracy;
        Self {
            group: key.to_string(),
            days: sums.days.len() as u64,
            predictions: accuracy.count(),
            left_out: sums.left_out,
            predicted: accuracy.predicted(),
            actual: accuracy.actual(),
            wape: accuracy.wape(),
            bias: accuracy.bias(),
            pinball: accuracy.pinball(),
            wql: accuracy.wql(),
            skill: accuracy.skill(),
            skill_predictions: accuracy.compared(),
            coverage: accuracy.coverage().into_iter().map(Coverage::from).collect(),
            levels: accuracy.levels().into_iter().map(Level::from).collect(),
            confidence: accuracy.confidence().into_iter().map(Confidence::from).collect(),
            overrides: accuracy.value_added().into(),
        }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        match self {
            Self::Total => f.write_str("total"),
            Self::Item(name) => f.write_str(name),
            Self::Step(step) => write!(f, "{step}"),
            Self::Weekday(day) => f.write_str(DAYS.get(*day as usize).copied().unwrap_or_default()),
        }
    }
}
