//! What commands share: settings, the database, the clock.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use chrono::NaiveDate;
use jobs::Nightly;
use jobs::nightly::{Links, Outside, Settings};
use models::EngineConfig;
use payments::Payments;
use platform::auth::{Breaches, InstallationSecret, ensure_signing_key};
use platform::cache::ReadThrough;
use platform::clock::{SharedClock, SystemClock};
use platform::config::{Config, XenditConfig};
use platform::data_dir::DataDir;
use platform::database::Database;
use platform::db::signing_keys::list_signing_keys;
use platform::db::stores::{StoreRow, find_store, list_stores};
use platform::db::tenant::ServePool;
use platform::http::Polite;
use platform::mail::Mailer;
use platform::objects::StoredObjects;
use platform::telemetry::{self, Collector, Metrics, Output};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;

/// Options that every command takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Global {
    /// Configuration file (TOML); the environment overlays it
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print JSON for machines instead of tables
    #[arg(long, global = true)]
    pub json: bool,
}

/// An open product: settings read, logs on, database reachable.
pub struct Context {
    pub config: Config,
    pub data: DataDir,
    pub db: Database,
    pub clock: SharedClock,
    pub metrics: Metrics,
    collector: Option<Collector>,
    pub json: bool,
}

impl Context {
    /// Reads the settings, starts or joins the database, and migrates the private one.
    pub async fn open(global: &Global) -> anyhow::Result<Self> {
        let config = Config::load(global.config.as_deref())?;
        let (metrics, collector) = telemetry::init(&config.telemetry, Output::choose(&config.telemetry))?;
        let data = config.data_dir()?;
        let db = Database::open(&config.database, &data).await.context("can't open the database")?;
        // A server of one's own is migrated on purpose (`viralcast migrate`); the private cluster is ours alone.
        if db.is_embedded().await {
            db.migrate().await.context("can't migrate the private database")?;
        }
        Ok(Self { config, data, db, clock: SystemClock::shared(), metrics, collector, json: global.json })
    }

    /// The object store: a bucket, or a folder of the data folder.
    pub fn objects(&self) -> anyhow::Result<StoredObjects> {
        Ok(match &self.config.objects.url {
            Some(url) => StoredObjects::bucket(url, &self.config.s3)?,
            None => StoredObjects::folder(&self.data.create()?.join("objects"))?,
        })
    }

    /// The secret that tokens and keys depend on.
    pub fn secret(&self) -> anyhow::Result<InstallationSecret> {
        Ok(InstallationSecret::open(&self.config.auth, &self.data)?)
    }

    /// The mail server, or a folder of the data folder.
    pub fn mailer(&self) -> anyhow::Result<Arc<dyn Mailer>> {
        Ok(platform::mail::open(&self.config.mail, &self.data.create()?.join("mail"))?)
    }

    /// Passwords that others have lost.
    pub fn breaches(&self) -> anyhow::Result<Breaches> {
        Breaches::open(&self.config.auth, &self.config.outside).context("can't ask who has lost which passwords")
    }

    /// Refuses to seal, or to make links, with a secret that this machine has just made up: no other could use them.
    pub async fn require_known_secret(&self) -> anyhow::Result<()> {
        let secret = self.secret()?;
        let mut keys = list_signing_keys(self.db.work()).await?;
        keys.retain(|key| key.retired_at.is_none());
        match keys.first() {
            Some(newest) if !keys.iter().any(|key| secret.opens(key)) => Err(Failure::with_hint(
                format!("this machine's secret does not open the signing key `{}`: what it sealed, no server could use", newest.kid),
                "set VIRALCAST_AUTH__SECRET to that of the servers (where none is set, their data folder has it: installation.secret)",
            )),
            _ => Ok(()),
        }
    }

    /// How links are made that let somebody choose a password.
    pub fn links(&self) -> anyhow::Result<Links> {
        Ok(Links { origin: self.config.http.public_origin(), secret: self.secret()? })
    }

    /// Sessions of one's own that listen, past any pooler.
    pub fn listening(&self, most: u32) -> PgPool {
        PgPoolOptions::new().max_connections(most).connect_lazy_with(self.db.direct().clone())
    }

