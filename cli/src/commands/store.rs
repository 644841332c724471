//! `viralcast store create | connect | push-secret | list`

use anyhow::Context as _;
use base64::Engine as _;
use chrono::NaiveTime;
use clap::Subcommand;
use platform::db::pos_connections::{PosConnection, upsert_pos_connection};
use platform::db::push_secrets::renew_push_secret;
use platform::db::stores::{NewStore, SalesSource, create_store, list_stores};
use platform::db::users::{NewUser, create_user, find_user_id};
use platform::host::is_read_on_the_way;
use rand::RngCore as _;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::context::{Global, with_context};
use crate::failure::Failure;
use crate::table::table;

/// Create, connect and list stores
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: viralcast store create warung-sari --name 'Warung Sari' --time-zone Asia/Jakarta --closes-after-midnight 03:00"
)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create a store
    Create {
        /// Short name for the command line: lower-case letters, digits, dashes
        slug: String,
        /// Name shown to people; without it the slug
        #[arg(long)]
        name: Option<String>,
        /// IANA name: Asia/Jakarta (WIB), Asia/Makassar (WITA), Asia/Jayapura (WIT) or any other
        #[arg(long, default_value = "Asia/Jakarta")]
        time_zone: chrono_tz::Tz,
        /// Local time at which one business day becomes the next, for shops open after midnight
        #[arg(long, default_value = "00:00", value_name = "HH:MM", value_parser = parse_time)]
        closes_after_midnight: NaiveTime,
        /// BMKG village code for the weather, as in 32.73.09.1001
        #[arg(long)]
        adm4: Option<String>,
        /// National calendar
        #[arg(long, default_value = "id")]
        calendar: String,
        /// E-mail of the owner; created if new
        #[arg(long, default_value = LOCAL_OWNER)]
        owner: String,
    },
    /// Connect a store with the service of its till, whose orders are then pulled every hour
    #[command(after_help = "Example: POS_TOKEN=... viralcast store connect warung-sari --url https://api.pos.example --outlet 17")]
    Connect {
        /// Store (slug or id)
        store: String,
        /// Address of the till's service
        #[arg(long)]
        url: String,
        /// The store, as the service calls it
        #[arg(long)]
        outlet: String,
        /// Ask it without TLS though it is on another machine: where nobody else listens in that network
        #[arg(long)]
        plain: bool,
        /// Environment variable that holds the token: it is not for the shell's history
        #[arg(long, default_value = "POS_TOKEN", value_name = "NAME")]
        token_from: String,
    },
    /// A new secret with which a store's till signs the orders that it pushes; the one before works for a day longer
    #[command(name = "push-secret", after_help = "Example: viralcast store push-secret warung-sari")]
    PushSecret {
        /// Store (slug or id)
        store: String,
        /// Refuse the one before from now on, in place of a day later: after it was stolen
        #[arg(long)]
        at_once: bool,
    },
    /// List stores
    List,
}

/// Owner of stores on a machine without accounts.
pub const LOCAL_OWNER: &str = "owner@localhost";

fn parse_time(text: &str) -> Result<NaiveTime, String> {
    NaiveTime::parse_from_str(text, "%H:%M").map_err(|_| format!("`{text}` is not a time such as 03:00"))
}

