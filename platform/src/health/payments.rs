//! Payments: whether they can be made, and whether money will be heard of.

use super::Check;
use crate::config::XenditConfig;

pub(super) fn set_up(config: &XenditConfig) -> Check {
    const NAME: &str = "payments";
    match (&config.secret_key, &config.callback_token) {
        (None, _) => Check::ok(NAME, "not configured: set XENDIT_SECRET_KEY to take QRIS payments"),
        (Some(_), None) => Check::warning(
            NAME,
            format!("QRIS by {} at {}, but its webhooks are refused", config.api, config.url),
            "set XENDIT_CALLBACK_TOKEN to the token that Xendit's dashboard shows; until then money is seen only by polling",
        ),
        (Some(_), Some(_)) => Check::ok(NAME, format!("QRIS by {} at {}", config.api, config.url)),
    }
}
