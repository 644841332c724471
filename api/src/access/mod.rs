//! On whose behalf a request is made, and what they may do.
//!
//! [`identify`] runs before every route and finds out who asks; it refuses nobody. A handler says by its arguments what it needs: a
//! [`Caller`], an [`Operator`], a [`Reader`]; whoever is not that gets 401 or 403. Row-level security stands behind.

mod attempts;
mod auth;
mod caller;
mod client;
mod cookies;
mod csrf;
mod identify;
mod sign_in;
mod standings;

pub(crate) use attempts::{check_attempt, check_export, check_links};
pub use auth::Auth;
pub(crate) use caller::{Caller, Operator, Reader};
pub(crate) use client::ClientAddress;
pub(crate) use cookies::Cookies;
pub(crate) use csrf::{check_origin, check_token};
pub(crate) use identify::{Asker, identify, who};
pub(crate) use sign_in::{Agent, Proven, SignIn, end_earlier, refresh, remember_failure, sign_in};
