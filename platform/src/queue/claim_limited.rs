//! Claims of jobs that share something with others: one night of a store at a time, three calls to a host.
//!
//! What is in use is never written down, only counted: the jobs that run now. So nothing can leak when a program dies; its
//! jobs are rescued and with that their places are free. One program at a time counts and takes, under an advisory lock that
//! ends with the transaction; jobs without limits do not pass here.

use std::collections::HashMap;

use domain::job::Lane;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::claim::{Ask, Row, columns};
use super::{Claim, Job, QueueError};
use crate::database::begin;

/// Rounds of looking at candidates. Each ends with some taken or with keys that are full, and the next looks past both.
const ROUNDS: usize = 8;

/// Takes due jobs with limits, at most as many of each lane as asked. `None` if another program is at it just now.
///
/// # Errors
/// [`QueueError::Database`].
pub async fn claim_limited(pool: &PgPool, claim: &Claim, asks: &[Ask]) -> Result<Option<Vec<Job>>, QueueError> {
    let mut tx = begin(pool).await.map_err(QueueError::database("claim jobs with limits"))?;
    if !try_lock(&mut tx).await? {
        return Ok(None);
    }
    let mut picked = Picked { running: running(&mut tx).await?, left: asks.to_vec(), ids: Vec::new() };
    for _ in 0..ROUNDS {
        let candidates = candidates(&mut tx, claim, &picked).await?;
        let none = candidates.is_empty();
        candidates.into_iter().for_each(|candidate| picked.consider(candidate));
        if none || picked.is_full() {
            break;
        }
    }
    let jobs = if picked.ids.is_empty() { Vec::new() } else { take(&mut tx, claim, &picked.ids).await? };
    tx.commit().await.map_err(QueueError::database("claim jobs with limits"))?;
    Ok(Some(jobs))
}

struct Picked {
    running: HashMap<String, i32>,
    left: Vec<Ask>,
    ids: Vec<Uuid>,
}

struct Candidate {
    id: Uuid,
    lane: String,
    limit_keys: Vec<String>,
    limit_counts: Vec<i32>,
}

impl Picked {
    fn is_full(&self) -> bool {
        self.left.iter().all(|(_, jobs)| *jobs == 0)
    }

    fn consider(&mut self, candidate: Candidate) {
        let Some((_, left)) = self.left.iter_mut().find(|(lane, _)| lane.as_str() == candidate.lane) else { return };
        let fits = |(key, count): (&String, &i32)| self.running.get(key).is_none_or(|running| running < count);
        if *left == 0 || !candidate.limit_keys.iter().zip(&candidate.limit_counts).all(fits) {
            return;
        }
        *left -= 1;
        self.ids.push(candidate.id);
        for key in candidate.limit_keys {
            *self.running.entry(key).or_default() += 1;
        }
    }
}

/// Lanes where a job with limits waits. A look without a lock, so that programs with nothing to do here do not wait in line.
///
/// # Errors
/// [`QueueError::Database`].
pub async fn limited_lanes(pool: &PgPool, claim: &Claim) -> Result<Vec<Lane>, QueueError> {
    let lanes = Lane::ALL.map(|lane| lane.as_str().to_owned());
    let waiting = sqlx::query_scalar!(
        r#"select lane as "lane!"
           from unnest($1::text[]) as lane
           where exists (
               select from jobs
               where phase = 'due' and limit_keys <> '{}' and state = 'available' and jobs.lane = lane.lane
                   and kind = any ($2::text[])
           )"#,
        &lanes,
        &claim.kinds,
    )
    .fetch_all(pool)
    .await
    .map_err(QueueError::database("look for jobs with limits"))?;
    Ok(waiting.iter().filter_map(|lane| lane.parse().ok()).collect())
}

/// The server itself ends a transaction that falls silent: a program that vanished here must not stop all others' nights.
async fn try_lock(connection: &mut PgConnection) -> Result<bool, QueueError> {
    sqlx::query!(
        r#"select set_config('idle_in_transaction_session_timeout', '5s', true) as "bound!",
               pg_try_advisory_xact_lock(hashtextextended('viralcast.jobs.limits', 0)) as "locked!""#
    )
    .fetch_one(connection)
    .await
    .map(|row| row.locked)
    .map_err(QueueError::database("claim jobs with limits"))
}

async fn running(connection: &mut PgConnection) -> Result<HashMap<String, i32>, QueueError> {
    let rows = sqlx::query!(
        r#"select key as "key!", count(*)::integer as "running!"
           from jobs, unnest(keys_in_use) as key
           where keys_in_use is not null
           group by key"#
    )
    .fetch_all(connection)
    .await
    .map_err(QueueError::database("count running jobs"))?;
    Ok(rows.into_iter().map(|row| (row.key, row.running)).collect())
}

async fn candidates(connection: &mut PgConnection, claim: &Claim, picked: &Picked) -> Result<Vec<Candidate>, QueueError> {
    let open: Vec<Ask> = picked.left.iter().copied().filter(|(_, jobs)| *jobs > 0).collect();
    let (lanes, jobs) = columns(&open);
    let (keys, running): (Vec<String>, Vec<i32>) = picked.running.iter().map(|(key, running)| (key.clone(), *running)).unzip();
    sqlx::query_file_as!(Candidate, "src/queue/claim_candidates.sql", &claim.kinds, &lanes, &jobs, &keys, &running, &picked.ids)
        .fetch_all(connection)
        .await
        .map_err(QueueError::database("look for jobs with limits"))
}

async fn take(connection: &mut PgConnection, claim: &Claim, ids: &[Uuid]) -> Result<Vec<Job>, QueueError> {
    let rows = sqlx::query_file_as!(Row, "src/queue/claim_chosen.sql", ids, claim.worker, claim.lease.as_secs_f64())
        .fetch_all(connection)
        .await
        .map_err(QueueError::database("claim jobs with limits"))?;
    Ok(rows.into_iter().map(Row::job).collect())
}
