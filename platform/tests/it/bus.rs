use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::Utc;
use domain::event::Envelope;
use domain::ids::EventId;
use platform::bus::{Bus, BusError, Handler, HandlerError, PgBus, Start, Subscription, consume_from, drain, inbox, outbox, testing};
use platform::database::begin;
use platform::testing::TestDb;
use sqlx::{PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

use crate::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_bus_conforms() {
    let db = TestDb::new().await;
    testing::conformance(&PgBus::new(db.work().clone()).with_poll(Duration::from_millis(50))).await;
}

#[tokio::test]
async fn an_event_rolls_back_with_its_transaction() {
    let db = TestDb::new().await;
    let mut transaction = begin(db.work()).await.expect("begin");
    outbox::record(&mut transaction, &envelope("a")).await.expect("record");
    transaction.rollback().await.expect("rollback");
    assert_eq!(count(db.work(), "select count(*) from outbox").await, 0);
}

#[tokio::test]
async fn the_serving_role_may_record_but_not_read_events() {
    let db = TestDb::new().await;
    let mut serving = db.serve().acquire().await.expect("connect");
    outbox::record(&mut serving, &envelope("a")).await.expect("record");
    sqlx::query("select payload from outbox").execute(&mut *serving).await.expect_err("payloads of other stores");
    assert_eq!(count(db.work(), "select count(*) from outbox").await, 1);
}

/// The transaction with the lower id commits last, while a reader stands in between and another transaction idles.
#[tokio::test]
async fn a_late_commit_is_never_missed() {
    let db = TestDb::new().await;
    let cursor = start(db.work()).await;
    let (early, late) = (envelope("early id, late commit"), envelope("late id, early commit"));
    let mut first = begin(db.work()).await.expect("begin");
    outbox::record(&mut first, &early).await.expect("record");
    let mut idle = begin(db.work()).await.expect("begin");
    sqlx::query("select count(*) from outbox").execute(&mut *idle).await.expect("a read");
    let mut second = begin(db.owner()).await.expect("begin");
    outbox::record(&mut second, &late).await.expect("record");
    second.commit().await.expect("commit");

    assert_eq!(count(db.work(), "select count(*) from outbox").await, 1, "the later id is committed and visible");
    assert_eq!(outbox::read(db.work(), &cursor, 10).await.expect("read"), [], "and yet the reader waits for the earlier one");
    first.commit().await.expect("commit");
    eventually("both events", async || {
        let ids: Vec<EventId> = outbox::read(db.work(), &cursor, 10).await.expect("read").iter().map(|(_, event)| event.id).collect();
        (ids == [early.id, late.id]).then_some(())
    })
    .await;
    idle.rollback().await.expect("the idle reader held nothing back");
}

/// What an open writer costs: the events after it are late, by as long as it stays open, and none is lost.
#[tokio::test]
async fn an_idle_writer_delays_events_and_loses_none() {
    let db = TestDb::new().await;
    let cursor = start(db.work()).await;
    let mut idle = begin(db.work()).await.expect("begin");
    sqlx::query("insert into inbox (consumer, event_id) values ('idle', gen_random_uuid())").execute(&mut *idle).await.expect("a write");
    let events = publish(&quick(db.work()), 3).await;
    assert_eq!(outbox::read(db.work(), &cursor, 10).await.expect("read"), []);
    idle.rollback().await.expect("rollback");
    eventually("the three events", async || {
        let read = outbox::read(db.work(), &cursor, 10).await.expect("read");
        (read.into_iter().map(|(_, event)| event.id).collect::<Vec<_>>() == events.iter().map(|event| event.id).collect::<Vec<_>>())
            .then_some(())
    })
    .await;
}

/// Eight writers of random length against a reader that moves its cursor all the time.
#[tokio::test(flavor = "multi_thread")]
async fn every_event_of_overlapping_writers_is_read_once() {
    let db = TestDb::new().await;
    let pool = sqlx::postgres::PgPoolOptions::new()
        .max_connections(12)
        .connect_with(db.options(platform::embedded::Role::Work))
        .await
        .expect("connect");
    let writers: Vec<_> = (0..8_u64)
        .map(|writer| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let mut written = Vec::new();
                for round in 0..20 {
                    let mut transaction = begin(&pool).await.expect("begin");
                    for _ in 0..3 {
                        let event = envelope("writer");
                        outbox::record(&mut transaction, &event).await.expect("record");
                        written.push(event.id);
                    }
                    let pause = 0.001 * f64::from(u8::try_from((writer * 7 + round * 3) % 10).expect("small"));
                    sqlx::query("select pg_sleep($1)").bind(pause).execute(&mut *transaction).await.expect("a pause");
                    transaction.commit().await.expect("commit");
                }
                written
            })
        })
        .collect();
    let mut cursor = start(&pool).await;
    let mut seen: Vec<EventId> = Vec::new();
    eventually("all 480 events", async || {
        for (at, event) in outbox::read(&pool, &cursor, 7).await.expect("read") {
            cursor = at;
            seen.push(event.id);
        }
        (seen.len() >= 480).then_some(())
    })
    .await;
    let mut written = Vec::new();
    for writer in writers {
        written.extend(writer.await.expect("a writer"));
    }
    written.sort();
    seen.sort();
    assert_eq!(seen, written, "each event exactly once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_effect_and_cursor_has_one_effect() {
    let db = TestDb::new().await;
    let ledger = Ledger::new(db.work());
    let bus = Forgetful { bus: quick(db.work()), crashed: AtomicBool::new(false) };
    let events = publish(&bus, 3).await;
    let shutdown = CancellationToken::new();
    let consuming = consume_from(&bus, Start::Beginning, db.work().clone(), "ledger", &ledger, shutdown.clone());
    let watching = async {
        eventually("three acknowledged events", async || {
            (count(db.work(), "select count(*) from outbox_cursors c join outbox o on (o.txid, o.position) <= (c.txid, c.position)").await
                == 3)
                .then_some(())
        })
        .await;
        shutdown.cancel();
    };
    tokio::join!(consuming, watching);
    assert!(bus.crashed.load(Ordering::SeqCst), "the crash happened");
    assert_eq!(ledger.effects().await, events.iter().map(|event| (event.id, 1)).collect::<Vec<_>>());
}

