//! `viralcast demo`

use std::sync::Arc;

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::NaiveDate;
use clap::Args;
use domain::text::{Language, When, amount, forecast_sentence};
use domain::{Explanation, Idr};
use jobs::NightReport;
use platform::config::{SourcesConfig, XenditConfig};
use platform::db::forecasts::{ForecastRow, published_forecasts};
use platform::db::plan_items::{PlanItemRow, published_plan};
use platform::db::stores::StoreRow;
use platform::db::users::{NewUser, create_user, find_user_id};
use rand::RngCore as _;
use rand::rngs::OsRng;
use standin::server::Server;
use standin::services::{self, xendit::Settings};
use standin::world::{World, simulate};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::run::night;
use super::serve::{Roles, until_told};
use super::{owner_id, set_new_password};
use crate::context::{Context, Global, with_context};
use crate::failure::Failure;
use crate::table::table;
use crate::world;

/// Who runs the platform in a demonstration.
const OPERATOR: &str = "operator@localhost";

/// Seed of the demo world.
pub const SEED: u64 = 7;

/// Everything embedded: load the demo world and a real restaurant, forecast tonight, print the plans, serve the app
#[derive(Debug, Args)]
#[command(after_help = "Example: viralcast demo --once")]
pub struct Arguments {
    /// Stop after printing the plans
    #[arg(long)]
    once: bool,
    /// Day of the demo world; without it today in western Indonesia
    #[arg(long, value_name = "YYYY-MM-DD")]
    today: Option<NaiveDate>,
    #[arg(long, default_value_t = SEED)]
    seed: u64,
}

impl Arguments {
    pub fn run(self, global: &Global) -> anyhow::Result<()> {
        with_context(global, async |context| {
            if let Some(url) = &context.config.http.public_url {
                let what =
                    format!("no demonstration where people are served ({url}): it makes shops that are none, and money that is none");
                return Err(Failure::with_hint(what, "unset VIRALCAST_HTTP__PUBLIC_URL and take another data folder or database"));
            }
            context.db.migrate().await?;
            let today = self.today.unwrap_or_else(|| context.clock.now().with_timezone(&chrono_tz::Asia::Jakarta).date_naive());
            let mut nights: Vec<(StoreRow, NaiveDate)> = Vec::new();
            for store in world::load(&context, self.seed, today).await? {
                nights.push((store, today));
            }
            nights.push((world::load_restaurant(&context).await?, world::RESTAURANT_DAY));
            for (store, date) in &nights {
                let report = night(&context, store, Some(*date)).await?;
                print_plan(&context, store, *date, &report).await?;
            }
            if self.once {
                return Ok(());
            }
            let people = accounts(&context).await?;
            print_urls(&context, &nights, &people);
            let (sources, xendit, standin) = stand_in(self.seed, today, &context).await?;
            let ended = until_told(&context, Roles { sources: Some(sources), xendit: Some(xendit), ..Roles::ALL }).await;
            standin.abort();
            ended
        })
    }
}

/// A demonstration asks no outside service: its schedules pull from stand-ins that tell of its own world, and its customers pay one.
async fn stand_in(seed: u64, today: NaiveDate, context: &Context) -> anyhow::Result<(SourcesConfig, XenditConfig, JoinHandle<()>)> {
    let world = tokio::task::spawn_blocking(move || simulate(seed, today, World::definition())).await??;
    let services = services::Context::new(Arc::new(world));
    let callback_url = Some(format!("{}://{}/api/v1/webhooks/xendit", context.config.http.scheme(), context.config.http.address()));
    services.gateway.set(Settings { callback_url, ..Settings::default() });
    let server = Server::bind(([127, 0, 0, 1], 0).into(), &services::all(), &services).await?;
    let base = format!("http://{}", server.address());
    let (sources, xendit) = (SourcesConfig::of_stand_ins(&base), XenditConfig::of_stand_in(&base));
    let running = tokio::spawn(async move {
        if let Err(error) = server.run(std::future::pending()).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the stand-ins have stopped");
        }
    });
    Ok((sources, xendit, running))
}

/// Rows of a list that fit a screen.
const SHOWN: usize = 8;
/// Products whose reasons are told.
const EXPLAINED: usize = 4;

