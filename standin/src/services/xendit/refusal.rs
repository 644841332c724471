//! Error bodies: `{"error_code", "message"}`.

use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A code of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "the names are Xendit's and all there is to say")]
pub enum Code {
    ApiValidationError,
    ChannelUnavailable,
    DataNotFound,
    DuplicateError,
    InactivePaymentRequest,
    IneligibleTransactionStatus,
    InsufficientBalance,
    InvalidApiKey,
    InvalidMerchantSettings,
    InvalidValueError,
    IssuerUnavailable,
    PartialRefundCountsExceeded,
    PaymentRequestRateLimited,
    RateLimitExceeded,
    RefundAmountExceeded,
    RefundInProgress,
    RefundNotSupported,
    ServerError,
    TemporarilyUnavailable,
}

impl Code {
    fn status(self) -> StatusCode {
        match self {
            Code::InvalidApiKey => StatusCode::UNAUTHORIZED,
            Code::InvalidMerchantSettings | Code::RefundNotSupported => StatusCode::FORBIDDEN,
            Code::DataNotFound => StatusCode::NOT_FOUND,
            Code::DuplicateError => StatusCode::CONFLICT,
            Code::RateLimitExceeded => StatusCode::TOO_MANY_REQUESTS,
            Code::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
            Code::ChannelUnavailable | Code::IssuerUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            // One of these is a limit of requests, and still a 400.
            _ => StatusCode::BAD_REQUEST,
        }
    }

    fn message(self) -> &'static str {
        match self {
            Code::ApiValidationError => {
                "Fields or values in the payment request does not comply with our API specification. Check the specific error message \
                 for debugging."
            }
            Code::ChannelUnavailable => "The payment channel is temporarily unavailable.",
            Code::DataNotFound => "The requested data was not found.",
            Code::DuplicateError => "ID_DANA only allows 1 static QR code for each merchant",
            Code::InactivePaymentRequest => "The payment request is not active any more.",
            Code::IneligibleTransactionStatus => "The status of the transaction does not allow this.",
            Code::InsufficientBalance => "The balance does not cover the refund.",
            Code::InvalidApiKey => "The API key is invalid.",
            Code::InvalidMerchantSettings => "The merchant is not set up for this channel.",
            Code::InvalidValueError => "A value is outside what the channel accepts.",
            Code::IssuerUnavailable => "The issuer is temporarily unavailable.",
            Code::PartialRefundCountsExceeded => "No more partial refunds are possible.",
            Code::PaymentRequestRateLimited => "Too many payment requests were made.",
            Code::RateLimitExceeded => "Too many requests.",
            Code::RefundAmountExceeded => "The refund exceeds what was paid.",
            Code::RefundInProgress => "Another refund is in progress.",
            Code::RefundNotSupported => "The issuer does not support refunds.",
            Code::ServerError => "An unexpected error occurred.",
            Code::TemporarilyUnavailable => "Refunds are temporarily unavailable.",
        }
    }
}

/// A request that is not followed.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: Code,
    message: String,
    pub(super) headers: HeaderMap,
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Refusal { status: code.status(), code, message: code.message().to_owned(), headers: HeaderMap::new() }
    }
}

impl Refusal {
    /// A field that does not keep to the specification.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Refusal { message: message.into(), ..Code::ApiValidationError.into() }
    }

    /// A field whose value the channel does not take.
    pub(super) fn value(message: impl Into<String>) -> Self {
        Refusal { message: message.into(), ..Code::InvalidValueError.into() }
    }

    /// With the headers that say until when.
    pub(super) fn rate_limited(headers: HeaderMap) -> Self {
        Refusal { headers, ..Code::RateLimitExceeded.into() }
    }

    /// The 409 of a duplicate, for which the documents list the code of the 404.
    pub(super) fn duplicate() -> Self {
        let message = "The payment request was made already.".to_owned();
        Refusal { status: StatusCode::CONFLICT, message, ..Code::DataNotFound.into() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, self.headers, Json(json!({"error_code": self.code, "message": self.message}))).into_response()
    }
}

pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::invalid(error.to_string()))
}
