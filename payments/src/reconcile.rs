//! Every night our books are held against the gateway's: what a lost webhook would have told is made good, the rest is named.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use platform::db::payment_receipts::{receipts_of_payment, receipts_that_want_attention};
use platform::db::payment_reconciliations::{Reconciliation, insert_reconciliation, money_moved};
use platform::db::payments::{PaymentRow, payments_to_reconcile};
use platform::db::refunds::open_refunds;
use platform::db::tenant::commit;
use serde::Serialize;
use uuid::Uuid;

use crate::gateway::{GatewayError, Request, RequestState};
use crate::life::Status;
use crate::payment::{api, row, status};
use crate::refund::found;
use crate::returned::settle_refund;
use crate::settle::{Finding as Found, settle};
use crate::{PaymentError, Payments, events};

/// How far back payments that have ended are looked at again: as long as QRIS gives money back, and a day.
const BACK: TimeDelta = TimeDelta::days(8);
/// A pause that the gateway asks for is waited out up to here: its limits are by the minute.
const PATIENCE: Duration = Duration::from_secs(90);
/// A refund that the gateway has not answered to is named when it is older.
const UNANSWERED: TimeDelta = TimeDelta::hours(1);

/// Something that is not as it should be, or was not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub payment_id: Uuid,
    pub refund_id: Option<Uuid>,
    /// As in `webhook_lost`.
    pub what: String,
    /// What our books said.
    pub ours: String,
    /// What the gateway said.
    pub gateway: String,
    /// Rupiah.
    pub amount: i64,
    /// Whether it is in order now.
    pub repaired: bool,
}

#[derive(Default)]
struct Report {
    checked: i32,
    repaired: i32,
    unchecked: i32,
    findings: Vec<Finding>,
}

impl Payments {
    /// Looks at every open and recent payment, and every refund that waits; repairs, and stores a report for each store.
    ///
    /// # Errors
    /// [`PaymentError::NotConfigured`], [`PaymentError::Database`]. What the gateway does not answer is in the report.
    pub async fn reconcile(&self) -> Result<Vec<Reconciliation>, PaymentError> {
        self.gateways()?;
        let now = self.clock.now();
        let since = now - BACK;
        let mut reports: BTreeMap<Uuid, Report> = BTreeMap::new();
        for id in payments_to_reconcile(&self.pool, since).await? {
            self.reconcile_payment(id, now, &mut reports).await?;
        }
        for id in open_refunds(&self.pool).await? {
            self.reconcile_refund(id, now, &mut reports).await?;
        }
        for receipt in receipts_that_want_attention(&self.pool).await? {
            let what = receipt.attention.unwrap_or_default();
            let (ours, gateway) = (format!("{} given back", receipt.returned), receipt.external_payment_id);
            let (payment_id, amount) = (receipt.payment_id, receipt.amount);
            let finding = Finding { payment_id, refund_id: None, what, ours, gateway, amount, repaired: false };
            reports.entry(receipt.store_id).or_default().findings.push(finding);
        }
        self.file(reports, since, now).await
    }

