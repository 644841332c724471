//! Webhooks by the thousand, each many times and in no order, while workers understand them. A few hundred here; all ten thousand by
//! `PAYMENT_STORM=10000` (`make storm`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use platform::config::OutsideConfig;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::counter::Counter;

/// Deliveries at the same time.
const AT_ONCE: usize = 24;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_webhooks_pays_each_order_once() {
    let deliveries: usize = std::env::var("PAYMENT_STORM").ok().and_then(|count| count.parse().ok()).unwrap_or(400);
    let orders = (deliveries / 40).clamp(10, 250);
    let counter = Arc::new(Counter::open(Duration::from_secs(10)).await);
    counter.set(|settings| settings.held = true);
    for number in 0..orders {
        let order = counter.order(1_000 + i64::try_from(number).expect("small")).await;
        let payment = counter.desk.create(counter.owner, order).await.expect("a payment");
        let request = "select external_reference from payments where id = $1";
        let request: String = sqlx::query_scalar(request).bind(payment.id).fetch_one(&counter.nightly.work).await.expect("a request");
        // Some expire first, and are paid all the same.
        if number.is_multiple_of(7) {
            counter.ask("expire", Some(json!({"id": request}))).await;
        }
        counter.ask("pay", Some(json!({"id": request}))).await;
    }
    let told: Vec<Value> = counter.gateway.webhooks().into_iter().map(|webhook| webhook.body).collect();
    assert!(told.len() > orders);

    let (stop, staff) = counter.staff();
    let began = Instant::now();
    let (mut storm, mut next) = (JoinSet::new(), Shuffle(0x5eed));
    let client = platform::http::client(&OutsideConfig::default()).build().expect("a client");
    for number in 0..deliveries {
        if storm.len() >= AT_ONCE {
            storm.join_next().await.expect("one").expect("no panic");
        }
        // Every event at least once, the rest by chance; `created` is the time of the attempt.
        let which = if number < told.len() { number } else { next.below(told.len()) };
        let mut body = told[which].clone();
        body["created"] = json!(format!("2026-06-15T20:{:02}:{:02}Z", number / 60 % 60, number % 60));
        let request = client.post(&counter.callback_url).header("x-callback-token", "standin-callback-token").body(body.to_string());
        storm.spawn(async move { assert_eq!(request.send().await.expect("an answer").status(), 200) });
    }
    while let Some(delivered) = storm.join_next().await {
        delivered.expect("no panic");
    }
    let (taken, answered) = (deliveries, began.elapsed());
    counter.ended("take_payment_event").await;
    let settled = began.elapsed();
    stop.cancel();
    staff.await.expect("no panic");

    assert_eq!(counter.fulfilled().await, vec![(1, 1, 1, 1); orders]);
    assert_eq!(counter.count("select sum(deliveries) from webhook_events").await, i64::try_from(deliveries).expect("small"));
    assert_eq!(counter.count("select count(*) from webhook_events where state <> 'processed'").await, 0);
    assert_eq!(counter.count("select count(*) from payment_receipts where attention is not null").await, 0);
    println!(
        "{taken} webhooks of {orders} orders: answered in {:.1} s ({:.0} a second), all settled after {:.1} s",
        answered.as_secs_f64(),
        taken as f64 / answered.as_secs_f64(),
        settled.as_secs_f64(),
    );
    Arc::into_inner(counter).expect("the last one").close().await;
}

/// The same order every time.
struct Shuffle(u64);

impl Shuffle {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % count
    }
}
