use secrecy::SecretString;
use url::Url;

use super::ConfigError;
use super::setting::{choice, settings};
use crate::host::is_read_on_the_way;

settings! {
    /// Signing in.
    pub struct AuthConfig in "auth" {
        /// Secret of the installation, at least 32 random characters: signing keys are sealed with it. Unset: a file in the data folder, made
        /// at first need. Several machines on one database share one.
        secret: Option<SecretString> = None, "VIRALCAST_AUTH__SECRET";
        /// The secret before this one, until `viralcast keys reseal` has sealed anew what it sealed.
        former_secret: Option<SecretString> = None, "VIRALCAST_AUTH__FORMER_SECRET";
        /// Who needs a second factor: `nobody`; `operators`, who see no runs, backfills and stores of others without; `everyone`, who can do
        /// nothing but begin with one.
        second_factor_for: SecondFactorFor = SecondFactorFor::Nobody, "VIRALCAST_AUTH__SECOND_FACTOR_FOR";
        /// Service that knows which passwords others have lost, as `https://api.pwnedpasswords.com`: it is told the first 20 bits of a
        /// hash of a new password. Unset: nobody is asked.
        breached_passwords_url: Option<String> = None, "VIRALCAST_AUTH__BREACHED_PASSWORDS_URL";
    }
}

impl AuthConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let Some(address) = &self.breached_passwords_url else { return Ok(()) };
        let is_site = Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if is_site && !is_read_on_the_way(address) {
            return Ok(());
        }
        Err(ConfigError::Invalid {
            key: "auth.breached_passwords_url",
            env: "VIRALCAST_AUTH__BREACHED_PASSWORDS_URL",
            value: address.clone(),
            reason: "it is no address, or others could read on the way what is asked",
            hint: "write it as https://api.pwnedpasswords.com",
        })
    }
}

choice! {
    /// Who does not get far without a second factor.
    pub enum SecondFactorFor {
        Nobody = "nobody",
        Operators = "operators",
        Everyone = "everyone",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_of_a_password_is_told_over_tls() {
        let asking = |address: &str| AuthConfig { breached_passwords_url: Some(address.to_owned()), ..AuthConfig::default() };
        for address in ["http://api.pwnedpasswords.com", "api.pwnedpasswords.com", "ftp://api.pwnedpasswords.com", ""] {
            let error = asking(address).check().expect_err(address).to_string();
            assert!(error.contains("auth.breached_passwords_url"), "{error}");
        }
        for address in ["https://api.pwnedpasswords.com", "http://127.0.0.1:4100"] {
            assert!(asking(address).check().is_ok(), "{address}");
        }
    }

    #[test]
    fn whom_it_is_for_has_three_names() {
        assert_eq!(SecondFactorFor::try_from("everyone".to_owned()), Ok(SecondFactorFor::Everyone));
        assert!(SecondFactorFor::try_from("all".to_owned()).is_err());
    }
}