async fn print_plan(context: &Context, store: &StoreRow, date: NaiveDate, report: &NightReport) -> anyhow::Result<()> {
    let pool = context.db.work();
    let items = published_plan(pool, store.id, date).await?;
    let result = if report.unchanged {
        "unchanged since the last run".to_owned()
    } else {
        format!("{} forecasts in {:.1} s", report.rows, report.seconds)
    };
    println!("\n{} - plan for {date} ({result}; rung: {})", store.name, report.rung);
    let prep: Vec<&PlanItemRow> = items.iter().filter(|item| item.kind == "prep" && item.quantity > 0.0).collect();
    if prep.is_empty() {
        println!("Closed that day, or nothing expected to sell.");
    } else {
        let rows = prep.iter().take(SHOWN).map(|item| {
            let range = format!("{:.0} - {:.0}", item.low, item.high);
            vec![item.item.clone(), format!("{:.1}", item.need), range, format!("{:.0} {}", item.quantity, item.unit)]
        });
        println!("{}", table(&["prepare", "expected", "4 days in 5", "make"], 1.., rows));
        more(prep.len());
    }
    let buy: Vec<&PlanItemRow> = items.iter().filter(|item| item.kind == "purchase").collect();
    if !buy.is_empty() {
        let rows = buy.iter().take(SHOWN).map(|item| {
            let quantity =
                item.unit.parse().map_or_else(|_| format!("{} {}", item.quantity, item.unit), |unit| amount(item.quantity, unit));
            vec![item.item.clone(), item.pieces.to_string(), quantity, Idr(item.cost.unwrap_or_default()).to_string()]
        });
        println!("{}", table(&["buy", "packs", "in all", "cost"], 1.., rows));
        more(buy.len());
        println!("Shopping total {}", buy.iter().map(|item| Idr(item.cost.unwrap_or_default())).sum::<Idr>());
    }
    let tomorrow = date.succ_opt().unwrap_or(date);
    let ahead = published_forecasts(pool, store.id, Some("product"), tomorrow, tomorrow).await?;
    let units: f64 = ahead.iter().map(|row| row.yhat).sum();
    println!("{tomorrow}: {units:.0} units expected over {} products", ahead.len());
    let mut largest: Vec<&ForecastRow> = ahead.iter().collect();
    largest.sort_by(|a, b| b.yhat.total_cmp(&a.yhat));
    largest.iter().take(EXPLAINED).filter_map(|row| sentence(row, tomorrow)).for_each(|sentence| println!("  {sentence}"));
    Ok(())
}

/// Why tomorrow's forecast of a product is what it is, as its owner reads it.
fn sentence(row: &ForecastRow, tomorrow: NaiveDate) -> Option<String> {
    let explanation: Explanation = serde_json::from_value(row.explanation.clone()?).ok()?;
    let sentence = forecast_sentence(When::Tomorrow(tomorrow), row.yhat, "", &explanation, Language::Indonesian);
    Some(format!("{}: {sentence}", row.target_item))
}

fn more(all: usize) {
    if all > SHOWN {
        println!("... and {} more", all - SHOWN);
    }
}

/// Whoever may sign in to the demonstration, with a password that holds until the next one begins.
async fn accounts(context: &Context) -> anyhow::Result<[(&'static str, String, &'static str); 2]> {
    let mut connection = context.db.work().acquire().await?;
    let owner = owner_id(&mut connection, world::OWNER).await?;
    let operator = match find_user_id(&mut *connection, OPERATOR).await? {
        Some(id) => id,
        None => {
            let new = NewUser { email: OPERATOR.to_owned(), name: None, password_hash: None, is_operator: true };
            create_user(&mut *connection, &new).await?
        }
    };
    drop(connection);
    Ok([
        (world::OWNER, random_password(context, owner).await?, "owns the shops"),
        (OPERATOR, random_password(context, operator).await?, "sees runs, backfills and the queue too"),
    ])
}

/// 128 random bits.
async fn random_password(context: &Context, id: Uuid) -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    OsRng.try_fill_bytes(&mut bytes).context("the machine gives no random bytes")?;
    let password = BASE64_URL_SAFE_NO_PAD.encode(bytes);
    set_new_password(context, id, &password).await?;
    Ok(password)
}

fn print_urls(context: &Arc<Context>, nights: &[(StoreRow, NaiveDate)], people: &[(&str, String, &str)]) {
    let base = format!("{}://{}", context.config.http.scheme(), context.config.http.address());
    println!("\nThe app is up; Ctrl-C stops it.");
    println!("  API docs          {base}/docs");
    println!("\nPeople who may sign in, with passwords of this start:");
    for (email, password, what) in people {
        println!("  {email:<20}{password}  ({what})");
    }
    let (email, password, _) = &people[0];
    println!("\nIn a terminal:");
    println!("  curl -s {base}/api/v1/auth/login -H 'content-type: application/json' \\");
    println!("    -d '{{\"email\":\"{email}\",\"password\":\"{password}\"}}'            # answers with an access_token");
    println!("  curl -s {base}/api/v1/stores -H \"authorization: Bearer $TOKEN\"");
    println!("In a browser: sign in on the docs page (POST /api/v1/auth/login with \"transport\": \"cookie\"), then open");
    println!("  stores            {base}/api/v1/stores");
    for (store, date) in nights {
        println!("  {:<17} {base}/api/v1/stores/{}/plan?date={date}", store.slug, store.slug);
    }
    println!("  runs              {base}/api/v1/runs");
    println!("  health            {base}/api/v1/healthchecker");
}
