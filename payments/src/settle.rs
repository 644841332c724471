//! What was heard becomes what is: payment, order, money, announcement and news commit together.

use chrono::{DateTime, Utc};
use domain::Idr;
use domain::event::{Event, OrderChanged, PaymentChanged};
use domain::job::{MailNews, PollPayment};
use platform::bus::outbox;
use platform::db::notifications::{News, tell_members};
use platform::db::orders::{OrderToPay, lock_order, pay_order, refund_order};
use platform::db::payment_receipts::{NewReceipt, find_receipt, flag_receipt, insert_receipt, name_receipt, receipts_of_payment};
use platform::db::payments::{PaymentRow, adopt_request, lock_payment, open_payment_of_order, payment_that_paid, turn_payment};
use platform::queue::{EnqueueOptions, enqueue};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::gateway::{Request, RequestState};
use crate::life::{Attention, OrderTurn, Standing, Status, Turn, Word, judge};
use crate::payment::{row, status};
use crate::told::MoneyTold;
use crate::{PaymentError, events};

/// What the gateway said when asked, and the money that its webhook told of, if that was what made us ask.
pub(crate) struct Finding<'a> {
    pub request: &'a Request,
    pub money: Option<&'a MoneyTold>,
}

/// What became of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settled {
    pub status: Status,
    /// Whether it was not so before.
    pub is_news: bool,
}

/// Money that comes to a payment.
struct Incoming<'a> {
    payment_id: &'a str,
    request_id: &'a str,
    amount: Option<Idr>,
    fits: bool,
    at: DateTime<Utc>,
    issuer: Option<&'a str>,
}

/// A payment whose rows nobody else changes.
struct Locked {
    payment: PaymentRow,
    order: OrderToPay,
}

/// Orders are locked before their payments, everywhere.
async fn lock(transaction: &mut PgConnection, id: Uuid) -> Result<Locked, PaymentError> {
    let order_id = row(transaction, id).await?.order_id;
    let order = lock_order(transaction, order_id).await?.ok_or(PaymentError::NotFound { what: "order", id: order_id })?;
    let payment = lock_payment(transaction, id).await?.ok_or(PaymentError::NotFound { what: "payment", id })?;
    Ok(Locked { payment, order })
}

/// Applies what was found out at the gateway. The same finding again changes nothing. Under a role that sees every store.
pub(crate) async fn settle(
    transaction: &mut PgConnection,
    id: Uuid,
    finding: &Finding<'_>,
    now: DateTime<Utc>,
) -> Result<Settled, PaymentError> {
    let request = finding.request;
    let locked = lock(transaction, id).await?;
    // A request that we have never heard the id of, since its answer was lost.
    if request.state != RequestState::Open {
        adopt_request(&mut *transaction, id, &request.id).await?;
    }
    if let Some(money) = incoming(transaction, &locked.payment, finding, now).await? {
        return receive(transaction, &locked, &money, now).await;
    }
    let word = match request.state {
        RequestState::Failed => Word::Failed,
        RequestState::Expired => Word::Expired,
        RequestState::Cancelled => Word::Cancelled,
        RequestState::Closed if locked.payment.expires_at.is_some_and(|expires_at| expires_at <= now) => Word::Expired,
        RequestState::Open | RequestState::Paid | RequestState::Closed => {
            return Ok(Settled { status: status(&locked.payment), is_news: false });
        }
    };
    // Of a code that nobody has seen, the payment's own goes on.
    if locked.payment.external_reference.as_ref().is_some_and(|own| *own != request.id) {
        return Ok(Settled { status: status(&locked.payment), is_news: false });
    }
    take_word(transaction, &locked, word, request.failure_code.as_deref(), now).await
}

