use secrecy::SecretString;

use super::ConfigError;
use super::setting::settings;
use crate::host::is_read_on_the_way;

settings! {
    /// How outside services are asked.
    pub struct OutsideConfig in "outside" {
        /// Name that the product gives itself. Say who you are and how to reach you: some services block the nameless.
        user_agent: String = concat!("viralcast/", env!("CARGO_PKG_VERSION"), " (demand forecasts for small shops)").to_owned(), "VIRALCAST_OUTSIDE__USER_AGENT";
    }
}

settings! {
    /// Where sources are. The stand-ins of `viralcast standin` answer under the same paths.
    pub struct SourcesConfig in "sources" {
        /// Folder, or bucket as `s3://BUCKET/PREFIX`, in which sales files are left: each store has a subfolder by its short name.
        sales_files: Option<String> = None, "VIRALCAST_SOURCES__SALES_FILES";
        /// BMKG's public forecast.
        bmkg_url: String = "https://api.bmkg.go.id".to_owned(), "VIRALCAST_SOURCES__BMKG_URL";
        /// Bank Indonesia's food prices.
        pihps_url: String = "https://www.bi.go.id/hargapangan/WebSite".to_owned(), "VIRALCAST_SOURCES__PIHPS_URL";
        /// Whether Open-Meteo is asked for the weather of the past. Its free service is for non-commercial use only; a business sets
        /// the customers' address and key.
        open_meteo: bool = false, "VIRALCAST_SOURCES__OPEN_METEO";
        /// Open-Meteo's archive; with a key `https://customer-archive-api.open-meteo.com`.
        open_meteo_url: String = "https://archive-api.open-meteo.com".to_owned(), "VIRALCAST_SOURCES__OPEN_METEO_URL";
        /// Key of a customer of Open-Meteo.
        open_meteo_key: Option<SecretString> = None, "OPEN_METEO_API_KEY";
        /// Panel of food prices of Badan Pangan Nasional.
        bapanas_url: String = "https://api-panelhargav2.badanpangan.go.id/api".to_owned(), "VIRALCAST_SOURCES__BAPANAS_URL";
        /// Without it the panel is not asked.
        bapanas_key: Option<SecretString> = None, "BAPANAS_API_KEY";
        /// The panel's own numbers of provinces, by their codes: two are known, the others are told with the key.
        bapanas_provinces: String = "32=12,35=15".to_owned(), "VIRALCAST_SOURCES__BAPANAS_PROVINCES";
        /// Serper's search.
        serper_url: String = "https://google.serper.dev".to_owned(), "VIRALCAST_SOURCES__SERPER_URL";
        /// Without it no news are searched for.
        serper_key: Option<SecretString> = None, "SERPER_API_KEY";
        /// Credits that all programs together spend in 24 hours at most; a topic costs one to three a day.
        serper_credits_a_day: u32 = 60, "VIRALCAST_SOURCES__SERPER_CREDITS_A_DAY";
    }
}

impl SourcesConfig {
    /// Keys travel with some questions, and prices that somebody changed on the way would be believed.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let addresses = [
            ("sources.bmkg_url", "VIRALCAST_SOURCES__BMKG_URL", &self.bmkg_url),
            ("sources.pihps_url", "VIRALCAST_SOURCES__PIHPS_URL", &self.pihps_url),
            ("sources.open_meteo_url", "VIRALCAST_SOURCES__OPEN_METEO_URL", &self.open_meteo_url),
            ("sources.bapanas_url", "VIRALCAST_SOURCES__BAPANAS_URL", &self.bapanas_url),
            ("sources.serper_url", "VIRALCAST_SOURCES__SERPER_URL", &self.serper_url),
        ];
        match addresses.into_iter().find(|(_, _, address)| is_read_on_the_way(address)) {
            None => Ok(()),
            Some((key, env, address)) => Err(ConfigError::Invalid {
                key,
                env,
                value: address.clone(),
                reason: "it would be asked and believed over the network in the clear",
                hint: "use https, or a stand-in on this machine",
            }),
        }
    }

    /// Everything as the stand-ins at `base` have it.
    #[must_use]
    pub fn of_stand_ins(base: &str) -> Self {
        Self {
            bmkg_url: format!("{base}/bmkg"),
            pihps_url: format!("{base}/pihps/hargapangan/WebSite"),
            open_meteo: true,
            open_meteo_url: format!("{base}/open_meteo"),
            bapanas_url: format!("{base}/bapanas/api"),
            bapanas_key: Some("stand-in".into()),
            serper_url: format!("{base}/serper"),
            serper_key: Some("stand-in".into()),
            ..Self::default()
        }
    }
}