impl Arguments {
    pub fn run(self, global: &Global) -> anyhow::Result<()> {
        match self.action {
            Action::Create { slug, name, time_zone, closes_after_midnight, adm4, calendar, owner } => {
                with_context(global, async |context| {
                    if slug.is_empty() || !slug.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
                        return Err(Failure::with_hint(
                            format!("`{slug}` can't be a store's short name"),
                            "use lower-case letters, digits and dashes, as in warung-sari",
                        ));
                    }
                    let mut connection = context.db.work().acquire().await?;
                    let owner_id = owner_id(&mut connection, &owner).await?;
                    let store = NewStore {
                        name: name.clone().unwrap_or_else(|| slug.clone()),
                        slug: slug.clone(),
                        owner_id,
                        address: None,
                        time_zone: time_zone.name().to_owned(),
                        business_day_cutoff: closes_after_midnight,
                        adm4: adm4.clone(),
                        calendar: calendar.clone(),
                        sales_source: SalesSource::Imports,
                        is_synthetic: false,
                        opened_on: None,
                    };
                    let id = create_store(&mut *connection, &store).await?;
                    if context.json {
                        println!("{}", serde_json::json!({ "id": id, "slug": slug }));
                    } else {
                        println!("created store `{slug}`; load its history with: viralcast ingest sales_csv FILE --store {slug}");
                    }
                    Ok(())
                })
            }
            Action::Connect { store, url, outlet, plain, token_from } => with_context(global, async |context| {
                if is_read_on_the_way(&url) && !plain {
                    return Err(Failure::with_hint(
                        format!("{url} is on another machine and goes without TLS: token and orders could be read on the way"),
                        "use https; where nobody else listens in that network, say --plain",
                    ));
                }
                let token = std::env::var(&token_from).ok().filter(|token| !token.trim().is_empty()).ok_or_else(|| {
                    Failure::with_hint(format!("{token_from} holds no token"), format!("{token_from}=TOKEN viralcast store connect ..."))
                })?;
                let store = context.store(&store).await?;
                let till = PosConnection { base_url: url.clone(), outlet_id: outlet.clone(), token };
                context.require_known_secret().await?;
                upsert_pos_connection(context.db.work(), &context.secret()?, store.id, &till).await?;
                if context.json {
                    println!("{}", serde_json::json!({ "store": store.slug, "outlet": outlet }));
                } else {
                    println!("connected `{}`; see what it brings: viralcast ingest sales_http --scope {}", store.slug, store.slug);
                }
                Ok(())
            }),
            Action::PushSecret { store, at_once } => with_context(global, async |context| {
                let store = context.store(&store).await?;
                context.require_known_secret().await?;
                let secret = new_secret()?;
                renew_push_secret(context.db.work(), &context.secret()?, store.id, &secret, at_once, context.clock.now()).await?;
                let path = format!("/api/v1/webhooks/pos/{}", store.id);
                if context.json {
                    println!("{}", serde_json::json!({ "store": store.slug, "path": path, "secret": secret }));
                } else {
                    println!("{secret}");
                    eprintln!("orders of `{}` are pushed to POST {path}, signed as in Standard Webhooks", store.slug);
                }
                Ok(())
            }),
            Action::List => with_context(global, async |context| {
                let stores = list_stores(context.db.work(), true).await?;
                if context.json {
                    let stores: Vec<_> = stores.iter().map(|store| serde_json::json!({ "id": store.id, "slug": store.slug, "name": store.name, "time_zone": store.time_zone, "is_synthetic": store.is_synthetic, "is_active": store.is_active })).collect();
                    println!("{}", serde_json::to_string_pretty(&stores)?);
                    return Ok(());
                }
                let rows = stores.iter().map(|store| {
                    let kind = if store.is_synthetic { "synthetic" } else { "real" };
                    vec![
                        store.slug.clone(),
                        store.name.clone(),
                        store.time_zone.clone(),
                        store.business_day_cutoff.format("%H:%M").to_string(),
                        kind.to_owned(),
                    ]
                });
                println!("{}", table(&["store", "name", "zone", "day ends", "data"], 5.., rows));
                Ok(())
            }),
        }
    }
}

/// 32 random bytes, as Standard Webhooks writes them.
fn new_secret() -> anyhow::Result<String> {
    let mut bytes = [0; 32];
    rand::rngs::OsRng.try_fill_bytes(&mut bytes).context("the machine gives no random bytes")?;
    Ok(format!("whsec_{}", base64::prelude::BASE64_STANDARD.encode(bytes)))
}

/// The user of this e-mail, created without a way to sign in if new.
pub async fn owner_id(connection: &mut PgConnection, email: &str) -> anyhow::Result<Uuid> {
    if let Some(id) = find_user_id(&mut *connection, email).await? {
        return Ok(id);
    }
    Ok(create_user(connection, &NewUser { email: email.to_owned(), name: None, password_hash: None, is_operator: false }).await?)
}
