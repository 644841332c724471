//! One window of one scope of a source: asked for, landed, parsed, stored. And what has landed, parsed once more.
//!
//! A reply lands before anybody looks into it. A crash after that loses nothing: the window is asked for again and brings the same
//! record, or the record is parsed again without asking.

use std::time::Duration;

use chrono::{DateTime, NaiveTime, Utc};
use chrono_tz::Asia::Jakarta;
use domain::Hint;
use domain::time::BusinessCalendar;
use platform::auth::InstallationSecret;
use platform::clock::Clock;
use platform::config::SourcesConfig;
use platform::database::begin;
use platform::db::partition_ranges::{Made, mark_days};
use platform::db::raw_records::{LandedRecord, NewRawRecord, StoredRecord, land_raw_record, landed_records};
use platform::db::source_breakers::{note_failure, note_uncovered};
use platform::db::source_findings::note_finding;
use platform::db::watermarks::note_source_error;
use platform::db::{DbError, NewFacts};
use platform::http::{Polite, Reply};
use platform::objects::{ObjectError, Objects};
use sqlx::PgPool;

use crate::checks::{self, Stored};
use crate::events;
use crate::feed::{Asking, Days, FetchError, History};
use crate::source::{Batch, ParseContext, RawRecord, Source, SourceError};
use crate::sources;
use crate::store::{Parsed, quarantine, store, store_of};
use crate::store_orders::StoreError;
use crate::tabular::Origin;

/// What ingest works with. Cheap to clone.
#[derive(Clone, Copy)]
pub struct Workshop<'a> {
    /// Pool of the working role.
    pub pool: &'a PgPool,
    pub objects: &'a dyn Objects,
    pub clock: &'a dyn Clock,
    pub http: &'a Polite,
    pub config: &'a SourcesConfig,
    /// Opens what is kept sealed.
    pub secret: &'a InstallationSecret,
}

/// What a window brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Taken {
    pub records: u64,
    /// Of these, those that had not landed before.
    pub new_records: u64,
    pub facts: u64,
    pub new_facts: u64,
    pub quarantined: u64,
    /// Records that could not be understood.
    pub unreadable: u64,
}

/// Why a window is not there.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("a record of `{source_name}` cannot be understood; it has landed and waits")]
    Parse {
        source_name: &'static str,
        #[source]
        source: SourceError,
    },
    #[error("parsing a record of `{source_name}` was interrupted; it has landed and waits")]
    Interrupted {
        source_name: &'static str,
        #[source]
        source: tokio::task::JoinError,
    },
    #[error("`{source_name}` is handed files and asks nobody")]
    NoFeed { source_name: &'static str },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Database(#[from] DbError),
    #[error("the database cannot be reached")]
    Connection(#[from] sqlx::Error),
    #[error("a record cannot be kept or read")]
    Objects(#[from] ObjectError),
}

impl TakeError {
    /// When to try again, if that is known: nothing is wrong with the job.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::Fetch(FetchError::Ask(error)) => error.wait(),
            Self::Fetch(FetchError::Exhausted { wait, .. }) => Some(*wait),
            _ => None,
        }
    }

    /// Whether trying again may help.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Fetch(error) => matches!(error, FetchError::Ask(_) | FetchError::Database(_) | FetchError::Exhausted { .. }),
            Self::NoFeed { .. } | Self::Store(StoreError::NoStore { .. } | StoreError::Zone { .. }) => false,
            // What is garbled now may be sound when it is asked for again.
            Self::Parse { .. } | Self::Interrupted { .. } | Self::Store(_) | Self::Database(_) | Self::Connection(_) | Self::Objects(_) => {
                true
            }
        }
    }
}

impl Hint for TakeError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Fetch(error) => error.hint(),
            Self::Parse { source_name, .. } | Self::Interrupted { source_name, .. } => {
                Some(format!("once this program understands it: viralcast ingest reparse {source_name}; nothing is lost"))
            }
            Self::NoFeed { .. } => Some("name a file".to_owned()),
            Self::Database(error) | Self::Store(StoreError::Database(error)) => error.hint(),
            Self::Store(_) => None,
            Self::Connection(_) => Some("see with `viralcast doctor` whether the database is reachable".to_owned()),
            Self::Objects(_) => None,
        }
    }
}

/// Asks for a window and stores what it brings.
///
/// # Errors
/// [`TakeError`]. What landed before it stays, and is noted by [`note_source_error`].
pub async fn take(shop: Workshop<'_>, source: &dyn Source, scope: &str, days: Days) -> Result<Taken, TakeError> {
    let taken = ask_and_store(shop, source, scope, days).await;
    match &taken {
        Ok(taken) => events::taken(source.name(), taken),
        Err(error) => {
            events::not_taken(source.name(), scope, error);
            note(shop, source, scope, error).await?;
        }
    }
    taken
}

