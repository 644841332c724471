//! Xendit's QRIS payments: payment requests (v3, `api-version: 2024-11-11`), QR codes (`2022-07-31` and, without that header,
//! v1), refunds, and the webhooks of all of them, posted to a URL of this machine.
//!
//! After Xendit's documents: Basic auth with an empty password, error bodies and codes, 60 or 600 requests a minute and
//! endpoint with three headers, fields of requests and answers, the QR text among the `actions`, a simulation that is always
//! `PENDING`, six retries of a webhook over 24 hours under a static token, `created` as the time of the attempt, refunds
//! within seven days and for listed issuers only, one static code for a merchant, `expired_at` passed over silently.
//! Recorded from the real service: the flat webhook of v1.
//! Reconstructed by us: the v3 answer for QRIS (after that of another country's QR), 201 for what was created, how the QR
//! text is filled, `captures` and `payment_details` in a webhook, every v1 and refund answer, what a simulated payment of a
//! QR code answers, the statuses of codes the documents give none for, all messages but those of two codes, that a
//! simulation for a request that takes no money does nothing, that any key of the right prefix but the invalid one works.
//! No idempotency key is known to the documents, so none has an effect: two equal requests make two payment requests.
//! Not built: sessions, channels other than QRIS, authorisations, split rules and sub-accounts, the limit by address.
//!
//! [`Settings`] say how webhooks go out and how refunds end; [`Quirk`]s are planned for the next requests; `pay`, `fail` and
//! `expire` under `/standin/xendit` are what a customer or time does.

mod codes;
mod control;
mod deliver;
mod emv;
mod events;
mod gate;
mod gateway;
mod kept;
mod payments;
mod post;
mod refunds;
mod refusal;
mod requests;
mod wanted;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post as posted};

pub use self::deliver::{Attempt, Webhook};
pub use self::gateway::{Gateway, Quirk, Settings};
pub use self::refusal::Code;

use self::gate::Gate;
use super::{Context, Service};

/// Begins the keys of the test mode.
pub const TEST_KEY: &str = "xnd_development_";
/// Begins the keys that move money.
pub const LIVE_KEY: &str = "xnd_production_";
/// The one test key that is refused.
pub const INVALID_KEY: &str = "xnd_development_invalid";
/// Bytes of one request, so that what is kept of it stays small.
const MOST_BYTES: usize = 32 * 1024;
/// Whose account this is, in every answer.
const BUSINESS: &str = "650000000000000000000001";

/// The service, for the registry.
pub fn service() -> Service {
    let about = "QRIS payments with webhooks, Basic auth with a key xnd_development_...";
    Service { name: "xendit", about, routes: router, control: Some(control::routes) }
}

/// Its routes, as at the real service's root.
pub fn router(context: &Context) -> Router {
    let v3 = Router::new()
        .route("/payment_requests", posted(requests::create))
        .route("/payment_requests/{id}", get(requests::read))
        .route("/payment_requests/{id}/cancel", posted(requests::cancel))
        .route("/payment_requests/{id}/simulate", posted(requests::simulate));
    let codes = Router::new()
        .route("/", posted(codes::create))
        .route("/{id}", get(codes::read))
        .route("/{id}/payments/simulate", posted(codes::simulate))
        .route("/payments/{id}/refunds", posted(refunds::create_for_code));
    let refunds = Router::new().route("/", posted(refunds::create)).route("/{id}", get(refunds::read));
    let site = Router::new().nest("/v3", v3).nest("/qr_codes", codes).nest("/refunds", refunds);
    let gate = from_fn_with_state(Gate::new(context), gate::pass);
    site.route_layer(gate).layer(DefaultBodyLimit::max(MOST_BYTES)).with_state(context.clone())
}
