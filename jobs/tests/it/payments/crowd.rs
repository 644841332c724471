//! Everybody at once: impatient clicks, answers that are lost, webhooks twice and in the wrong order, workers and pollers side by side,
//! steps that are killed in the middle.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use platform::queue::JobContext;
use standin::faults::Fault;
use standin::services::xendit::{Code, Quirk};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::counter::Counter;

const ORDERS: u64 = 24;
const CLICKS: u64 = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_order_is_charged_and_fulfilled_once_whatever_happens() {
    let counter = Arc::new(Counter::open(Duration::from_millis(400)).await);
    counter.set(|settings| (settings.copies, settings.delay_ms) = (3, 5));
    for number in 0..8 {
        counter.gateway.plan(match number % 4 {
            0 => Quirk::Late(1_500),
            1 => Quirk::Refuse(Code::ChannelUnavailable),
            2 => Quirk::Refuse(Code::ServerError),
            _ => Quirk::Late(300),
        });
    }
    let (stop, staff) = counter.staff();
    let mut people = JoinSet::new();
    for number in 0..ORDERS {
        let counter = Arc::clone(&counter);
        people.spawn(async move { customer(&counter, number).await });
    }
    let killer = tokio::spawn(kill_steps(Arc::clone(&counter)));
    while let Some(served) = people.join_next().await {
        served.expect("a customer");
    }
    killer.abort();
    let paid = "select bool_and(status = 'paid') from orders";
    counter.until("every order is paid", paid).await;
    counter.ended("take_payment_event").await;
    counter.ended("poll_payment").await;
    // What was said long ago is said again.
    for webhook in counter.gateway.webhooks() {
        counter.ask("resend", Some(serde_json::json!({"number": webhook.number}))).await;
    }
    let told = "select count(*) filter (where deliveries < 8) = 0 from webhook_events where event_type = 'payment.capture'";
    counter.until("everything was told again", told).await;
    counter.ended("take_payment_event").await;
    stop.cancel();
    staff.await.expect("no panic");

    let charges = counter.charges().await;
    assert_eq!(charges.len() as u64, ORDERS, "each order was paid for by somebody");
    assert!(charges.values().all(|times| *times == 1), "and never twice: {charges:?}");
    assert_eq!(counter.fulfilled().await, vec![(1, 1, 1, 1); ORDERS as usize]);
    assert_eq!(counter.count("select count(*) from payment_receipts").await as u64, ORDERS);
    assert_eq!(counter.count("select count(*) from webhook_events where state <> 'processed'").await, 0);
    assert_eq!(counter.count("select count(*) from jobs where state = 'discarded'").await, 0);
    Arc::into_inner(counter).expect("the last one").close().await;
}

/// Clicks again and again, closes the page now and then, and pays every code that is ever shown.
async fn customer(counter: &Counter, number: u64) {
    let order = counter.order(1_000 + i64::try_from(number).expect("small")).await;
    let mut scanned = BTreeSet::new();
    if number.is_multiple_of(5) {
        counter.faults.plan("xendit", if number.is_multiple_of(2) { Fault::Truncated } else { Fault::Reset }, 1);
    }
    loop {
        let clicks = (0..CLICKS).map(|click| {
            let creating = counter.desk.create(counter.owner, order);
            // A page that is closed kills whatever was going on for it.
            timeout(if click == 0 { Duration::from_millis(3 * number + 1) } else { Duration::from_secs(5) }, creating)
        });
        let shown: Vec<_> = join_all(clicks).await.into_iter().flatten().flatten().filter_map(|payment| payment.qr).collect();
        for code in shown {
            if scanned.insert(code.clone()) {
                counter.scan(&code).await;
            }
        }
        if !scanned.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Begins to understand events and to look at payments, and dies somewhere in the middle.
async fn kill_steps(counter: Arc<Counter>) {
    let back = &counter.nightly.outside.payments;
    for life in (1..).map(|round: u64| Duration::from_micros(round * 1_700 % 30_000)) {
        let context = JobContext::foreground(CancellationToken::new());
        for event in counter.ids("select id from webhook_events where state = 'received' limit 3").await {
            let _ = timeout(life, back.take(event, &context)).await;
        }
        for payment in counter.ids("select id from payments where status in ('pending', 'awaiting') order by id desc limit 3").await {
            let _ = timeout(life, back.poll(payment, true, &context)).await;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