    async fn file(
        &self,
        reports: BTreeMap<Uuid, Report>,
        since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Reconciliation>, PaymentError> {
        let unresolved = reports.values().flat_map(|report| &report.findings).filter(|finding| !finding.repaired).count();
        let mut stored = Vec::new();
        let mut transaction = self.begin(None).await?;
        for (store_id, Report { checked, repaired, unchecked, findings }) in reports {
            let (received, refunded) = money_moved(&mut *transaction, store_id, since).await?;
            let findings = serde_json::to_value(findings).unwrap_or_default();
            let report = Reconciliation { store_id, reconciled_at: now, since, checked, repaired, unchecked, received, refunded, findings };
            insert_reconciliation(&mut *transaction, &report).await?;
            stored.push(report);
        }
        commit(transaction).await?;
        stored.iter().for_each(events::reconciled);
        let sum = |count: fn(&Reconciliation) -> i32| stored.iter().map(count).sum();
        events::reconciled_all(sum(|report| report.repaired), sum(|report| report.unchecked), unresolved);
        Ok(stored)
    }

    async fn reconcile_payment(&self, id: Uuid, now: DateTime<Utc>, reports: &mut BTreeMap<Uuid, Report>) -> Result<(), PaymentError> {
        let mut transaction = self.begin(None).await?;
        let payment = row(&mut transaction, id).await?;
        let receipts = receipts_of_payment(&mut *transaction, id).await?;
        commit(transaction).await?;
        let report = reports.entry(payment.store_id).or_default();
        // Of one that was never made the gateway knows nothing.
        let Some(request_id) = &payment.external_reference else { return Ok(()) };
        let ours = status(&payment);
        let finding = |what: &str, gateway: &str, repaired| Finding {
            payment_id: id,
            refund_id: None,
            what: what.to_owned(),
            ours: ours.as_str().to_owned(),
            gateway: gateway.to_owned(),
            amount: payment.amount,
            repaired,
        };
        let gateway = self.gateways()?.of(api(&payment));
        let mut looked_up = gateway.look_up(request_id).await;
        if has_waited(&looked_up).await {
            looked_up = gateway.look_up(request_id).await;
        }
        let request = match looked_up {
            Ok(request) => request,
            Err(error) if error.is_not_found() => {
                report.checked += 1;
                report.findings.push(finding("unknown_to_gateway", error.code(), false));
                return Ok(());
            }
            Err(error) => {
                report.unchecked += 1;
                report.findings.push(finding("unchecked", error.code(), false));
                return Ok(());
            }
        };
        report.checked += 1;
        let mut transaction = self.begin(None).await?;
        let settled = settle(&mut transaction, id, &Found { request: &request, money: None }, now).await?;
        commit(transaction).await?;
        if settled.is_news {
            report.repaired += 1;
            report.findings.push(finding("webhook_lost", request.state.as_str(), true));
            return Ok(());
        }
        let knows = |payment_id: &String| receipts.iter().any(|receipt| receipt.external_payment_id == *payment_id);
        let contradicts = contradiction(&payment, &request, request.latest_payment_id.as_ref().is_some_and(knows));
        report.findings.extend(contradicts.map(|what| finding(what, request.state.as_str(), false)));
        Ok(())
    }

    async fn reconcile_refund(&self, id: Uuid, now: DateTime<Utc>, reports: &mut BTreeMap<Uuid, Report>) -> Result<(), PaymentError> {
        let mut transaction = self.begin(None).await?;
        let refund = found(&mut transaction, id).await?;
        let payment = row(&mut transaction, refund.payment_id).await?;
        commit(transaction).await?;
        let report = reports.entry(refund.store_id).or_default();
        let finding = |what: &str, gateway: &str, repaired| Finding {
            payment_id: refund.payment_id,
            refund_id: Some(id),
            what: what.to_owned(),
            ours: refund.status.clone(),
            gateway: gateway.to_owned(),
            amount: refund.amount,
            repaired,
        };
        let Some(refund_id) = &refund.external_reference else {
            if now - refund.created_at > UNANSWERED {
                report.findings.push(finding("refund_not_answered", "unknown", false));
            }
            return Ok(());
        };
        let gateway = self.gateways()?.of(api(&payment));
        let mut looked_up = gateway.look_up_refund(refund_id).await;
        if has_waited(&looked_up).await {
            looked_up = gateway.look_up_refund(refund_id).await;
        }
        let shown = match looked_up {
            Ok(shown) => shown,
            Err(error) => {
                report.unchecked += 1;
                report.findings.push(finding("unchecked", error.code(), false));
                return Ok(());
            }
        };
        report.checked += 1;
        let mut transaction = self.begin(None).await?;
        match settle_refund(&mut transaction, &refund, &shown, now).await {
            Ok(false) => {}
            Ok(true) => {
                commit(transaction).await?;
                report.repaired += 1;
                report.findings.push(finding("refund_webhook_lost", &format!("{:?}", shown.state).to_lowercase(), true));
            }
            Err(PaymentError::Contradiction { detail, .. }) => report.findings.push(finding("refund_differs", &detail, false)),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// What both books cannot be right about. `is_known`: the last money that the gateway names is in ours.
fn contradiction(payment: &PaymentRow, request: &Request, is_known: bool) -> Option<&'static str> {
    let ours = status(payment);
    let had_money = matches!(ours, Status::Succeeded | Status::Refunded);
    let is_paid = matches!(request.state, RequestState::Paid | RequestState::Closed);
    if request.amount.map(|amount| amount.0) != Some(payment.amount) || request.currency != "IDR" {
        return Some("amount_differs");
    }
    match request.state {
        _ if had_money => (!is_paid && !is_known).then_some("money_unknown_to_gateway"),
        // The older API does not tell a code that was paid from one that has expired.
        RequestState::Closed if ours.is_open() => Some("closed_without_a_word"),
        RequestState::Expired | RequestState::Cancelled if request.latest_payment_id.is_some() && !is_known => Some("perhaps_paid_late"),
        _ => None,
    }
}

/// Waits out what the gateway asks for, if that is not long; then it can be asked again.
async fn has_waited<T>(answer: &Result<T, GatewayError>) -> bool {
    let Some(wait) = answer.as_ref().err().and_then(GatewayError::wait).filter(|wait| *wait <= PATIENCE) else { return false };
    tokio::time::sleep(wait).await;
    true
}
