//! On whose behalf a request is made, and what they may do.
//!
//! [`identify`] runs before every route and finds out who asks; it refuses nobody. A handler says by its arguments what it needs: a
//! [`Caller`], an [`Operator`], a [`Reader`]; whoever is not that gets 401 or 403. Row-level security stands behind.

mod again;
mod attempts;
mod auth;
mod caller;
mod client;
mod cookies;
mod csrf;
mod device;
mod identify;
mod second_factor;
mod sign_in;
mod standings;
mod unsigned;

pub(crate) use again::{PasswordAgain, with_password_again};
pub(crate) use attempts::{check_again, check_attempt, check_codes, check_export, check_links};
pub use auth::Auth;
pub(crate) use caller::{Caller, Operator, Reader};
pub(crate) use client::ClientAddress;
pub use client::alias_of;
pub(crate) use cookies::Cookies;
pub(crate) use csrf::{check_origin, check_token};
pub(crate) use device::{Device, DeviceToken};
pub(crate) use identify::{Asker, identify, who};
pub(crate) use second_factor::check_second_factor;
pub(crate) use sign_in::{Agent, Failure, Proven, SignIn, end_earlier, refresh, remember_failure, sign_in};
pub(crate) use unsigned::Unsigned;
