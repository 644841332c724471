//! One night from its start to its end, with its place in the run history.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::NaiveDate;
use domain::Rung;
use domain::ids::JobId;
use domain::time::Night;
use models::guard::tally;
use platform::db::forecasts::ForecastRow;
use platform::db::runs::{NewRun, RunRow, StartedRun, fail_abandoned_runs, fail_run, get_run, start_run};
use platform::db::stores::StoreRow;
use uuid::Uuid;

use super::error::NightError;
use super::forecast::Means;
use super::load::{Loaded, load};
use super::store::Spent;
use super::{NightReport, Nightly, Order, Pace, ProgressFn, Stage, calendar, earlier, fingerprint, forecast, kept, rows, store};
use crate::events;

/// A run that is still open after this long was left behind by a program that ended. No store takes a tenth of it.
const ABANDONED_AFTER: Duration = Duration::from_secs(60 * 60);
/// What the deadline leaves for facts and earlier models, before the last plan is published again.
const HURRY: Duration = Duration::from_secs(120);

/// Runs the night of business day `date` for one store and publishes its plan.
///
/// # Errors
/// [`NightError`]; what was published before stays, and the run history says what went wrong.
pub async fn run(nightly: &Nightly, store: &StoreRow, date: NaiveDate, progress: Arc<ProgressFn>) -> Result<NightReport, NightError> {
    timed(nightly, store, date, Order::calm(None), progress).await
}

/// As [`run`], for a job of the queue: a run that an earlier attempt of this job left behind is closed at once.
///
/// # Errors
/// As [`run`].
pub async fn run_for_job(
    nightly: &Nightly,
    store: &StoreRow,
    date: NaiveDate,
    job: JobId,
    progress: Arc<ProgressFn>,
) -> Result<NightReport, NightError> {
    timed(nightly, store, date, Order::calm(Some(job.0)), progress).await
}

/// As [`run_for_job`], and nobody sees it: what is published stays as it is.
///
/// # Errors
/// As [`run`].
pub async fn run_in_shadow(nightly: &Nightly, store: &StoreRow, date: NaiveDate, job: JobId) -> Result<NightReport, NightError> {
    timed(nightly, store, date, Order { in_shadow: true, ..Order::calm(Some(job.0)) }, Arc::new(|_| ())).await
}

/// As [`run_for_job`], for the business day that it is in the store now, with everything that is known by now: what was told since 03:30
/// counts as if it had been known then. Forecasts on a lower rung than what is published for the day are stored, not published. Where
/// nothing new was told, the day's run is found and nothing is computed.
///
/// # Errors
/// As [`run`].
pub async fn run_anew(nightly: &Nightly, store: &StoreRow, job: JobId) -> Result<NightReport, NightError> {
    let date = calendar(store)?.business_day(nightly.clock.now());
    timed(nightly, store, date, Order { is_anew: true, ..Order::calm(Some(job.0)) }, Arc::new(|_| ())).await
}

/// What a night would forecast now, without storing anything. `None` if all that it works with is what `shown` was made of.
///
/// # Errors
/// As [`run`].
pub async fn rehearse(nightly: &Nightly, store: &StoreRow, date: NaiveDate, shown: Uuid) -> Result<Option<Vec<ForecastRow>>, NightError> {
    let night = Night::of(date, calendar(store)?);
    let loaded = Arc::new(load(&nightly.work, store, night).await?);
    let settings = fingerprint::of_settings(&nightly.settings);
    let hashed = Arc::clone(&loaded);
    let input_hash = off_thread(store, move || Ok(fingerprint::of_input(&hashed, night, Pace::Calm, &settings))).await?;
    if get_run(&nightly.work, shown).await?.is_some_and(|run| run.input_hash == input_hash) {
        return Ok(None);
    }
    let means =
        Means { pace: Pace::Calm, last_model: kept::last_model(nightly, store, night).await.unwrap_or_default(), has_earlier: false };
    let (slug, facts, settings) = (store.slug.clone(), Arc::clone(&loaded), nightly.settings.clone());
    let forecast = off_thread(store, move || forecast::forecast(&slug, night, &facts, &means, &settings, &|_| ())).await?;
    let horizon = nightly.settings.engine.horizon;
    let outcome = store::Outcome {
        store_id: store.id,
        run_id: Uuid::nil(),
        night,
        horizon,
        loaded: &loaded,
        forecast: &forecast,
        models: None,
        spent: Spent::default(),
    };
    Ok(Some(rows::cells(&outcome)))
}

/// What [`keep_promise`] found or did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// The store had a plan for its day.
    Kept,
    /// It has one now.
    Published(Rung),
}

