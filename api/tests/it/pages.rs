//! Long lists, and people who write at once.

use serde_json::{Value, json};

use crate::app::App;
use crate::catalogue::{Person, STORE, assert_field, id};

#[tokio::test]
async fn pages_lose_nothing_and_repeat_nothing_while_others_write() {
    let app = App::new().await;
    let sri = Person::new(&app, app.world.owner).await;
    let path = format!("{STORE}/products");
    let fill = "insert into products (id, store_id, name) select gen_random_uuid(), $1, 'Menu ' || lpad(n::text, 3, '0') from generate_series(1, 120) n";
    sqlx::query(fill).bind(app.world.store).execute(app.db.work()).await.expect("a long menu");
    let (mut seen, mut next, mut pages) = (Vec::new(), None::<String>, 0);
    loop {
        let cursor = next.map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
        let page = sri.get(&format!("{path}?limit=17{cursor}")).await.json();
        let names =
            page["products"].as_array().expect("products").iter().map(|product| product["name"].as_str().expect("a name").to_owned());
        seen.extend(names);
        pages += 1;
        // One before and one behind what has been read, each time.
        for name in [format!("Aaa {pages}"), format!("Zzz {pages}")] {
            sri.create(&path, json!({ "name": name })).await;
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => next = Some(cursor.to_owned()),
            None => break,
        }
    }
    let of_menu: Vec<&String> = seen.iter().filter(|name| name.starts_with("Menu")).collect();
    assert_eq!(of_menu.len(), 120);
    assert!(seen.is_sorted() && seen.windows(2).all(|two| two[0] != two[1]), "{seen:?}");
    assert!(seen.contains(&"Zzz 1".to_owned()) && !seen.contains(&"Aaa 2".to_owned()));
    for query in ["cursor=x", "cursor=", "cursor=ImFcdTAwMDBiIg", "limit=0", "limit=201", "limit=ten", "page=2", "category_id=1"] {
        assert_field(&sri.get(&format!("{path}?{query}")).await, query.split('=').next().expect("a name"));
    }
    assert_eq!(sri.get(&format!("{path}?limit=200")).await.json()["next_cursor"], Value::Null);
    for noun in ["categories", "ingredients"] {
        assert_field(&sri.get(&format!("{STORE}/{noun}?cursor=x")).await, "cursor");
    }
}

#[tokio::test]
async fn whoever_writes_at_once_takes_turns() {
    let app = App::new().await;
    let sri = Person::new(&app, app.world.owner).await;
    let product = sri.create(&format!("{STORE}/products"), json!({"name": "Soto", "price": 1})).await;
    let path = format!("{STORE}/products/{}", id(&product));
    for price in 2..8 {
        let name = format!("Soto {price}");
        let (one, other) = tokio::join!(sri.patch(&path, json!({ "price": price })), sri.patch(&path, json!({ "name": name })));
        assert_eq!((one.status.as_u16(), other.status.as_u16()), (200, 200));
        let now = sri.get(&path).await.json();
        assert_eq!((&now["price"], &now["name"]), (&json!(price), &json!(name)), "neither change is lost");
    }
}
