//! A store to load sales into, in a database of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ingest::sales_csv::{self, Destination, IngestError, Report, SalesCsvOptions};
use platform::auth::InstallationSecret;
use platform::clock::SimulatedClock;
use platform::db::stores::{NewStore, SalesSource, StoreRow, create_store, find_store};
use platform::db::users::{NewUser, create_user};
use platform::objects::StoredObjects;
use platform::testing::TestDb;
use tempfile::TempDir;

pub struct Shop {
    pub db: TestDb,
    pub store: StoreRow,
    pub clock: SimulatedClock,
    pub objects: StoredObjects,
    pub folder: TempDir,
    pub secret: InstallationSecret,
}

impl Shop {
    /// "warung" in WIB whose day ends at 03:00; it is the morning of 2026-11-23 there.
    pub async fn open() -> Self {
        let db = TestDb::new().await;
        let owner = NewUser { email: "pemilik@example.test".to_owned(), name: None, password_hash: None, is_operator: false };
        let owner_id = create_user(db.work(), &owner).await.expect("a user");
        let store = NewStore {
            slug: "warung".to_owned(),
            name: "Warung".to_owned(),
            owner_id,
            address: None,
            time_zone: "Asia/Jakarta".to_owned(),
            business_day_cutoff: "03:00:00".parse().expect("a time"),
            adm4: Some("32.73.09.1001".to_owned()),
            calendar: "id".to_owned(),
            sales_source: SalesSource::Imports,
            is_synthetic: false,
            opened_on: None,
        };
        create_store(db.work(), &store).await.expect("a store");
        let store = find_store(db.work(), "warung").await.expect("a query").expect("the store");
        let folder = tempfile::tempdir().expect("a folder");
        let objects = StoredObjects::folder(&folder.path().join("objects")).expect("an object store");
        let clock = SimulatedClock::at("2026-11-23T01:00:00Z".parse().expect("an instant"));
        let secret = InstallationSecret::of("d41fb7c3e2a84960b5f0c9d7813e6a52".into()).expect("random enough");
        Self { db, store, clock, objects, folder, secret }
    }

    pub async fn ingest(&self, file: &Path) -> Result<Report, IngestError> {
        let to = Destination { pool: self.db.work(), objects: &self.objects, clock: &self.clock };
        sales_csv::run(to, &self.store, file, &SalesCsvOptions::default(), Arc::new(|_| ())).await
    }

    pub async fn dry_run(&self, file: &Path) -> Result<Report, IngestError> {
        sales_csv::dry_run(self.db.work(), &self.clock, &self.store, file, &SalesCsvOptions::default(), Arc::new(|_| ())).await
    }

    /// A file of this content.
    pub fn file(&self, name: &str, contents: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, contents).expect("written");
        path
    }

    /// One row a line, cells separated by ` | `.
    pub async fn query(&self, sql: &'static str) -> String {
        let rows: Vec<String> = sqlx::query_scalar(sql).fetch_all(self.db.work()).await.expect("a query");
        rows.join("\n")
    }

    pub async fn close(self) {
        self.db.close().await;
    }
}
