mod in_step;
mod read_through;
mod redis;

use std::time::Duration;

use domain::ids::StoreId;
use platform::cache::keys;
use platform::cache::{Cache, Invalidation, Json, MemoryCache, testing};

#[tokio::test]
async fn the_memory_cache_conforms() {
    testing::conformance(&MemoryCache::default()).await;
}

#[tokio::test]
async fn the_memory_cache_stays_within_its_size() {
    let cache = MemoryCache::new(1_000);
    for index in 0..1_000 {
        cache.set(&format!("{index:04}"), vec![0; 96], Duration::from_secs(60)).await.expect("set");
    }
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    loop {
        let mut alive = 0;
        for index in 0..1_000 {
            alive += usize::from(cache.get(&format!("{index:04}")).await.expect("get").is_some());
        }
        if alive <= 10 {
            return;
        }
        assert!(std::time::Instant::now() < deadline, "{alive} entries of 100 bytes in 1000 bytes");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn publishing_a_store_forgets_its_predictions_and_no_others() {
    let (cache, mine, other) = (MemoryCache::default(), StoreId::new(), StoreId::new());
    let json = Json(&cache);
    let (product, sales) = (keys::predictions(mine, "product"), keys::predictions(mine, "sales"));
    for key in [&product, &sales, &keys::predictions(other, "product")] {
        json.set(key, &1).await.expect("set");
    }
    cache.delete_prefix(&keys::predictions_of(mine)).await.expect("delete_prefix");
    assert_eq!(json.get::<i32>(&product).await.expect("get"), None);
    assert_eq!(json.get::<i32>(&sales).await.expect("get"), None);
    assert_eq!(json.get::<i32>(&keys::predictions(other, "product")).await.expect("get"), Some(1));
}

#[test]
fn keys_are_those_of_the_design() {
    let store: StoreId = "0193a6e8-0000-7000-8000-000000000001".parse().expect("an id");
    let user = domain::ids::UserId(store.0);
    let all = [
        keys::user_profile(user),
        keys::store_data(store),
        keys::products_list(store),
        keys::orders_stats(store),
        keys::predictions(store, "ingredient"),
        keys::market_prices("2026-11-23".parse().expect("a date")),
        keys::rate_limit(&user.to_string()),
    ];
    let lines: Vec<String> = all.iter().map(|key| format!("{} {} s", key.name, key.time_to_live.as_secs())).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    user:profile:0193a6e8-0000-7000-8000-000000000001 3600 s
    store:data:0193a6e8-0000-7000-8000-000000000001 3600 s
    products:list:0193a6e8-0000-7000-8000-000000000001 1800 s
    orders:stats:0193a6e8-0000-7000-8000-000000000001 900 s
    predictions:0193a6e8-0000-7000-8000-000000000001:ingredient 21600 s
    market:prices:2026-11-23 86400 s
    api:rate_limit:0193a6e8-0000-7000-8000-000000000001 3600 s
    ");
}

#[test]
fn what_is_kept_under_no_key_is_told_of_by_the_keys_of_the_design() {
    let id = "0193a6e8-0000-7000-8000-000000000001";
    let key = |name: &str| Invalidation::Key(format!("{name}:{id}"));
    let uuid = id.parse().expect("an id");
    assert_eq!(keys::person_of_tokens(&key("auth:tokens")), Some(domain::ids::UserId(uuid)));
    assert_eq!(keys::ended_session(&key("auth:sessions")), Some(uuid));
    assert_eq!(keys::store_of_predictions(&Invalidation::prefix(format!("predictions:{id}:"))), Some(StoreId(uuid)));
    for other in [key("auth:session"), key("predictions"), Invalidation::prefix("auth:tokens:"), Invalidation::prefix("")] {
        let told = (keys::person_of_tokens(&other), keys::ended_session(&other), keys::store_of_predictions(&other));
        assert_eq!(told, (None, None, None), "{other:?}");
    }
}
