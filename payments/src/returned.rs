//! What became of money that was asked back.

use chrono::{DateTime, Utc};
use domain::Idr;
use platform::db::orders::lock_order;
use platform::db::payment_receipts::receipts_of_payment;
use platform::db::payments::lock_payment;
use platform::db::refunds::{RefundRow, adopt_refund, end_refund};
use sqlx::PgConnection;

use crate::gateway::{RefundShown, RefundState};
use crate::life::Word;
use crate::payment::{row, status};
use crate::settle::{announce, hear};
use crate::{PaymentError, events};

/// Applies what the gateway says of a refund; true if it has ended, now or before. The same again changes nothing.
pub(crate) async fn settle_refund(
    transaction: &mut PgConnection,
    refund: &RefundRow,
    shown: &RefundShown,
    now: DateTime<Utc>,
) -> Result<bool, PaymentError> {
    let contradiction = |detail: String| PaymentError::Contradiction { what: "refund", detail };
    if shown.amount != Some(Idr(refund.amount)) || shown.currency != "IDR" {
        return Err(contradiction(format!("it is over {:?} {}, not {}", shown.amount, shown.currency, Idr(refund.amount))));
    }
    if shown.reference.as_ref().is_some_and(|reference| *reference != refund.reference_id) {
        return Err(contradiction(format!("its reference is {:?}, not `{}`", shown.reference, refund.reference_id)));
    }
    let payment = row(transaction, refund.payment_id).await?;
    lock_order(transaction, payment.order_id).await?;
    lock_payment(transaction, payment.id).await?;
    adopt_refund(&mut *transaction, refund.id, &shown.id).await?;
    let ended = match shown.state {
        RefundState::Waiting => return Ok(false),
        RefundState::Done => "succeeded",
        RefundState::Failed => "failed",
        RefundState::Cancelled => "cancelled",
    };
    if !end_refund(&mut *transaction, refund.id, ended, shown.failure_code.as_deref()).await? {
        return Ok(true);
    }
    events::refund_ended(ended);
    let receipts = receipts_of_payment(&mut *transaction, payment.id).await?;
    let is_all_back = receipts.iter().all(|receipt| receipt.returned >= receipt.amount);
    let is_told = ended == "succeeded" && is_all_back && hear(transaction, payment.id, Word::AllReturned, None, now).await?.is_news;
    if !is_told {
        announce(transaction, &payment, status(&payment), None, now).await?;
    }
    Ok(true)
}
