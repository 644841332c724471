//! A night's look into the gateway's books.

use payments::{PaymentError, Payments, Reason, Reconciliation};
use platform::db::payment_reconciliations::list_reconciliations;
use platform::db::tenant::{Tenant, begin_read};
use serde_json::{Value, json};
use standin::faults::Fault;
use standin::services::xendit::Quirk;
use uuid::Uuid;

use crate::till::{Till, add_named_store, idr};

fn found(report: &Reconciliation) -> Vec<(String, bool)> {
    let findings = report.findings.as_array().expect("a list").iter();
    let mut found: Vec<_> =
        findings.map(|one| (one["what"].as_str().expect("text").to_owned(), one["repaired"] == Value::Bool(true))).collect();
    found.sort();
    found
}

fn named(what: &str, is_repaired: bool) -> (String, bool) {
    (what.to_owned(), is_repaired)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lost_webhooks_would_have_told_is_made_good_and_reported() {
    let till = Till::open().await;
    let heard = till.paid(5_000).await;
    till.set(|settings| settings.held = true);
    let (paid, expired, refunded, open) =
        (till.awaiting(25_000).await, till.awaiting(7_000).await, till.paid_unheard(9_000).await, till.awaiting(3_000).await);
    till.scan(paid.id, None).await;
    till.control("expire", json!({"id": till.request_of(expired.id).await})).await;
    till.desk.refund(till.owner, refunded, idr(9_000), Reason::Others, "k").await.expect("a refund");
    let report = loop {
        till.clock.advance(chrono::TimeDelta::minutes(1));
        let report = till.back.reconcile().await.expect("a report").remove(0);
        if till.books(refunded).await.starts_with("refunded") {
            break report;
        }
    };
    let books = [till.books(paid.id).await, till.books(expired.id).await, till.books(refunded).await, till.books(open.id).await];
    assert_eq!(books, ["succeeded paid 25000", "expired pending", "refunded refunded 9000", "awaiting pending"]);
    assert_eq!(till.books(heard.id).await, "succeeded paid 5000");
    assert!(report.checked >= 5 && report.unchecked == 0 && report.received == 39_000 && report.refunded == 9_000, "{report:?}");
    let repaired: i64 =
        sqlx::query_scalar("select sum(repaired) from payment_reconciliations").fetch_one(till.db.work()).await.expect("a sum");
    assert_eq!(repaired, 3);
    till.clock.advance(chrono::TimeDelta::days(1));
    let again = till.back.reconcile().await.expect("a report").remove(0);
    assert_eq!((again.repaired, found(&again)), (0, vec![]), "all is well");
    till.close().await;
}

impl Till {
    /// A payment whose money was seen by asking.
    async fn paid_unheard(&self, amount: i64) -> Uuid {
        let payment = self.awaiting(amount).await;
        self.scan(payment.id, None).await;
        self.poll(payment.id).await.expect("a look");
        payment.id
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_made_good_is_named_until_somebody_does() {
    let till = Till::open().await;
    let wrong = till.awaiting(25_000).await;
    till.pay(wrong.id, Some(20_000)).await;
    // Paid after the expiry, and the webhook is lost: the gateway's request only names some money.
    till.set(|settings| settings.held = true);
    let late = till.awaiting(7_000).await;
    till.control("expire", json!({"id": till.request_of(late.id).await})).await;
    till.poll(late.id).await.expect("a look");
    till.scan(late.id, None).await;
    // Of a refund that was not answered nothing is heard.
    let paid = till.paid_unheard(9_000).await;
    till.gateway.plan(Quirk::Late(6_000));
    till.desk.refund(till.owner, paid, idr(9_000), Reason::Others, "k").await.expect("noted");
    // The gateway has forgotten one, and says another amount of one.
    let (lost, other) = (till.awaiting(1_000).await, till.awaiting(2_000).await);
    for (id, change) in [(lost.id, "external_reference = 'pr-lost'"), (other.id, "amount = 2001")] {
        let change = sqlx::AssertSqlSafe(format!("update payments set {change} where id = $1"));
        sqlx::query(change).bind(id).execute(till.db.work()).await.expect("an accident");
    }
    till.hours(2);
    let report = till.back.reconcile().await.expect("a report").remove(0);
    let due = ["amount_differs", "perhaps_paid_late", "refund_not_answered", "unknown_to_gateway", "wrong_amount"];
    assert_eq!(found(&report), due.map(|what| named(what, false)));
    till.hours(24);
    let again = till.back.reconcile().await.expect("a report").remove(0);
    assert_eq!(found(&again), found(&report), "again, since nobody has done anything");
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_limit_is_waited_out_and_a_long_one_reported() {
    let till = Till::open().await;
    for _ in 0..3 {
        till.awaiting(5_000).await;
    }
    till.fault(Fault::RetryAfter(1), 1);
    let report = till.back.reconcile().await.expect("a report").remove(0);
    assert_eq!((report.checked, report.unchecked), (3, 0), "{report:?}");
    till.hours(1);
    till.fault(Fault::RetryAfter(600), 1);
    let report = till.back.reconcile().await.expect("a report").remove(0);
    assert_eq!((report.checked, report.unchecked), (0, 3), "once told, it asks no more: {report:?}");
    till.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_are_read_by_the_people_of_their_store_alone() {
    let till = Till::open().await;
    till.paid(5_000).await;
    till.back.reconcile().await.expect("a report");
    let (other, stranger) = add_named_store(&till.db, "other").await;
    let seen = async |tenant: Tenant| {
        let mut transaction = begin_read(till.db.serve(), tenant).await.expect("a read");
        list_reconciliations(&mut *transaction, None, 10).await.expect("reports").len()
    };
    assert_eq!((seen(till.owner).await, seen(stranger).await, seen(Tenant::Operator(Uuid::now_v7())).await), (1, 0, 1));
    assert_eq!(list_reconciliations(till.db.work(), Some(other), 10).await.expect("none"), []);
    let silent: Payments = till.desk_with(|config| config.secret_key = None);
    assert!(matches!(silent.reconcile().await, Err(PaymentError::NotConfigured)));
    till.close().await;
}