/// The program dies after it wrote the effect and before the commit.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_before_the_commit_has_one_effect() {
    let db = TestDb::new().await;
    let ledger = Ledger::new(db.work());
    ledger.hang_after_effect.store(true, Ordering::SeqCst);
    let events = publish(&quick(db.work()), 2).await;
    let bus = quick(db.work());
    let dying = consume_from(&bus, Start::Beginning, db.work().clone(), "ledger", &ledger, CancellationToken::new());
    tokio::select! {
        () = dying => panic!("it hangs"),
        () = eventually("the effect is written", async || (ledger.calls.load(Ordering::SeqCst) == 1).then_some(())) => {}
    }
    ledger.hang_after_effect.store(false, Ordering::SeqCst);
    drain_all(&bus, db.work(), &ledger, 2).await;
    assert_eq!(ledger.effects().await, events.iter().map(|event| (event.id, 1)).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_event_is_rolled_back_and_tried_again_in_its_place() {
    let db = TestDb::new().await;
    let ledger = Ledger::new(db.work());
    ledger.failures.store(2, Ordering::SeqCst);
    let bus = quick(db.work());
    let events = publish(&bus, 2).await;
    for _ in 0..2 {
        let failed =
            eventually("an event to fail", async || drain(&bus, Start::Beginning, db.work(), "ledger", &ledger, 10).await.err()).await;
        assert!(matches!(&failed, BusError::Handler { id, .. } if *id == events[0].id), "{failed}");
        assert_eq!(ledger.effects().await, [], "nothing of it stays, and later events wait");
    }
    drain_all(&bus, db.work(), &ledger, 2).await;
    assert_eq!(ledger.effects().await, events.iter().map(|event| (event.id, 1)).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_programs_of_one_consumer_share_the_effects() {
    let db = TestDb::new().await;
    let ledger = Ledger::new(db.work());
    let bus = quick(db.work());
    let events = publish(&bus, 50).await;
    let shutdown = CancellationToken::new();
    let consume = || consume_from(&bus, Start::Beginning, db.work().clone(), "ledger", &ledger, shutdown.clone());
    let watching = async {
        eventually("all effects", async || (ledger.effects().await.len() == events.len()).then_some(())).await;
        shutdown.cancel();
    };
    tokio::join!(consume(), consume(), watching);
    assert_eq!(ledger.effects().await, events.iter().map(|event| (event.id, 1)).collect::<Vec<_>>());
}

#[tokio::test]
async fn pruning_keeps_what_a_consumer_still_needs() {
    let db = TestDb::new().await;
    let ledger = Ledger::new(db.work());
    let bus = quick(db.work());
    publish(&bus, 3).await;
    eventually("one event", async || {
        let handled = drain(&bus, Start::Beginning, db.work(), "ledger", &ledger, 1).await.expect("drain");
        (handled == 1).then_some(())
    })
    .await;
    let later = Utc::now() + Duration::from_secs(60);
    assert_eq!(outbox::prune(db.work(), later).await.expect("prune"), 1, "only what every consumer has passed");
    assert_eq!(outbox::prune(db.work(), Utc::now() - Duration::from_secs(60)).await.expect("prune"), 0, "and only old events");
    assert_eq!(inbox::prune(db.work(), later).await.expect("prune"), 1);
}

/// Writes a row per effect. Workers may not create tables, so it lies in one that is there: quota leases, whose key hides nothing.
struct Ledger {
    pool: PgPool,
    calls: AtomicU32,
    failures: AtomicU32,
    hang_after_effect: AtomicBool,
}

impl Ledger {
    fn new(pool: &PgPool) -> Self {
        Self { pool: pool.clone(), calls: AtomicU32::new(0), failures: AtomicU32::new(0), hang_after_effect: AtomicBool::new(false) }
    }

    /// How often each event took effect, in order of the events.
    async fn effects(&self) -> Vec<(EventId, i64)> {
        let rows: Vec<(uuid::Uuid, i64)> =
            sqlx::query_as("select holder::uuid, sum(units) from quota_leases where quota = 'effects' group by holder order by holder")
                .fetch_all(&self.pool)
                .await
                .expect("effects");
        rows.into_iter().map(|(id, times)| (EventId(id), times)).collect()
    }
}

#[async_trait]
impl Handler for Ledger {
    async fn handle(&self, transaction: &mut PgConnection, envelope: &Envelope) -> Result<(), HandlerError> {
        sqlx::query(
            "insert into quota_leases (id, quota, units, holder, expires_at) values ($1, 'effects', 1, $2, now() + interval '1 day')",
        )
        .bind(uuid::Uuid::now_v7())
        .bind(envelope.id.to_string())
        .execute(transaction)
        .await?;
        self.calls.fetch_add(1, Ordering::SeqCst);
        if self.hang_after_effect.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let failing = self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if failing { Err("not today".into()) } else { Ok(()) }
    }
}

/// A bus whose first acknowledgement never arrives.
struct Forgetful {
    bus: PgBus,
    crashed: AtomicBool,
}

#[async_trait]
impl Bus for Forgetful {
    async fn publish(&self, envelope: &Envelope) -> Result<(), BusError> {
        self.bus.publish(envelope).await
    }

    async fn subscribe(&self, consumer: &str, start: Start) -> Result<Box<dyn Subscription>, BusError> {
        let inner = self.bus.subscribe(consumer, start).await?;
        Ok(Box::new(ForgetfulReader { inner, crash: !self.crashed.swap(true, Ordering::SeqCst) }))
    }
}

struct ForgetfulReader {
    inner: Box<dyn Subscription>,
    crash: bool,
}

#[async_trait]
impl Subscription for ForgetfulReader {
    async fn next(&mut self) -> Result<Envelope, BusError> {
        self.inner.next().await
    }

    async fn try_next(&mut self) -> Result<Option<Envelope>, BusError> {
        self.inner.try_next().await
    }

    async fn acknowledge(&mut self, envelope: &Envelope) -> Result<(), BusError> {
        if self.crash {
            return Err(BusError::Database { action: "acknowledge: the machine lost power", source: sqlx::Error::PoolClosed });
        }
        self.inner.acknowledge(envelope).await
    }
}

fn quick(pool: &PgPool) -> PgBus {
    PgBus::new(pool.clone()).with_poll(Duration::from_millis(20))
}

async fn publish(bus: &dyn Bus, count: usize) -> Vec<Envelope> {
    let events: Vec<Envelope> = (0..count).map(|_| envelope("store")).collect();
    for event in &events {
        bus.publish(event).await.expect("publish");
    }
    events
}

/// Until `count` events are handled; another test's open transaction may hold them back for a while.
async fn drain_all(bus: &PgBus, pool: &PgPool, ledger: &Ledger, count: u32) {
    let mut handled = 0;
    eventually("all events handled", async || {
        handled += drain(bus, Start::Beginning, pool, "ledger", ledger, 10).await.expect("drain");
        (handled == count).then_some(())
    })
    .await;
}

async fn start(pool: &PgPool) -> outbox::Cursor {
    let mut connection = pool.acquire().await.expect("connect");
    outbox::cursor(&mut connection, "reader", Start::Beginning).await.expect("a cursor")
}

async fn count(pool: &PgPool, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(pool).await.expect("a count")
}

fn envelope(subject: &str) -> Envelope {
    Envelope {
        id: EventId::new(),
        name: "bus.tested".to_owned(),
        version: 1,
        subject: subject.to_owned(),
        occurred_at: Utc::now(),
        trace_id: None,
        payload: serde_json::json!({}),
    }
}
