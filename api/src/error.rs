//! The one error type of this crate.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use payments::PaymentError;
use platform::auth::AuthError;
use platform::backfills::MoveError;
use platform::bus::BusError;
use platform::db::DbError;
use platform::objects::ObjectError;
use platform::queue::QueueError;

/// What can go wrong with a request, or with serving at all.
///
/// Handlers return it; the client sees the problem document that [`crate::problem`] makes of it, never its text or
/// sources: those go to the log, once.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("the request is malformed: {}", fields.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    InvalidRequest { fields: Vec<FieldError> },

    #[error("{resource} `{name}` does not exist or is not visible to the caller")]
    NotFound { resource: Resource, name: String },

    #[error("store `{store}` has no published forecast")]
    NothingPublished { store: String },

    #[error("no route answers this path")]
    RouteNotFound,

    #[error("the request names the host `{}`", host.as_deref().unwrap_or("(none)"))]
    ForeignHost { host: Option<String> },

    #[error("nobody is signed in")]
    SignInRequired,

    /// They are someone, and may not do this.
    #[error("the caller may not: {needed}")]
    Forbidden { needed: String },

    /// A browser says that another site made it ask.
    #[error("the request comes from another site")]
    ForeignOrigin,

    #[error("the request has a cookie and no token that our own pages would send with it")]
    CsrfTokenMissing,

    /// One answer for an address that nobody has and for a password that is wrong.
    #[error("address or password are wrong")]
    WrongCredentials,

    /// Said only to whoever gave the right password.
    #[error("a code of the second factor is missing")]
    SecondFactorRequired,

    /// Used, of another time, or none.
    #[error("the code of the second factor is wrong")]
    WrongCode,

    /// An operator, where operators need one.
    #[error("the caller has no second factor")]
    SecondFactorMissing,

    /// They are someone, but nobody knows yet whether the address is theirs.
    #[error("the caller has not proved that their address is theirs")]
    AddressNotVerified,

    /// Used, expired, of something else, or never made.
    #[error("the one-time token is not valid")]
    InvalidOneTimeToken,

    #[error("too many attempts; again in {after:?}")]
    TooManyAttempts { after: Duration },

    /// What is there forbids it.
    #[error("refused by the rule `{rule}`")]
    Conflict { rule: &'static str },

    /// The same request, with the same `Idempotency-Key`, is being answered.
    #[error("the same request is on its way")]
    InFlight,

    #[error("the idempotency key belongs to another request")]
    KeyReused,

    #[error("an answer cannot be written as JSON")]
    Unwritable,

    /// The body is of a type that the route does not read.
    #[error("the body is not JSON")]
    NotJson,

    /// Whatever its header says.
    #[error("the body is no picture that browsers show")]
    NotAPicture,

    #[error("the object store did not answer")]
    Objects(#[from] ObjectError),

    #[error(transparent)]
    Auth(#[from] AuthError),

    /// An error that several requests wait for.
    #[error(transparent)]
    Shared(Arc<ApiError>),

    /// Nothing more is told to whoever cannot sign.
    #[error("the request is not signed with a secret of this store")]
    Unsigned,

    /// Nothing more is told to whoever does not know it.
    #[error("the webhook does not carry our callback token")]
    WrongToken,

    #[error("the body is larger than {limit_bytes} bytes")]
    BodyTooLarge { limit_bytes: usize },

    /// A refusal by the framework that no variant above names: only its status is known.
    #[error("refused with {0}")]
    Refused(StatusCode),

    #[error("no answer within {after:?}")]
    Timeout { after: Duration },

    /// The process runs, but something it needs does not.
    #[error("{} not reachable", dependencies.join(", "))]
    NotReady { dependencies: Vec<&'static str> },

    #[error("the database did not answer")]
    Database(#[from] DbError),

    #[error("the bus did not answer")]
    Bus(#[source] BusError),

    /// As many as this process has room for are here.
    #[error("there is no room left")]
    Busy,

    #[error("the queue did not answer")]
    Queue(#[from] QueueError),

    #[error("a payment could not be handled")]
    Payment(#[source] PaymentError),

    #[error("the handler panicked: {message}")]
    Panicked { message: String },

    #[error("cannot listen on {address}: {source}")]
    Listen {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },

    #[error("cannot use the certificate `{}` with the key `{}`: {source}", certificate.display(), key.display())]
    Certificate {
        certificate: PathBuf,
        key: PathBuf,
        #[source]
        source: std::io::Error,
    },

    #[error("the server stopped")]
    Serve(#[source] std::io::Error),
}

/// One thing wrong with one part of a request. The detail is for developers and always English.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Name of the query parameter, path parameter or body field; empty for the whole.
    #[schema(example = "from")]
    pub field: String,
    #[schema(example = "must be a date such as 2026-11-23")]
    pub detail: String,
    /// It is as the document says, and still does not do.
    #[serde(skip)]
    pub(crate) is_unfit: bool,
}

/// Begins what a deserialiser says of a value that is well-formed and still does not do: nothing else of its error comes through serde.
const UNFIT: char = '\u{1}';

/// For deserialisers: the value is as the document says, and still does not do.
pub(crate) fn unfit<E: serde::de::Error>(detail: impl std::fmt::Display) -> E {
    E::custom(format_args!("{UNFIT}{detail}"))
}

impl FieldError {
    pub(crate) fn new(field: impl Into<String>, detail: impl Into<String>) -> Self {
        let detail: String = detail.into();
        match detail.strip_prefix(UNFIT) {
            Some(detail) => Self::unfit(field, detail),
            None => Self { field: field.into(), detail, is_unfit: false },
        }
    }

    /// Well-formed, but it does not fit what is there, or the rest of the request.
    pub(crate) fn unfit(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { field: field.into(), detail: detail.into(), is_unfit: true }
    }
}

impl std::fmt::Display for FieldError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.field, self.detail)
    }
}

impl From<FieldError> for ApiError {
    fn from(field: FieldError) -> Self {
        Self::InvalidRequest { fields: vec![field] }
    }
}

/// What a path can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    Store,
    Run,
    Backfill,
    DeadLetter,
    Session,
    Order,
    Product,
    Waste,
    Promo,
    Event,
    Payment,
    Member,
    Category,
    Ingredient,
    Recipe,
    Avatar,
    Job,
    Override,
    WhatIf,
    Notification,
    Export,
    SecurityContact,
}

impl std::fmt::Display for Resource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Store => "store",
            Self::Run => "run",
            Self::Backfill => "backfill",
            Self::DeadLetter => "dead letter",
            Self::Session => "session",
            Self::Order => "order",
            Self::Product => "product",
            Self::Waste => "waste",
            Self::Promo => "promo",
            Self::Event => "event",
            Self::Payment => "payment",
            Self::Member => "member",
            Self::Category => "category",
            Self::Ingredient => "ingredient",
            Self::SecurityContact => "security contact",
            Self::Recipe => "recipe",
            Self::Avatar => "picture",
            Self::Job => "job",
            Self::Override => "override",
            Self::WhatIf => "what-if",
            Self::Notification => "news",
            Self::Export => "export",
        })
    }
}

