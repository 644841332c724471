use std::time::Duration;

use domain::event::EventError;
use domain::qris::QrisError;
use domain::{Hint, Idr};
use platform::bus::BusError;
use platform::db::DbError;
use platform::queue::QueueError;
use uuid::Uuid;

use crate::gateway::GatewayError;
use crate::life::Status;

/// Why something could not be done with a payment.
#[derive(Debug, thiserror::Error)]
pub enum PaymentError {
    #[error("payments are not configured")]
    NotConfigured,
    /// Or not for whoever asks.
    #[error("there is no {what} `{id}`")]
    NotFound { what: &'static str, id: Uuid },
    #[error("the order is {status} and takes no payment")]
    OrderNotOpen { status: String },
    #[error("the order has no total: a line of it has no price")]
    NoTotal,
    #[error("QRIS takes from {least} to {most}, not {amount}", least = Idr(1), most = crate::create::MOST)]
    OutOfRange { amount: Idr },
    #[error("the payment is {} and cannot be cancelled", .status.as_str())]
    NotOpen { status: Status },
    #[error("the payment may have been paid in this very moment; that is being looked at")]
    MayBePaid,
    #[error("the gateway is being asked for the code right now")]
    BeingAsked { wait: Duration },
    #[error("{asked} is more than the {left} that can still be given back of one payment")]
    MoreThanPaid { asked: Idr, left: Idr },
    #[error("the key `{key}` stands for another refund")]
    KeyReused { key: String },
    #[error("the key of a refund has 1 to 64 characters")]
    WrongKey,
    /// The code must not be shown.
    #[error("the gateway made a code that is not the one that was asked for")]
    BadCode(#[from] QrisError),
    #[error("the gateway's {what} contradicts our books: {detail}")]
    Contradiction { what: &'static str, detail: String },
    #[error("the gateway does not confirm yet what its webhook said")]
    NotConfirmed,
    /// Nothing more is told to whoever does not know it.
    #[error("the webhook does not carry the callback token, or none is configured")]
    WrongToken,
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    #[error("the books of payments cannot be kept")]
    Database(#[from] DbError),
    #[error("a job of a payment cannot be queued")]
    Queue(#[from] QueueError),
    #[error("a change of a payment cannot be announced")]
    Bus(#[from] BusError),
    #[error("a change of a payment cannot be told")]
    Event(#[from] EventError),
}

impl Hint for PaymentError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotConfigured => "set XENDIT_SECRET_KEY; to try it out, `viralcast standin` and VIRALCAST_XENDIT__URL",
            Self::NotFound { .. } => "check the id and the store that it belongs to",
            Self::OrderNotOpen { .. } => "make a new order",
            Self::NoTotal => "give every line of the order a price",
            Self::OutOfRange { .. } => "take the rest in cash, or by an order of its own",
            Self::NotOpen { .. } => "give money back by a refund",
            Self::MayBePaid => "look again in a moment; if money came, give it back by a refund",
            Self::BeingAsked { .. } | Self::NotConfirmed => "try again in a moment",
            Self::MoreThanPaid { .. } => "ask for less; refunds that wait count as well",
            Self::KeyReused { .. } => "take a new key for a new refund",
            Self::WrongKey => "send a random key, and the same again when you try again",
            Self::Contradiction { .. } => "compare both with the dashboard of the gateway",
            Self::WrongToken => "set XENDIT_CALLBACK_TOKEN to the token that the gateway's dashboard shows",
            Self::BadCode(error) => return error.hint(),
            Self::Gateway(error) => return error.hint(),
            Self::Database(error) => return error.hint(),
            Self::Queue(error) => return error.hint(),
            Self::Bus(_) | Self::Event(_) => return None,
        };
        Some(hint.to_owned())
    }
}

impl PaymentError {
    /// When to try again, where that is known: no fault of whoever tries.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::BeingAsked { wait } => Some(*wait),
            Self::Gateway(error) => error.wait(),
            _ => None,
        }
    }
}