    /// What the API works with; makes the first signing key. What it has going on ends with `stop`.
    pub async fn api_state(&self, xendit: &XenditConfig, stop: CancellationToken) -> anyhow::Result<api::AppState> {
        let secret = self.secret()?;
        ensure_signing_key(self.db.work(), &secret, self.clock.now()).await?;
        let db = ServePool::new(self.db.serve().clone());
        let direct = self.listening(2);
        let cache = ReadThrough::open(&self.config.cache, self.db.serve().clone(), direct.clone(), stop.clone())?;
        Ok(api::AppState::from(api::Services {
            db: db.clone(),
            cache: cache.clone(),
            live: api::Live::start(direct, stop),
            clock: self.clock.clone(),
            metrics: self.metrics.clone(),
            limits: (&self.config.http).into(),
            auth: Arc::new(
                api::Auth::new(db, cache, secret, self.clock.clone())
                    .second_factor_for(self.config.auth.second_factor_for)
                    .breaches(self.breaches()?),
            ),
            limiter: platform::limits::open(&self.config.cache)?,
            payments: self.payments(self.db.serve().clone(), xendit)?,
            front: Arc::new((&self.config.http).into()),
            objects: Arc::new(self.objects()?),
        }))
    }

    /// What nights need.
    pub fn nightly(&self) -> anyhow::Result<Nightly> {
        let horizon = u16::try_from(self.config.forecast.horizon_days).unwrap_or(u16::MAX);
        let defaults = Settings::default();
        let settings = Settings { engine: EngineConfig { horizon, ..defaults.engine }, ..defaults };
        let http = Polite::new(self.db.work().clone(), &self.config.outside)?;
        let sources = Arc::new(self.config.sources.clone());
        let payments = self.payments(self.db.work().clone(), &self.config.xendit)?;
        let outside = Outside { http, sources, s3: Arc::new(self.config.s3.clone()), mail: self.mailer()?, links: self.links()?, payments };
        Ok(Nightly { work: self.db.work().clone(), objects: Arc::new(self.objects()?), clock: self.clock.clone(), settings, outside })
    }

    /// Payments in a role's view of the database.
    pub fn payments(&self, pool: PgPool, config: &XenditConfig) -> anyhow::Result<Payments> {
        Ok(Payments::new(pool, self.clock.clone(), config, &self.config.outside)?)
    }

    /// The store of this slug or id.
    pub async fn store(&self, name: &str) -> anyhow::Result<StoreRow> {
        if let Some(store) = find_store(self.db.work(), name).await? {
            return Ok(store);
        }
        let known: Vec<String> = list_stores(self.db.work(), false).await?.into_iter().map(|store| store.slug).collect();
        let hint = if known.is_empty() {
            "there is no store yet: viralcast store create NAME".to_owned()
        } else {
            format!("the stores are {}", known.join(", "))
        };
        Err(Failure::with_hint(format!("there is no store `{name}`"), hint))
    }

    /// One named store, or all active ones.
    pub async fn stores(&self, name: Option<&str>) -> anyhow::Result<Vec<StoreRow>> {
        match name {
            Some(name) => Ok(vec![self.store(name).await?]),
            None => Ok(list_stores(self.db.work(), false).await?),
        }
    }

    /// Today in a store's own zone and by its own cutoff.
    pub fn business_day(&self, store: &StoreRow) -> anyhow::Result<NaiveDate> {
        let time_zone = store.time_zone.parse().with_context(|| format!("store `{}` has no usable time zone", store.slug))?;
        Ok(domain::time::BusinessCalendar { time_zone, cutoff: store.business_day_cutoff }.business_day(self.clock.now()))
    }

    /// Leaves the database in order, and the last spans with the collector.
    pub async fn close(self) -> anyhow::Result<()> {
        self.db.close().await.context("the database did not close cleanly")?;
        if let Some(collector) = self.collector {
            tokio::task::spawn_blocking(move || collector.shut_down()).await?;
        }
        Ok(())
    }
}

/// Runs a command's future to its end on a runtime of its own.
pub fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("can't start the async runtime")?;
    runtime.block_on(future)
}

/// Opens the product, does the work, and closes it whether or not the work succeeded.
pub fn with_context<T, F>(global: &Global, work: impl FnOnce(Arc<Context>) -> F) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<T>>,
{
    block_on(async {
        let context = Arc::new(Context::open(global).await?);
        let done = work(Arc::clone(&context)).await;
        match Arc::into_inner(context) {
            Some(context) => context.close().await.and(done),
            None => done,
        }
    })
}
