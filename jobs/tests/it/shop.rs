//! A small synthetic warung in a database of its own: two hundred days with weekdays, closed Sundays, a promo, rain and a
//! recipe of two levels.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use jobs::nightly::gates::GateBounds;
use jobs::nightly::{self, Links, Outside, Settings};
use jobs::{NightError, NightReport, Nightly};
use models::{Effort, EngineConfig};
use payments::Payments;
use platform::auth::InstallationSecret;
use platform::clock::{SharedClock, SimulatedClock};
use platform::config::{OutsideConfig, SourcesConfig, XenditConfig};
use platform::db::calendar_events::{CalendarEventVersion, CalendarOf, insert_calendar_events};
use platform::db::ingredients::{NewIngredient, upsert_ingredients};
use platform::db::products::{NewProduct, upsert_products};
use platform::db::promos::{PromoVersion, insert_promos};
use platform::db::recipes::{NewRecipe, NewRecipeItem, RecipeOutput, replace_recipe};
use platform::db::sales_daily::{DailyLoad, DailyRow, copy_sales_daily};
use platform::db::stockout_events::{StockoutRow, insert_stockouts};
use platform::db::stores::{NewStore, SalesSource, StoreRow, create_store, find_store};
use platform::db::users::{NewUser, create_user};
use platform::db::weather_forecasts::{WeatherForecastRow, insert_weather_forecasts};
use platform::embedded::Role;
use platform::http::Polite;
use platform::mail::FolderMailer;
use platform::objects::{Objects, StoredObjects};
use platform::testing::TestDb;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres};
use tempfile::TempDir;
use uuid::Uuid;

/// Kemendagri code of the village the shop is in.
pub const REGION: &str = "31.71.03.1001";
/// The night most tests run: a Tuesday.
pub const NIGHT: &str = "2026-06-16";
/// Announced closing on a Wednesday inside the horizon.
pub const CLOSING: &str = "2026-06-24";
const FIRST_DAY: &str = "2025-11-28";
const DAYS: u64 = 200;
/// Day from which "es jadul" is no longer sold.
const GIVEN_UP: u64 = 60;

/// No test asks anybody by accident.
pub fn nowhere() -> SourcesConfig {
    SourcesConfig::of_stand_ins("http://127.0.0.1:1")
}

/// What jobs work with, in a process that has no shop: over this database and these objects, on the night most tests run.
pub fn nightly_over(work: PgPool, objects: Arc<dyn Objects>) -> Nightly {
    let clock = SimulatedClock::at(at("2026-06-15T20:32:00Z")).shared();
    assembled(work, objects, clock, &std::env::temp_dir(), GateBounds::default())
}

fn assembled(work: PgPool, objects: Arc<dyn Objects>, clock: SharedClock, mail: &Path, gates: GateBounds) -> Nightly {
    let engine = EngineConfig::new(nightly::HORIZON, 7).with_effort(Effort::Fast);
    let http = Polite::new(work.clone(), &OutsideConfig::default()).expect("a client");
    let mail = FolderMailer::new(mail, "Viral Cast AI <viralcast@localhost>").expect("a mailer");
    let payments = Payments::new(work.clone(), clock.clone(), &XenditConfig::default(), &OutsideConfig::default()).expect("a client");
    let outside = Outside { http, sources: Arc::new(nowhere()), s3: Arc::default(), mail: Arc::new(mail), links: links(), payments };
    Nightly { work, objects, clock, settings: Settings { engine, gates }, outside }
}

pub struct Shop {
    pub db: TestDb,
    pub store: StoreRow,
    pub products: BTreeMap<String, Uuid>,
    pub ingredients: BTreeMap<String, Uuid>,
    pub clock: SimulatedClock,
    folder: TempDir,
}

impl Shop {
    /// With products and recipes, and no fact at all.
    pub async fn empty() -> Self {
        let db = TestDb::new().await;
        let mut work = db.work().acquire().await.expect("a connection");
        let store = add_store(&mut work).await;
        let products = upsert_products(&mut work, store.id, &products()).await.expect("products");
        let ingredients = upsert_ingredients(&mut work, store.id, &ingredients()).await.expect("ingredients");
        add_recipes(&mut work, store.id, &products, &ingredients).await;
        drop(work);
        // 03:32 WIB of the night.
        let clock = SimulatedClock::at(at("2026-06-15T20:32:00Z"));
        Self { db, store, products, ingredients, clock, folder: TempDir::new().expect("a folder") }
    }