/// Sees that a store has a plan for business day `date`, when its deadline is near: if the night has published none, the ladder
/// is climbed down from below the models that were to be fitted; if not even tonight's facts can be read, what was published
/// last is published for this day.
///
/// # Errors
/// Why the night published nothing, if nothing was published before that reaches this day.
pub async fn keep_promise(nightly: &Nightly, store: &StoreRow, date: NaiveDate, job: JobId) -> Result<Promise, NightError> {
    if earlier::is_served(nightly, store, date).await? {
        return Ok(Promise::Kept);
    }
    let order = Order { pace: Pace::Hurried, ..Order::calm(Some(job.0)) };
    let hurried = timed(nightly, store, date, order, Arc::new(|_| ()));
    let error = match tokio::time::timeout(HURRY, hurried).await {
        Ok(Ok(report)) => return Ok(Promise::Published(report.rung)),
        Ok(Err(error)) => error,
        Err(_) => NightError::Late { store: store.slug.clone() },
    };
    let started_at = nightly.clock.now();
    let night = Night::of(date, calendar(store)?);
    let run = NewRun {
        kind: "nightly",
        store_id: Some(store.id),
        business_date: Some(date),
        input_hash: &fingerprint::of_settings(&nightly.settings),
        config_hash: None,
        code_version: fingerprint::CODE_VERSION,
        job_id: Some(job.0),
        started_at,
    };
    let mut connection = nightly.work.acquire().await?;
    fail_abandoned_runs(&mut *connection, run.kind, store.id, run.job_id, started_at - ABANDONED_AFTER, started_at).await?;
    let StartedRun::New(run_id) = start_run(&mut connection, &run).await? else { return Ok(Promise::Kept) };
    drop(connection);
    match earlier::show(nightly, store, night, run_id, &[]).await {
        Ok(Some(_)) => Ok(Promise::Published(Rung::LastPublished)),
        other => {
            record_failure(nightly, run_id, other.as_ref().err().unwrap_or(&error)).await;
            Err(error)
        }
    }
}

async fn timed(
    nightly: &Nightly,
    store: &StoreRow,
    date: NaiveDate,
    order: Order,
    progress: Arc<ProgressFn>,
) -> Result<NightReport, NightError> {
    let started = Instant::now();
    let result = start(nightly, store, date, order, progress).await;
    let result = result.map(|report| NightReport { seconds: started.elapsed().as_secs_f64(), ..report });
    match &result {
        Ok(report) => events::night_ended(report),
        Err(error) => events::night_failed(&store.slug, date, error, started.elapsed()),
    }
    result
}

async fn start(
    nightly: &Nightly,
    store: &StoreRow,
    date: NaiveDate,
    order: Order,
    progress: Arc<ProgressFn>,
) -> Result<NightReport, NightError> {
    let started_at = nightly.clock.now();
    let night = Night { as_of: order.is_anew.then_some(started_at), ..Night::of(date, calendar(store)?) };
    progress(Stage::Load);
    let loaded = Arc::new(load(&nightly.work, store, night).await?);
    let config_hash = fingerprint::of_settings(&nightly.settings);
    let (hashed, settings) = (Arc::clone(&loaded), config_hash.clone());
    let input_hash = off_thread(store, move || Ok(fingerprint::of_input(&hashed, night, order.pace, &settings))).await?;
    let mut run = NewRun {
        kind: "nightly",
        store_id: Some(store.id),
        business_date: Some(date),
        input_hash: &input_hash,
        config_hash: Some(&config_hash),
        code_version: fingerprint::CODE_VERSION,
        job_id: order.job_id,
        started_at,
    };
    let mut connection = nightly.work.acquire().await?;
    let abandoned =
        fail_abandoned_runs(&mut *connection, run.kind, store.id, order.job_id, started_at - ABANDONED_AFTER, started_at).await?;
    if abandoned > 0 {
        events::runs_abandoned(&store.slug, abandoned);
    }
    let mut started = start_run(&mut connection, &run).await?;
    let own_hash = fingerprint::of_shadow(&input_hash);
    if let StartedRun::Finished(earlier) = &started
        && order.in_shadow
        && earlier.rung.as_deref() == Some(Rung::LastPublished.as_str())
    {
        // That night only repeated the screen; a shadow has a result of its own.
        run.input_hash = &own_hash;
        started = start_run(&mut connection, &run).await?;
    }
    drop(connection);
    let run_id = match started {
        StartedRun::New(run_id) => run_id,
        StartedRun::Finished(earlier) => return unchanged(nightly, store, night, &earlier, &loaded, order).await,
    };

    let error = match compute(nightly, store, night, run_id, &loaded, order, progress).await {
        Ok(report) => return Ok(report),
        Err(error) => error,
    };
    record_failure(nightly, run_id, &error).await;
    if error.came_second() {
        let mut connection = nightly.work.acquire().await?;
        if let StartedRun::Finished(earlier) = start_run(&mut connection, &run).await? {
            drop(connection);
            return unchanged(nightly, store, night, &earlier, &loaded, order).await;
        }
    }
    Err(error)
}

