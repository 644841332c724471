//! An order that was paid becomes a sale, and one whose money went back becomes none.

use std::time::Duration;

use domain::Idr;
use domain::job::{AddUpOrders, ReconcilePayments};
use payments::{PaymentError, Reason};

use super::counter::Counter;
use crate::orders::{run, sold};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_paid_is_sold_and_what_is_given_back_is_not() {
    let counter = Counter::open(Duration::from_secs(10)).await;
    let orders = [counter.order(25_000).await, counter.order(9_000).await];
    let (stop, staff) = counter.staff();
    let mut payments = Vec::new();
    for order in orders {
        // On a busy machine the staff may be asking the gateway in this very moment: a second tap finds the same payment.
        let payment = loop {
            match counter.desk.create(counter.owner, order).await {
                Ok(payment) if payment.qr.is_some() => break payment,
                Ok(_) | Err(PaymentError::BeingAsked { .. }) => tokio::time::sleep(Duration::from_millis(20)).await,
                Err(error) => panic!("{error}"),
            }
        };
        counter.scan(&payment.qr.clone().expect("a code")).await;
        payments.push(payment);
    }
    counter.until("both are paid", "select bool_and(status = 'paid') from orders").await;
    stop.cancel();
    staff.await.expect("no panic");
    run(&counter.nightly, &AddUpOrders {}).await;
    assert_eq!(sold(counter.shop.db.work(), "orders").await, ["2026-06-15 4 f"]);

    counter.shop.clock.advance(chrono::TimeDelta::days(2));
    counter.desk.refund(counter.owner, payments[0].id, Idr(25_000), Reason::RequestedByCustomer, "all").await.expect("a refund");
    counter.desk.refund(counter.owner, payments[1].id, Idr(4_000), Reason::RequestedByCustomer, "part").await.expect("a refund");
    let (stop, staff) = counter.staff();
    counter.until("both have gone back", "select count(*) = 2 from refunds where status = 'succeeded'").await;
    stop.cancel();
    staff.await.expect("no panic");
    run(&counter.nightly, &AddUpOrders {}).await;
    assert_eq!(sold(counter.shop.db.work(), "orders").await, ["2026-06-15 2 f"], "a part that went back is no portion less");
    run(&counter.nightly, &ReconcilePayments {}).await;
    assert_eq!(counter.count("select count(*) from payment_reconciliations where findings = '[]'").await, 1);
    counter.close().await;
}