/// Applies a word of our own.
pub(crate) async fn hear(
    transaction: &mut PgConnection,
    id: Uuid,
    word: Word,
    code: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Settled, PaymentError> {
    let locked = lock(transaction, id).await?;
    take_word(transaction, &locked, word, code, now).await
}

/// The money of a finding. Without a webhook there is some only where the gateway calls the request paid.
async fn incoming<'a>(
    transaction: &mut PgConnection,
    payment: &PaymentRow,
    finding: &'a Finding<'_>,
    now: DateTime<Utc>,
) -> Result<Option<Incoming<'a>>, PaymentError> {
    let request = finding.request;
    let asked = Some(Idr(payment.amount));
    let is_ours = request.amount == asked && request.currency == "IDR";
    if let Some(told) = finding.money {
        let fits = is_ours && told.amount == asked && told.currency == "IDR";
        let (at, issuer) = (told.at.unwrap_or(now), told.issuer.as_deref());
        return Ok(Some(Incoming { payment_id: &told.payment_id, request_id: &request.id, amount: told.amount, fits, at, issuer }));
    }
    if request.state != RequestState::Paid {
        return Ok(None);
    }
    // Money whose id the gateway does not tell bears the request's until a webhook names it.
    let payment_id = request.latest_payment_id.as_deref().unwrap_or(&request.id);
    if request.latest_payment_id.is_none() {
        let known = receipts_of_payment(&mut *transaction, payment.id).await?;
        if known.iter().any(|receipt| receipt.request_id == request.id) {
            return Ok(None);
        }
    }
    Ok(Some(Incoming { payment_id, request_id: &request.id, amount: None, fits: is_ours, at: now, issuer: None }))
}

async fn receive(
    transaction: &mut PgConnection,
    locked: &Locked,
    money: &Incoming<'_>,
    now: DateTime<Utc>,
) -> Result<Settled, PaymentError> {
    let Locked { payment, .. } = locked;
    name_receipt(&mut *transaction, money.request_id, money.payment_id).await?;
    let known = find_receipt(&mut *transaction, money.payment_id).await?;
    if let Some((receipt_id, amount)) = known {
        // Polling saw that money came; only the webhook tells how much.
        let is_other = money.amount.is_some_and(|told| told.0 != amount);
        if is_other {
            flag_receipt(&mut *transaction, receipt_id, Attention::WrongAmount.as_str()).await?;
            tell(transaction, payment, money, status(payment), Some(Attention::WrongAmount), now).await?;
        }
        return Ok(Settled { status: status(payment), is_news: is_other });
    }
    let turn = judge(status(payment), standing(transaction, locked).await?, Word::Money { fits: money.fits });
    let receipt = NewReceipt {
        store_id: payment.store_id,
        payment_id: payment.id,
        external_payment_id: money.payment_id,
        request_id: money.request_id,
        // What cannot be read is looked at by a person; no sum of money is lost by it.
        amount: money.amount.map_or(payment.amount, |amount| amount.0).max(1),
        issuer: money.issuer,
        received_at: money.at,
        attention: turn.attention.map(Attention::as_str),
    };
    insert_receipt(&mut *transaction, &receipt).await?;
    let code = turn.attention.filter(|_| turn.status == Status::Failed).map(Attention::as_str);
    apply(transaction, payment, turn, code, Some(money.at), now).await?;
    tell(transaction, payment, money, turn.status, turn.attention, now).await?;
    Ok(Settled { status: turn.status, is_news: true })
}

