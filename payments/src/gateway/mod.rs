//! The payment gateway: one trait, two of Xendit's APIs behind it.

mod error;
mod pace;
mod payment_requests;
mod qr_codes;
mod refunds;
pub(crate) mod rupiah;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::Idr;
use platform::config::{OutsideConfig, XenditConfig};

pub use error::GatewayError;

use payment_requests::PaymentRequests;
use qr_codes::QrCodes;
use wire::Wire;

/// An API of the gateway. What a payment was made by, it is followed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// v3, `api-version: 2024-11-11`.
    PaymentRequests,
    /// `api-version: 2022-07-31`.
    QrCodes,
}

impl Api {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PaymentRequests => "payment_requests",
            Self::QrCodes => "qr_codes",
        }
    }

    /// As it is called in settings and in `payments.api`, which know no other.
    #[must_use]
    pub fn of_name(name: &str) -> Self {
        if name == "qr_codes" { Self::QrCodes } else { Self::PaymentRequests }
    }
}

/// What a code is asked for with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub reference: String,
    pub amount: Idr,
    pub description: String,
    pub now: DateTime<Utc>,
}

/// A request for money, as the gateway shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub id: String,
    pub reference: String,
    pub state: RequestState,
    /// `None` where it cannot be read as whole rupiah.
    pub amount: Option<Idr>,
    pub currency: String,
    /// Text of the code.
    pub qr: Option<String>,
    pub expires_at: Option<DateTime<Utc>>,
    /// The last attempt to pay it.
    pub latest_payment_id: Option<String>,
    pub failure_code: Option<String>,
}

/// How far a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestState {
    Open,
    Paid,
    Failed,
    Expired,
    Cancelled,
    /// Paid or expired: the older API does not say which.
    Closed,
}

impl RequestState {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paid => "paid",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Closed => "closed",
        }
    }
}

/// What money is asked back with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedRefund {
    /// The request that was paid.
    pub request_id: String,
    /// The money itself.
    pub payment_id: String,
    pub reference: String,
    pub amount: Idr,
    pub reason: Reason,
}

/// Why money goes back, in the gateway's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Fraudulent,
    Duplicate,
    RequestedByCustomer,
    Cancellation,
    Others,
}

impl Reason {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fraudulent => "FRAUDULENT",
            Self::Duplicate => "DUPLICATE",
            Self::RequestedByCustomer => "REQUESTED_BY_CUSTOMER",
            Self::Cancellation => "CANCELLATION",
            Self::Others => "OTHERS",
        }
    }
}

/// A refund, as the gateway shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundShown {
    pub id: String,
    pub reference: Option<String>,
    pub state: RefundState,
    pub amount: Option<Idr>,
    pub currency: String,
    pub failure_code: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundState {
    Waiting,
    Done,
    Failed,
    Cancelled,
}

/// The gateway. No call is tried a second time in here: whether that is safe, only the caller knows.
#[async_trait]
pub trait Gateway: Send + Sync {
    /// Makes a code. The gateway knows no idempotency key: after [`GatewayError::MayHaveHappened`] there may be a code that nobody has
    /// seen.
    ///
    /// # Errors
    /// [`GatewayError`].
    async fn create(&self, wanted: &Wanted) -> Result<Request, GatewayError>;

    /// By the gateway's own id; by our reference it finds nothing.
    ///
    /// # Errors
    /// [`GatewayError`].
    async fn look_up(&self, request_id: &str) -> Result<Request, GatewayError>;

    /// From then on the code can no longer be scanned.
    ///
    /// # Errors
    /// [`GatewayError::Refused`] where it is too late, [`GatewayError::Unsupported`] where the API cannot.
    async fn cancel(&self, request_id: &str) -> Result<Request, GatewayError>;

    /// Asks for money to go back.
    ///
    /// # Errors
    /// [`GatewayError`].
    async fn refund(&self, wanted: &WantedRefund) -> Result<RefundShown, GatewayError>;

    /// By the gateway's own id.
    ///
    /// # Errors
    /// [`GatewayError`].
    async fn look_up_refund(&self, refund_id: &str) -> Result<RefundShown, GatewayError>;
}

/// Both APIs, on one account. Cheap to clone.
#[derive(Clone)]
pub struct Gateways {
    /// By which new payments are made.
    pub api: Api,
    requests: Arc<PaymentRequests>,
    codes: Arc<QrCodes>,
}

/// For an answer. Xendit says nothing of how long it takes; a customer at the counter waits no longer.
const PATIENCE: Duration = Duration::from_secs(10);

impl Gateways {
    /// `None` without a key: then no payments can be made.
    ///
    /// # Errors
    /// [`GatewayError::Client`] if TLS cannot be set up.
    pub fn new(config: &XenditConfig, outside: &OutsideConfig) -> Result<Option<Self>, GatewayError> {
        Self::patient(config, outside, PATIENCE)
    }

    /// The same with another patience: for tests, which have no time.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn patient(config: &XenditConfig, outside: &OutsideConfig, patience: Duration) -> Result<Option<Self>, GatewayError> {
        let Some(key) = &config.secret_key else { return Ok(None) };
        // A redirect would ask again, at a place that we do not know.
        let client = platform::http::client(outside).redirect(reqwest::redirect::Policy::none()).timeout(patience);
        let client = client.build().map_err(GatewayError::Client)?;
        let wire = Arc::new(Wire::new(client, &config.url, key.clone()));
        Ok(Some(Self {
            api: Api::of_name(&config.api),
            requests: Arc::new(PaymentRequests(Arc::clone(&wire))),
            codes: Arc::new(QrCodes(wire)),
        }))
    }

    #[must_use]
    pub fn of(&self, api: Api) -> &dyn Gateway {
        match api {
            Api::PaymentRequests => self.requests.as_ref(),
            Api::QrCodes => self.codes.as_ref(),
        }
    }
}

impl std::fmt::Debug for Gateways {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateways").field("api", &self.api).finish_non_exhaustive()
    }
}