    /// With two hundred days of history.
    pub async fn open() -> Self {
        let shop = Self::empty().await;
        shop.tell(&shop.history()).await;
        let mut work = shop.work().await;
        insert_calendar_events(&mut *work, &CalendarOf::Nation("id".to_owned()), "test", &[event("holiday", "Hari Buruh", "2026-05-01")])
            .await
            .expect("a holiday");
        insert_calendar_events(&mut *work, &CalendarOf::Store(shop.store.id), "test", &[event("closed", "Tutup", CLOSING)])
            .await
            .expect("a closing");
        let promos = [shop.promo("Promo April", "2026-04-10", "2026-04-14"), shop.promo("Promo Juni", "2026-06-18", "2026-06-20")];
        insert_promos(&mut *work, shop.store.id, "test", &promos).await.expect("promos");
        insert_weather_forecasts(&mut work, "test", None, &weather()).await.expect("weather");
        let stockout = StockoutRow {
            product_id: shop.products["nasi"],
            business_date: date("2026-06-13"),
            sold_out_at: at("2026-06-13T13:00:00Z"),
            restocked_at: None,
            available_at: at("2026-06-13T19:15:00Z"),
        };
        insert_stockouts(&mut *work, shop.store.id, "test", &[stockout]).await.expect("a stock-out");
        drop(work);
        shop
    }

    pub async fn work(&self) -> PoolConnection<Postgres> {
        self.db.work().acquire().await.expect("a connection")
    }

    /// Where models are kept.
    pub fn objects(&self) -> StoredObjects {
        StoredObjects::folder(self.folder.path()).expect("an object store")
    }