async fn ask_and_store(shop: Workshop<'_>, source: &dyn Source, scope: &str, days: Days) -> Result<Taken, TakeError> {
    let feed = source.feed().ok_or(TakeError::NoFeed { source_name: source.name() })?;
    if let Some(missing) = feed.missing(shop.config) {
        return Err(FetchError::NotSetUp { source_name: source.name(), missing }.into());
    }
    let asking = Asking { http: shop.http, clock: shop.clock, config: shop.config, pool: shop.pool, secret: shop.secret };
    let mut landed = Vec::new();
    for reply in feed.fetch(&asking, scope, days).await? {
        // The same bytes are one record, and told now all the same: a price may have gone back to what it was.
        let told_at = reply.fetched_at;
        let (record, bytes) = land(shop, source, scope, days, reply).await?;
        landed.push((record, told_at, bytes));
    }
    let mut taken = Taken::default();
    for (record, told_at, bytes) in landed {
        taken.records += 1;
        taken.new_records += u64::from(record.is_new);
        let stored = StoredRecord { id: record.id, scope: scope.to_owned(), fetched_at: told_at, ..StoredRecord::default() };
        taken.add(parse_and_store(shop, source, &stored, &record_name(source, scope), bytes, Some(days)).await?);
    }
    Ok(taken)
}

impl Taken {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            records: self.records + other.records,
            new_records: self.new_records + other.new_records,
            facts: self.facts + other.facts,
            new_facts: self.new_facts + other.new_facts,
            quarantined: self.quarantined + other.quarantined,
            unreadable: self.unreadable + other.unreadable,
        }
    }

    fn add(&mut self, (facts, new, quarantined): (u64, NewFacts, u64)) {
        self.facts += facts;
        self.new_facts += new.count;
        self.quarantined += quarantined;
    }
}

/// Stores what a file that somebody handed over at `told_at` tells of a scope.
///
/// # Errors
/// [`TakeError`]; once the file has landed it stays.
pub async fn take_file(
    shop: Workshop<'_>,
    source: &dyn Source,
    scope: &str,
    name: &str,
    bytes: Vec<u8>,
    told_at: DateTime<Utc>,
) -> Result<Taken, TakeError> {
    let record = NewRawRecord { url: Some(name.to_owned()), ..new_record(source, scope, told_at) };
    let (record, bytes) = land_bytes(shop, record, source.kept(bytes)).await?;
    let stored = StoredRecord { id: record.id, scope: scope.to_owned(), fetched_at: told_at, ..StoredRecord::default() };
    let mut taken = Taken { records: 1, new_records: u64::from(record.is_new), ..Taken::default() };
    taken.add(parse_and_store(shop, source, &stored, name, bytes, None).await?);
    events::taken(source.name(), &taken);
    Ok(taken)
}

async fn land(
    shop: Workshop<'_>,
    source: &dyn Source,
    scope: &str,
    days: Days,
    reply: Reply,
) -> Result<(LandedRecord, Vec<u8>), TakeError> {
    let record = NewRawRecord {
        window: matches!(source.terms().history, History::Since(_)).then(|| (midnight(days.first), midnight(days.end))),
        url: Some(reply.url),
        status: i16::try_from(reply.status).ok(),
        headers: serde_json::Value::Object(reply.headers),
        content_type: reply.content_type,
        ..new_record(source, scope, reply.fetched_at)
    };
    land_bytes(shop, record, source.kept(reply.bytes)).await
}

fn new_record(source: &dyn Source, scope: &str, fetched_at: DateTime<Utc>) -> NewRawRecord {
    // What is of a store is only that store's to see.
    let attribution = Some(source.terms().attribution).filter(|text| !text.is_empty()).map(str::to_owned);
    NewRawRecord {
        source: source.name().to_owned(),
        store_id: store_of(scope),
        scope: scope.to_owned(),
        attribution,
        ..NewRawRecord::fetched(fetched_at)
    }
}

/// The bytes first, then the row that names them.
async fn land_bytes(shop: Workshop<'_>, record: NewRawRecord, bytes: Vec<u8>) -> Result<(LandedRecord, Vec<u8>), TakeError> {
    use sha2::{Digest, Sha256};
    let record = NewRawRecord {
        content_hash: Sha256::digest(&bytes).into(),
        content_length: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
        object_key: shop.objects.put_content(bytes.clone()).await?.to_string(),
        ..record
    };
    let mut tx = begin(shop.pool).await?;
    let landed = land_raw_record(&mut tx, &record).await?;
    tx.commit().await?;
    Ok((landed, bytes))
}

