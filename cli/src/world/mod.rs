//! Loads what `make demo` shows into the database: the synthetic demo world, and the real restaurant beside it.

mod catalogue;
mod facts;
mod restaurant;

use std::path::PathBuf;

use anyhow::Context as _;
use chrono::NaiveDate;
use platform::db::stores::{NewStore, SalesSource, StoreRow, create_store, find_store};
use sqlx::PgConnection;
use standin::world::{SimulatedWorld, Store, World, simulate};

use crate::commands::ingest_file;
use crate::commands::owner_id;
use crate::context::Context;
use crate::progress;

pub use restaurant::{RESTAURANT_DAY, load as load_restaurant};

/// E-mail of the demo stores' owner.
pub const OWNER: &str = "demo@localhost";
/// Source that everything simulated carries.
const SOURCE: &str = "demo_world";

/// Simulates the world as of `today`, writes it as files, and loads it; again with a later day it loads what is new.
pub async fn load(context: &Context, seed: u64, today: NaiveDate) -> anyhow::Result<Vec<StoreRow>> {
    let bar = progress::bar(0, "simulating three shops over three years");
    let folder = context.data.path().join("demo").join(format!("{today}-{seed}"));
    let (world, folder) = tokio::task::spawn_blocking(move || {
        let world = simulate(seed, today, World::definition())?;
        world.write(&folder)?;
        anyhow::Ok((world, folder))
    })
    .await?
    .context("can't simulate the demo world")?;
    bar.finish_and_clear();
    eprintln!("demo world: {} orders of 3 invented shops, SYNTHETIC, in {}", world.order_count(), folder.display());

    facts::load_shared(context, &world).await?;
    let mut stores = Vec::new();
    for store in &world.definition.stores {
        stores.push(load_store(context, &world, store, folder.join(SimulatedWorld::sales_file(store))).await?);
    }
    Ok(stores)
}

async fn load_store(context: &Context, world: &SimulatedWorld, store: &Store, sales: PathBuf) -> anyhow::Result<StoreRow> {
    let mut connection = context.db.work().acquire().await?;
    let row = ensure_store(&mut connection, &new_store(world, store)).await?;
    let products = catalogue::load(&mut connection, world, store, row.id).await?;
    facts::load_store(&mut connection, world, store, row.id, &products).await?;
    drop(connection);
    let columns = &store.export.columns;
    let map = [
        ("order", &columns.order_id),
        ("ds", &columns.ordered_at),
        ("product", &columns.product),
        ("category", &columns.category),
        ("y", &columns.quantity),
        ("price", &columns.unit_price),
    ];
    let map = map.map(|(part, column)| (part.to_owned(), column.clone())).to_vec();
    ingest_file(context, &row, &sales, map).await?;
    Ok(row)
}

fn new_store(world: &SimulatedWorld, store: &Store) -> NewStore {
    NewStore {
        slug: store.slug.clone(),
        name: format!("{} (synthetic)", store.name),
        owner_id: uuid::Uuid::nil(),
        address: Some(format!("{}, {}", store.region.village, store.region.city)),
        time_zone: store.zone.name().to_owned(),
        business_day_cutoff: store.business_day_cutoff,
        adm4: Some(store.region.adm4.clone()),
        calendar: "id".to_owned(),
        sales_source: SalesSource::Imports,
        is_synthetic: true,
        opened_on: Some(world.first_day),
    }
}

/// The store of this slug, created if new.
async fn ensure_store(connection: &mut PgConnection, store: &NewStore) -> anyhow::Result<StoreRow> {
    if let Some(row) = find_store(&mut *connection, &store.slug).await? {
        return Ok(row);
    }
    let owner_id = owner_id(connection, OWNER).await?;
    create_store(&mut *connection, &NewStore { owner_id, ..store.clone() }).await?;
    find_store(connection, &store.slug).await?.context("the store was just created")
}