    /// Mails that went out, as they lie there.
    pub fn mails(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.folder.path().join("mail")).into_iter().flatten();
        let paths = files.map(|file| file.expect("a file").path()).filter(|path| path.is_file());
        paths.map(|path| std::fs::read_to_string(path).expect("a mail")).collect()
    }

    pub fn nightly(&self) -> Nightly {
        // So few series leave the backtest's coverage to chance; the bounds themselves are tested on their own.
        let gates = GateBounds { calibration: 0.3, bias: 0.3, ..GateBounds::default() };
        self.nightly_within(gates)
    }

    pub fn nightly_within(&self, gates: GateBounds) -> Nightly {
        let mail = self.folder.path().join("mail");
        assembled(self.db.work().clone(), Arc::new(self.objects()), self.clock.shared(), &mail, gates)
    }

    /// How another process reaches the database as a worker.
    pub fn url(&self) -> String {
        let options = self.db.options(Role::Work);
        let socket = options.get_socket().expect("a socket").display();
        let (user, database) = (options.get_username(), options.get_database().expect("a database"));
        format!("postgres://{user}@localhost:{}/{database}?host={socket}&sslmode=disable", options.get_port())
    }

    pub async fn night(&self, day: &str) -> Result<NightReport, NightError> {
        nightly::run(&self.nightly(), &self.store, date(day), Arc::new(|_| ())).await
    }

    /// Loads rows when each of them became available.
    pub async fn tell(&self, rows: &[DailyRow]) {
        self.tell_at(rows, at("2026-06-15T19:30:00Z")).await;
    }

    /// Loads rows at an instant, which is when corrections become available.
    pub async fn tell_at(&self, rows: &[DailyRow], recorded_at: DateTime<Utc>) {
        let load = DailyLoad { store_id: self.store.id, source: "test", raw_record_id: None, recorded_at };
        copy_sales_daily(&mut *self.work().await, load, rows.iter().copied()).await.expect("a load");
    }

    pub fn row(&self, product: &str, day: NaiveDate, quantity: f64) -> DailyRow {
        let available_at = day.and_hms_opt(19, 15, 0).expect("a time").and_utc();
        DailyRow { product_id: self.products[product], business_date: day, quantity, revenue: None, is_sold_out: false, available_at }
    }

    pub fn promo(&self, name: &str, starts_on: &str, ends_on: &str) -> PromoVersion {
        PromoVersion {
            product_id: Some(self.products["ayam geprek"]),
            name: name.to_owned(),
            starts_on: date(starts_on),
            ends_on: date(ends_on),
            discount_share: Some(0.2),
            price: None,
            is_cancelled: false,
            available_at: date(starts_on).and_time(NaiveTime::MIN).and_utc() - TimeDelta::days(14),
        }
    }

    /// What was sold, row by row.
    pub fn history(&self) -> Vec<DailyRow> {
        (0..DAYS).flat_map(|number| self.sales_of(number)).collect()
    }

    /// What was sold on one day, which may be after the history.
    pub fn sales_on(&self, day: NaiveDate) -> Vec<DailyRow> {
        self.sales_of(day.signed_duration_since(date(FIRST_DAY)).num_days().unsigned_abs())
    }

    fn sales_of(&self, number: u64) -> Vec<DailyRow> {
        let day = date(FIRST_DAY) + Days::new(number);
        let mut rows = Vec::new();
        for (seed, (product, level)) in
            [("ayam geprek", 90.0), ("nasi", 140.0), ("es teh", 60.0), ("es jadul", 20.0)].into_iter().enumerate()
        {
            if day.weekday() != chrono::Weekday::Sun && (product != "es jadul" || number < GIVEN_UP) {
                let promo = product == "ayam geprek" && (date("2026-04-10")..=date("2026-04-14")).contains(&day);
                let weekday = [0.9, 0.85, 0.9, 1.0, 1.2, 1.35, 0.0][day.weekday().num_days_from_monday() as usize];
                let expected = level * weekday * if promo { 1.4 } else { 1.0 } * (1.0 - 0.01 * rain(day));
                rows.push(self.row(product, day, (expected * (1.0 + 0.16 * (noise(seed as u64, number) - 0.5))).round()));
            }
        }
        // Sold now and then; days without a row are zeros.
        if day.weekday() != chrono::Weekday::Sun && noise(9, number) < 0.3 {
            rows.push(self.row("sambal botol", day, 1.0 + (noise(10, number) * 2.0).floor()));
        }
        rows
    }

    pub async fn superuser(&self) -> PgPool {
        sqlx::postgres::PgPoolOptions::new().max_connections(1).connect_with(self.db.options(Role::Superuser)).await.expect("connect")
    }

    /// Rows of every table that a night writes.
    pub async fn written(&self) -> Vec<(&'static str, i64)> {
        let superuser = self.superuser().await;
        let mut counts = Vec::new();
        for table in ["runs", "forecast_runs", "forecasts", "plan_items", "published_runs", "published_run_log", "outbox"] {
            let query = AssertSqlSafe(format!("select count(*) from {table}"));
            counts.push((table, sqlx::query_scalar(query).fetch_one(&superuser).await.expect("a count")));
        }
        superuser.close().await;
        counts
    }

    pub async fn close(self) {
        self.db.close().await;
    }
}

async fn add_store(connection: &mut PgConnection) -> StoreRow {
    let user = NewUser { email: "imas@example.test".to_owned(), name: None, password_hash: None, is_operator: false };
    let owner_id = create_user(&mut *connection, &user).await.expect("a user");
    let store = NewStore {
        slug: "warung".to_owned(),
        name: "Warung".to_owned(),
        owner_id,
        address: None,
        time_zone: "Asia/Jakarta".to_owned(),
        business_day_cutoff: NaiveTime::from_hms_opt(2, 0, 0).expect("a time"),
        adm4: Some(REGION.to_owned()),
        calendar: "id".to_owned(),
        sales_source: SalesSource::Imports,
        is_synthetic: true,
        opened_on: None,
    };
    create_store(&mut *connection, &store).await.expect("a store");
    find_store(connection, "warung").await.expect("a query").expect("the store")
}

fn products() -> Vec<NewProduct> {
    let product = |name: &str, category: Option<&str>, price: i64, batch_size: f64, shelf_life_days: i32| NewProduct {
        name: name.to_owned(),
        category: category.map(str::to_owned),
        unit: "porsi".to_owned(),
        price: Some(price),
        batch_size,
        shelf_life_days,
        first_sold_on: None,
    };
    vec![
        product("ayam geprek", Some("makanan"), 18_000, 5.0, 0),
        product("nasi", Some("makanan"), 5_000, 1.0, 0),
        product("es teh", Some("minuman"), 4_000, 1.0, 0),
        product("es jadul", Some("minuman"), 4_000, 1.0, 0),
        product("sambal botol", None, 25_000, 1.0, 60),
    ]
}

