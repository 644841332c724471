//! A store with an owner and a few products, in a database of its own.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use platform::db::products::ensure_products;
use platform::db::stores::{NewStore, SalesSource, create_store};
use platform::db::users::{NewUser, create_user};
use platform::testing::TestDb;
use sqlx::PgConnection;
use sqlx::pool::PoolConnection;
use sqlx::postgres::Postgres;
use uuid::Uuid;

pub struct Shop {
    pub db: TestDb,
    pub owner_id: Uuid,
    pub store_id: Uuid,
    pub products: BTreeMap<String, Uuid>,
}

impl Shop {
    /// "warung" in WIB that closes at 02:00, with ayam, nasi and teh.
    pub async fn open() -> Self {
        let db = TestDb::new().await;
        let mut connection = db.work().acquire().await.expect("a connection");
        let (owner_id, store_id) = add_store(&mut connection, "warung").await;
        let names = ["ayam", "nasi", "teh"].map(str::to_owned);
        let products = ensure_products(&mut connection, store_id, &names, "porsi").await.expect("products");
        drop(connection);
        Self { db, owner_id, store_id, products }
    }

    pub async fn connection(&self) -> PoolConnection<Postgres> {
        self.db.work().acquire().await.expect("a connection")
    }

    pub fn product(&self, name: &str) -> Uuid {
        self.products[name]
    }
}

/// A store and the person who owns it.
pub async fn add_store(connection: &mut PgConnection, slug: &str) -> (Uuid, Uuid) {
    let user = NewUser { email: format!("{slug}@example.test"), name: None, password_hash: None, is_operator: false };
    let owner_id = create_user(&mut *connection, &user).await.expect("a user");
    let store_id = create_store(&mut *connection, &new_store(slug, owner_id)).await.expect("a store");
    (owner_id, store_id)
}

pub fn new_store(slug: &str, owner_id: Uuid) -> NewStore {
    NewStore {
        slug: slug.to_owned(),
        name: format!("Toko {slug}"),
        owner_id,
        address: None,
        time_zone: "Asia/Jakarta".to_owned(),
        business_day_cutoff: NaiveTime::from_hms_opt(2, 0, 0).expect("a time"),
        adm4: Some("31.71.03.1001".to_owned()),
        calendar: "id".to_owned(),
        sales_source: SalesSource::Imports,
        is_synthetic: true,
        opened_on: None,
    }
}

pub fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date as in 2026-11-23")
}

/// An instant as in `2026-11-23T03:30:00Z`.
pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}