async fn compute(
    nightly: &Nightly,
    store: &StoreRow,
    night: Night,
    run_id: Uuid,
    loaded: &Arc<Loaded>,
    order: Order,
    progress: Arc<ProgressFn>,
) -> Result<NightReport, NightError> {
    let mut spent = Spent { load: loaded.seconds, ..Spent::default() };
    let (settings, slug) = (nightly.settings.clone(), store.slug.clone());
    let (facts, stages) = (Arc::clone(loaded), Arc::clone(&progress));
    let mut left_out = Vec::new();
    let mut leave_out = |what, error: NightError| left_out.push(events::left_out(&store.slug, what, &error));
    let last_model = kept::last_model(nightly, store, night).await.unwrap_or_else(|error| {
        leave_out("the last models", error);
        None
    });
    // What is on the screen is no forecast of the past that a shadow tells of.
    let has_earlier = !order.in_shadow && earlier::covers(nightly, store, night).await?;
    let means = Means { pace: order.pace, last_model, has_earlier };
    let began = Instant::now();
    let forecast = move || forecast::forecast(&slug, night, &facts, &means, &settings, stages.as_ref());
    let mut forecast = match off_thread(store, forecast).await {
        Err(NightError::Refused { store: name, refused }) => {
            progress(Stage::Publish);
            let shown = earlier::show(nightly, store, night, run_id, &refused).await?;
            let stored = shown.ok_or(NightError::Refused { store: name, refused })?;
            let rung = Rung::LastPublished;
            let report = report(store, night, loaded);
            return Ok(NightReport { run_id: run_id.into(), published: stored.published, rung, rows: stored.cells, ..report });
        }
        other => other?,
    };

    spent.forecast = began.elapsed().as_secs_f64();
    progress(Stage::Publish);
    let began = Instant::now();
    let models = kept::keep(nightly, forecast.models.take()).await.unwrap_or_else(|error| {
        leave_out("keeping the models", error);
        None
    });
    spent.keep = began.elapsed().as_secs_f64();
    forecast.left_out.append(&mut left_out);
    let horizon = nightly.settings.engine.horizon;
    let outcome =
        store::Outcome { store_id: store.id, run_id, night, horizon, loaded, forecast: &forecast, models: models.as_ref(), spent };
    let stored = store::store_and_publish(nightly, store, &outcome, order).await?;
    kept::forget_old(nightly, store).await;
    Ok(NightReport {
        run_id: run_id.into(),
        unchanged: false,
        published: stored.published,
        rung: forecast.rung,
        guards: tally(&forecast.guard_hits),
        gates: forecast.gates,
        rows: stored.cells,
        plans: forecast.plans,
        ..report(store, night, loaded)
    })
}

/// The night's own error is the one to tell; that it could not be written down too only adds to it.
async fn record_failure(nightly: &Nightly, run_id: Uuid, error: &NightError) {
    if let Err(also) = fail_run(&nightly.work, run_id, nightly.clock.now(), &domain::chain(error)).await {
        events::failure_unrecorded(run_id, &also);
    }
}

/// The report of a night whose input has been through before; the screen shows that run (again).
async fn unchanged(
    nightly: &Nightly,
    store: &StoreRow,
    night: Night,
    earlier: &RunRow,
    loaded: &Loaded,
    order: Order,
) -> Result<NightReport, NightError> {
    let published = !order.in_shadow && store::republish(nightly, store, earlier, night, order).await?;
    Ok(NightReport {
        run_id: earlier.id.into(),
        unchanged: true,
        published,
        rung: earlier.rung.as_deref().and_then(|rung| rung.parse().ok()).unwrap_or(Rung::Fresh),
        rows: earlier.row_count.unwrap_or_default().unsigned_abs(),
        ..report(store, night, loaded)
    })
}

/// What is known of a night before its result is.
fn report(store: &StoreRow, night: Night, loaded: &Loaded) -> NightReport {
    NightReport {
        store_id: store.id.into(),
        store: store.slug.clone(),
        date: night.date,
        run_id: Uuid::nil().into(),
        unchanged: false,
        published: false,
        rung: Rung::Fresh,
        gates: Vec::new(),
        guards: Vec::new(),
        series: loaded.facts.products.len(),
        rows: 0,
        dormant: loaded.dormant.clone(),
        stale_days: loaded.stale_days,
        recipe_fault: loaded.kitchen.fault.clone(),
        seconds: 0.0,
        read_in: loaded.read_in.clone(),
        plans: Vec::new(),
    }
}

/// Runs arithmetic on a thread of its own: async threads have others to serve. A panic there is an error here.
pub(super) async fn off_thread<T: Send + 'static>(
    store: &StoreRow,
    work: impl FnOnce() -> Result<T, NightError> + Send + 'static,
) -> Result<T, NightError> {
    let task = tokio::task::spawn_blocking(work);
    task.await.map_err(|error| NightError::Task { store: store.slug.clone(), reason: error.to_string() })?
}