fn ingredients() -> Vec<NewIngredient> {
    let ingredient = |name: &str, unit: &str, pack_size: f64, pack_price: Option<i64>, shelf_life_days: i32| NewIngredient {
        name: name.to_owned(),
        unit: unit.to_owned(),
        pack_size,
        pack_price,
        shelf_life_days,
        commodity: match name {
            "ayam" => Some("daging ayam ras".to_owned()),
            "cabai" => Some("cabai rawit".to_owned()),
            _ => None,
        },
    };
    vec![
        ingredient("ayam", "kg", 1.0, Some(38_000), 1),
        ingredient("beras", "kg", 5.0, Some(72_000), 180),
        ingredient("cabai", "g", 250.0, Some(15_000), 3),
        ingredient("sambal", "g", 1.0, None, 1),
    ]
}

async fn add_recipes(
    connection: &mut PgConnection,
    store_id: Uuid,
    products: &BTreeMap<String, Uuid>,
    ingredients: &BTreeMap<String, Uuid>,
) {
    let line = |name: &str, quantity: f64, unit: &str| NewRecipeItem { ingredient_id: ingredients[name], quantity, unit: unit.to_owned() };
    let recipe = |makes: RecipeOutput, yields: f64, unit: &str, items: Vec<NewRecipeItem>| NewRecipe {
        makes,
        yield_quantity: yields,
        yield_unit: unit.to_owned(),
        waste_share: 0.0,
        items,
    };
    let geprek = vec![line("ayam", 150.0, "g"), line("sambal", 30.0, "g")];
    let recipes = [
        recipe(RecipeOutput::Product(products["ayam geprek"]), 1.0, "porsi", geprek),
        recipe(RecipeOutput::Product(products["nasi"]), 1.0, "porsi", vec![line("beras", 0.1, "kg")]),
        recipe(RecipeOutput::Ingredient(ingredients["sambal"]), 500.0, "g", vec![line("cabai", 0.4, "kg")]),
    ];
    for recipe in recipes {
        replace_recipe(&mut *connection, store_id, &recipe).await.expect("a recipe");
    }
}

pub fn event(kind: &str, name: &str, day: &str) -> CalendarEventVersion {
    CalendarEventVersion {
        kind: kind.to_owned(),
        name: name.to_owned(),
        starts_on: date(day),
        ends_on: date(day),
        likelihood: 1.0,
        is_cancelled: false,
        available_at: at("2025-10-01T00:00:00Z"),
    }
}

/// Three days ahead, issued every midnight UTC.
fn weather() -> Vec<WeatherForecastRow> {
    let issues = (0..DAYS + 1).flat_map(|number| (0..3).map(move |ahead| (number, ahead)));
    issues
        .map(|(number, ahead)| issue(date(FIRST_DAY) + Days::new(number), ahead, rain(date(FIRST_DAY) + Days::new(number + ahead))))
        .collect()
}

pub fn issue(day: NaiveDate, ahead: u64, rain_mm: f64) -> WeatherForecastRow {
    let issued_at = day.and_time(NaiveTime::MIN).and_utc();
    WeatherForecastRow {
        region: REGION.to_owned(),
        target_date: day + Days::new(ahead),
        issued_at,
        available_at: issued_at + TimeDelta::minutes(90),
        temperature_c: Some(27.0),
        rain_mm: Some(rain_mm as f32),
        rain_probability: None,
        humidity_percent: None,
        wind_ms: None,
    }
}

/// Millimetres.
pub fn rain(day: NaiveDate) -> f64 {
    (noise(77, u64::from(day.num_days_from_ce().unsigned_abs())) * 30.0 - 15.0).max(0.0).round()
}

/// Even between 0 and 1, the same on every machine.
fn noise(seed: u64, number: u64) -> f64 {
    let mut x = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ number.wrapping_mul(0xD1B5_4A32_D192_ED03);
    for _ in 0..3 {
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    }
    (x >> 11) as f64 / (1_u64 << 53) as f64
}

pub fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date as in 2026-11-23")
}

/// An instant as in `2026-11-23T03:30:00Z`.
pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

/// How links in mails are made here.
pub fn links() -> Links {
    let secret = InstallationSecret::of("d41fb7c3e2a84960b5f0c9d7813e6a52".into()).expect("random enough");
    Links { origin: "https://app.example.id".into(), secret }
}
