//! What every bus must do; an implementation calls [`conformance`] from its tests.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::event::Envelope;
use domain::ids::EventId;
use tokio::time::timeout;

use super::{Bus, Start, Subscription};

/// Runs all checks against a bus that nobody else uses.
///
/// # Panics
/// With the rule that is broken.
pub async fn conformance(bus: &dyn Bus) {
    delivers_in_order_per_subject(bus).await;
    delivers_again_what_was_not_acknowledged(bus).await;
    gives_each_consumer_its_own(bus).await;
    begins_where_asked(bus).await;
    keeps_every_field(bus).await;
    wakes_a_waiting_consumer(bus).await;
}

async fn delivers_in_order_per_subject(bus: &dyn Bus) {
    let mut reader = subscribe(bus, "order").await;
    let sent = publish(bus, "order", 100).await;
    assert_eq!(take(reader.as_mut(), "order", 100).await, sent, "events of one subject keep their order");
}

async fn delivers_again_what_was_not_acknowledged(bus: &dyn Bus) {
    let mut reader = subscribe(bus, "again").await;
    let sent = publish(bus, "again", 3).await;
    let first = next(reader.as_mut()).await;
    reader.acknowledge(&first).await.expect("acknowledge");
    assert_eq!(next(reader.as_mut()).await.id, sent[1], "the second event follows");
    drop(reader);
    let mut reader = subscribe(bus, "again").await;
    assert_eq!(take(reader.as_mut(), "again", 2).await, sent[1..], "exactly what was not acknowledged comes again");
    drop(reader);
    let mut reader = subscribe(bus, "again").await;
    assert!(reader.try_next().await.expect("try_next").is_none(), "nothing that was acknowledged comes again");
}

async fn gives_each_consumer_its_own(bus: &dyn Bus) {
    let (mut left, mut right) = (subscribe(bus, "left").await, subscribe(bus, "right").await);
    let sent = publish(bus, "both", 2).await;
    assert_eq!(take(left.as_mut(), "both", 2).await, sent, "the first consumer gets all");
    assert_eq!(take(right.as_mut(), "both", 2).await, sent, "and so does the second");
}

async fn begins_where_asked(bus: &dyn Bus) {
    let early = publish(bus, "begin", 1).await;
    let mut late = subscribe(bus, "late").await;
    let mut all = bus.subscribe("all", Start::Beginning).await.expect("subscribe");
    let after = publish(bus, "begin", 1).await;
    assert_eq!(take(late.as_mut(), "begin", 1).await, after, "`Now` does not deliver the past");
    assert_eq!(take(all.as_mut(), "begin", 2).await, [early, after].concat(), "`Beginning` does");
}

async fn keeps_every_field(bus: &dyn Bus) {
    let mut reader = subscribe(bus, "fields").await;
    let sent = Envelope {
        version: 3,
        trace_id: Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned()),
        payload: serde_json::json!({ "teks": "Ayam geprek \u{1f357} \"pedas\"\n", "besar": 9_007_199_254_740_993_i64, "kosong": null }),
        ..envelope("fields")
    };
    bus.publish(&sent).await.expect("publish");
    assert_eq!(next(reader.as_mut()).await, sent, "an envelope arrives as it was sent");
}

async fn wakes_a_waiting_consumer(bus: &dyn Bus) {
    let mut reader = subscribe(bus, "waiting").await;
    let sent = envelope("waiting");
    let (received, published) = tokio::join!(next(reader.as_mut()), bus.publish(&sent));
    published.expect("publish");
    assert_eq!(received, sent, "a consumer that waits gets the event");
}

async fn subscribe(bus: &dyn Bus, consumer: &str) -> Box<dyn Subscription> {
    bus.subscribe(consumer, Start::Now).await.expect("subscribe")
}

async fn publish(bus: &dyn Bus, subject: &str, count: usize) -> Vec<EventId> {
    let mut ids = Vec::new();
    for _ in 0..count {
        let envelope = envelope(subject);
        bus.publish(&envelope).await.expect("publish");
        ids.push(envelope.id);
    }
    ids
}

async fn next(reader: &mut dyn Subscription) -> Envelope {
    timeout(Duration::from_secs(20), reader.next()).await.expect("an event in time").expect("next")
}

/// The next `count` events of `subject`, acknowledged; others are passed over.
async fn take(reader: &mut dyn Subscription, subject: &str, count: usize) -> Vec<EventId> {
    let mut ids = Vec::new();
    while ids.len() < count {
        let envelope = next(reader).await;
        reader.acknowledge(&envelope).await.expect("acknowledge");
        if envelope.subject == subject {
            ids.push(envelope.id);
        }
    }
    ids
}

fn envelope(subject: &str) -> Envelope {
    Envelope {
        id: EventId::new(),
        name: "bus.checked".to_owned(),
        version: 1,
        subject: subject.to_owned(),
        occurred_at: DateTime::<Utc>::UNIX_EPOCH + Duration::from_micros(1_764_000_000_123_456),
        trace_id: None,
        payload: serde_json::json!({}),
    }
}