async fn take_word(
    transaction: &mut PgConnection,
    locked: &Locked,
    word: Word,
    code: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Settled, PaymentError> {
    let turn = judge(status(&locked.payment), standing(transaction, locked).await?, word);
    let is_news = turn.status != status(&locked.payment);
    if is_news {
        apply(transaction, &locked.payment, turn, code, None, now).await?;
        announce(transaction, &locked.payment, turn.status, None, now).await?;
    }
    Ok(Settled { status: turn.status, is_news })
}

async fn standing(transaction: &mut PgConnection, locked: &Locked) -> Result<Standing, PaymentError> {
    Ok(match locked.order.status.as_str() {
        "pending" => Standing::Open,
        "cancelled" | "refunded" => Standing::TakenBack,
        _ if payment_that_paid(transaction, locked.payment.order_id).await? == Some(locked.payment.id) => Standing::PaidByThis,
        _ => Standing::PaidOtherwise,
    })
}

/// Writes a turn down.
async fn apply(
    transaction: &mut PgConnection,
    payment: &PaymentRow,
    turn: Turn,
    code: Option<&str>,
    paid_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), PaymentError> {
    if turn.status != status(payment) {
        let paid_at = paid_at.filter(|_| turn.status == Status::Succeeded);
        turn_payment(&mut *transaction, payment.id, turn.status.as_str(), code, paid_at).await?;
        events::turned(turn.status);
    }
    match turn.order {
        Some(OrderTurn::Paid) => {
            pay_order(&mut *transaction, payment.order_id).await?;
            // A code that was made after this one had ended is not needed any more.
            if let Some(other) = open_payment_of_order(&mut *transaction, payment.order_id).await? {
                enqueue(transaction, &PollPayment { payment_id: other, once: true }, EnqueueOptions::default()).await?;
            }
        }
        Some(OrderTurn::Refunded) => refund_order(&mut *transaction, payment.order_id, now).await?,
        None => return Ok(()),
    }
    let order_status = if turn.order == Some(OrderTurn::Refunded) { "refunded" } else { "paid" };
    let changed = OrderChanged { store_id: payment.store_id.into(), order_id: payment.order_id, order_status: order_status.to_owned() };
    Ok(outbox::record(transaction, &Event::OrderChanged(changed).seal(now)?).await?)
}

/// For screens that are open.
pub(crate) async fn announce(
    transaction: &mut PgConnection,
    payment: &PaymentRow,
    status: Status,
    attention: Option<Attention>,
    now: DateTime<Utc>,
) -> Result<(), PaymentError> {
    let changed = PaymentChanged {
        store_id: payment.store_id.into(),
        payment_id: payment.id,
        order_id: payment.order_id,
        status: status.as_str().to_owned(),
        attention: attention.map(|attention| attention.as_str().to_owned()),
    };
    outbox::record(transaction, &Event::PaymentChanged(changed).seal(now)?).await?;
    Ok(())
}

/// The store's people hear of money once, and by mail too if they must look.
async fn tell(
    transaction: &mut PgConnection,
    payment: &PaymentRow,
    money: &Incoming<'_>,
    status: Status,
    attention: Option<Attention>,
    now: DateTime<Utc>,
) -> Result<(), PaymentError> {
    announce(transaction, payment, status, attention, now).await?;
    let (due, came) = (Idr(payment.amount), money.amount.unwrap_or(Idr(payment.amount)));
    let (kind, title, body) = match attention {
        None => ("payment_received", "Pembayaran diterima", format!("{came} lewat QRIS.")),
        Some(Attention::WrongAmount) => {
            ("payment_attention", "Jumlah pembayaran tidak cocok", format!("Yang masuk {came}, seharusnya {due}. Periksa lalu kembalikan."))
        }
        Some(Attention::SecondPayment) => {
            ("payment_attention", "Pesanan dibayar dua kali", format!("{came} masuk untuk pesanan yang sudah lunas. Kembalikan uangnya."))
        }
        Some(Attention::OrderTakenBack) => (
            "payment_attention",
            "Pesanan yang dibatalkan dibayar",
            format!("{came} masuk untuk pesanan yang sudah dibatalkan. Kembalikan uangnya."),
        ),
    };
    let unique_key = format!("{kind}:{}", money.payment_id);
    let data = json!({"payment_id": payment.id, "order_id": payment.order_id, "amount": came});
    let news = News { store_id: payment.store_id, kind, title, body: &body, data, unique_key: &unique_key };
    tell_members(&mut *transaction, &news).await?;
    if let Some(attention) = attention {
        events::attention(payment.id, attention);
        let mail = MailNews { store_id: payment.store_id.into(), unique_key };
        enqueue(transaction, &mail, EnqueueOptions::default()).await?;
    }
    Ok(())
}
