use secrecy::SecretString;

use super::ConfigError;
use super::setting::settings;
use crate::host::is_read_on_the_way;

settings! {
    /// QRIS payments through Xendit. Without a key no payment can be made.
    pub struct XenditConfig in "xendit" {
        /// Secret key, as `xnd_development_...` for trying out or `xnd_production_...` for money.
        secret_key: Option<SecretString> = None, "XENDIT_SECRET_KEY";
        /// Token that Xendit sends along with every webhook (`x-callback-token`); its dashboard shows it. Without it webhooks are refused,
        /// and money is seen only when the gateway is asked.
        callback_token: Option<SecretString> = None, "XENDIT_CALLBACK_TOKEN";
        /// By which of its APIs new payments are made: `payment_requests` (v3) or `qr_codes` (2022-07-31). Payments of the other one
        /// are still followed. Each has webhooks of its own; the dashboard must send those of this one.
        api: String = "payment_requests".to_owned(), "VIRALCAST_XENDIT__API";
        /// Where it is. `viralcast standin` answers under `http://127.0.0.1:4100/xendit`.
        url: String = "https://api.xendit.co".to_owned(), "VIRALCAST_XENDIT__URL";
    }
}

impl XenditConfig {
    /// As the stand-in at `base` has it.
    #[must_use]
    pub fn of_stand_in(base: &str) -> Self {
        Self {
            secret_key: Some("xnd_development_standin".into()),
            callback_token: Some("standin-callback-token".into()),
            url: format!("{base}/xendit"),
            ..Self::default()
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let invalid = |key, env, value: &str, reason, hint| ConfigError::Invalid { key, env, value: value.to_owned(), reason, hint };
        if !matches!(self.api.as_str(), "payment_requests" | "qr_codes") {
            let reason = "there is no such API";
            return Err(invalid("xendit.api", "VIRALCAST_XENDIT__API", &self.api, reason, "set payment_requests or qr_codes"));
        }
        // The key travels in every request.
        let is_here = self.url.starts_with("http://") && !is_read_on_the_way(&self.url);
        if !self.url.starts_with("https://") && !is_here {
            let reason = "the key would go over the network in the clear";
            return Err(invalid("xendit.url", "VIRALCAST_XENDIT__URL", &self.url, reason, "use https, or a stand-in on this machine"));
        }
        Ok(())
    }
}