impl ApiError {
    /// A conflict where one of these rules was broken.
    pub(crate) fn by_rule(error: DbError, rules: &[&'static str]) -> Self {
        match rules.iter().find(|rule| error.rule() == Some(**rule)) {
            Some(rule) => Self::Conflict { rule },
            None => error.into(),
        }
    }
}

impl domain::Hint for ApiError {
    /// For whoever starts the server; what a client can do is in the problem document.
    fn hint(&self) -> Option<String> {
        match self {
            Self::Listen { .. } => Some("stop the program that has the port, or choose another one with VIRALCAST_HTTP__PORT".to_owned()),
            Self::Certificate { .. } => Some(
                "name files in PEM that this program may read: the certificate with those that vouch for it (fullchain.pem), and its own key"
                    .to_owned(),
            ),
            Self::Database(error) => error.hint(),
            Self::Queue(error) => error.hint(),
            Self::Objects(error) => error.hint(),
            Self::Auth(error) => error.hint(),
            Self::Shared(error) => error.hint(),
            Self::Payment(error) => error.hint(),
            _ => None,
        }
    }
}

/// What any part of the product says of its database or queue is said the same way.
impl From<PaymentError> for ApiError {
    fn from(error: PaymentError) -> Self {
        match error {
            PaymentError::WrongToken => Self::WrongToken,
            PaymentError::Database(error) => Self::Database(error),
            PaymentError::Queue(error) => Self::Queue(error),
            error => Self::Payment(error),
        }
    }
}

/// What a backfill is now says what can be done about it.
impl From<MoveError> for ApiError {
    fn from(error: MoveError) -> Self {
        let rule = match error {
            MoveError::NotFound { id } => return Self::NotFound { resource: Resource::Backfill, name: id.to_string() },
            MoveError::Database(error) => return error.into(),
            MoveError::Queue(error) => return error.into(),
            MoveError::NoShadow { .. } => "backfill_has_no_shadow",
            MoveError::State { state, .. } => match state.as_str() {
                "running" => "backfill_is_running",
                "paused" => "backfill_is_paused",
                "ready" => "backfill_is_ready",
                "refused" => "backfill_is_refused",
                "published" => "backfill_is_published",
                "rolled_back" => "backfill_is_rolled_back",
                _ => "backfill_is_cancelled",
            },
        };
        Self::Conflict { rule }
    }
}

impl IntoResponse for ApiError {
    /// Only the status and the error itself: `problem::Asked::render` knows the language and the trace, and writes the body.
    fn into_response(self) -> Response {
        crate::problem::pending(self)
    }
}