/// Answers how many facts the record holds, how many are new, and how many rows went to quarantine.
async fn parse_and_store(
    shop: Workshop<'_>,
    source: &dyn Source,
    record: &StoredRecord,
    name: &str,
    bytes: Vec<u8>,
    days: Option<Days>,
) -> Result<(u64, NewFacts, u64), TakeError> {
    let raw = RawRecord {
        contents: Origin::memory(name, bytes),
        fetched_at: record.fetched_at,
        parameters: serde_json::Value::Null,
        scope: record.scope.clone(),
    };
    let understood = |error| TakeError::Parse { source_name: source.name(), source: error };
    let batches = parsed(source.name(), raw).await?.map_err(understood)?;
    let (mut sum, mut repeated) = ((0, NewFacts::default(), 0), 0);
    let mut tx = begin(shop.pool).await?;
    for batch in batches {
        if let Some(error) = refusal(name, &batch) {
            // Not a word of it counts, and what was wrong is kept.
            drop(tx);
            quarantine(&mut *shop.pool.acquire().await?, source.name(), &record.scope, record.id, name, &batch.rejected).await?;
            return Err(understood(error));
        }
        let parsed = Parsed {
            source: source.name(),
            scope: &record.scope,
            record: record.id,
            told_at: record.fetched_at,
            name,
            batch: &batch,
            is_answer: days.is_some(),
        };
        let (new, quarantined) = store(&mut tx, &parsed, shop.clock.now()).await?;
        sum = (sum.0 + batch.facts.len() as u64, sum.1.and(new), sum.2 + quarantined);
        repeated += checks::repeated(&batch.facts);
    }
    if let Some(days) = days {
        let terms = source.terms();
        let length = if matches!(terms.history, History::Since(_)) { (days.end - days.first).num_days() } else { 1 };
        let stored = Stored { source: source.name(), scope: &record.scope, record: record.id, facts: sum.0, repeated, days: length };
        checks::check(&mut tx, &terms, &stored, shop.clock.now()).await?;
        let made = days_made(source, days, record.fetched_at);
        mark_days(&mut tx, source.name(), &record.scope, Made::Materialised, made.first, made.end).await?;
    }
    tx.commit().await?;
    Ok(sum)
}

/// Everything that a record says, made on a thread that nobody waits on.
async fn parsed(source: &'static str, raw: RawRecord) -> Result<Result<Vec<Batch>, SourceError>, TakeError> {
    let parsing = move || {
        let context = ParseContext { calendar: BusinessCalendar { time_zone: Jakarta, cutoff: NaiveTime::MIN } };
        let sources = sources::all();
        let Some(source) = sources.find(source) else { return Ok(Vec::new()) };
        let mut batches = source.parse(&raw, &context)?;
        std::iter::from_fn(|| batches.next_batch().transpose()).collect()
    };
    tokio::task::spawn_blocking(parsing).await.map_err(|source_error| TakeError::Interrupted { source_name: source, source: source_error })
}

/// What messages call a reply.
fn record_name(source: &dyn Source, scope: &str) -> String {
    format!("{} {scope}", source.name())
}

/// A record of which most cannot be read is not what it was: its service may have changed.
fn refusal(file: &str, batch: &Batch) -> Option<SourceError> {
    let rejected = batch.rejected.len() as u64;
    let first = batch.rejected.first().filter(|_| rejected * 2 > batch.rows)?;
    let reason = format!("{rejected} of its {} rows cannot be read, the first because of {}", batch.rows, first.error);
    Some(SourceError::Shape { file: file.to_owned(), reason })
}

/// The days that a record stands for: those it was asked for, or the one it came on.
fn days_made(source: &dyn Source, days: Days, fetched_at: DateTime<Utc>) -> Days {
    match source.terms().history {
        History::Since(_) => days,
        History::Landed => {
            let day = fetched_at.date_naive();
            Days { first: day, end: day.succ_opt().unwrap_or(day) }
        }
    }
}

/// Parses what has landed of a scope for these days once more, without asking anybody. What is known already stays as it is.
///
/// # Errors
/// [`TakeError`]; the records before it are stored.
pub async fn reparse(shop: Workshop<'_>, source: &dyn Source, scope: &str, days: Days) -> Result<Taken, TakeError> {
    let mut taken = Taken::default();
    for record in landed_records(shop.pool, source.name(), scope, midnight(days.first), midnight(days.end)).await? {
        let bytes = shop.objects.get(&record.object_key.parse()?).await?;
        taken.records += 1;
        match parse_and_store(shop, source, &record, &record_name(source, scope), bytes, None).await {
            Ok(sum) => taken.add(sum),
            // One record's trouble must not cost the others theirs.
            Err(error @ TakeError::Parse { .. }) => {
                events::not_taken(source.name(), scope, &error);
                taken.unreadable += 1;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(taken)
}

fn midnight(day: chrono::NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// Remembers what an error means for the next time.
async fn note(shop: Workshop<'_>, source: &dyn Source, scope: &str, error: &TakeError) -> Result<(), TakeError> {
    let text = domain::chain(error);
    match error {
        TakeError::Fetch(FetchError::NotCovered { reason, ask_again_after, .. }) => {
            note_uncovered(shop.pool, source.name(), scope, reason, shop.clock.now() + *ask_again_after).await?;
        }
        TakeError::Fetch(FetchError::Exhausted { wait, .. }) => note_failure(shop.pool, source.name(), &text, Some(*wait)).await?,
        TakeError::Fetch(FetchError::Ask(error)) if error.is_unasked() => {}
        _ => {
            note_source_error(shop.pool, source.name(), scope, &text, shop.clock.now()).await?;
            note_finding(shop.pool, source.name(), scope, "error", &text, shop.clock.now()).await?;
        }
    }
    Ok(())
}
