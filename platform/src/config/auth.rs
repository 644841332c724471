use secrecy::SecretString;

use super::setting::settings;

settings! {
    /// Signing in.
    pub struct AuthConfig in "auth" {
        /// Secret of the installation, at least 32 characters: signing keys are sealed with it. Unset: a file in the data folder, made
        /// at first need. Several machines on one database share one.
        secret: Option<SecretString> = None, "VIRALCAST_AUTH__SECRET";
        /// Whether operators see runs, backfills and every store only with a second factor.
        operators_need_second_factor: bool = false, "VIRALCAST_AUTH__OPERATORS_NEED_SECOND_FACTOR";
    }
}
