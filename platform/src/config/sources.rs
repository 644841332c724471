use super::setting::settings;

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
        /// BMKG's public forecast.
        bmkg_url: String = "https://api.bmkg.go.id".to_owned(), "VIRALCAST_SOURCES__BMKG_URL";
        /// Bank Indonesia's food prices.
        pihps_url: String = "https://www.bi.go.id/hargapangan/WebSite".to_owned(), "VIRALCAST_SOURCES__PIHPS_URL";
    }
}
