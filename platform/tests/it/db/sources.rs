//! Raw records, quarantine and watermarks.

use platform::db::quarantined_rows::{NewQuarantinedRow, count_quarantined_rows, insert_quarantined_rows, list_quarantined_rows};
use platform::db::raw_records::{NewRawRecord, land_raw_record};
use platform::db::watermarks::{advance_watermark, get_watermark, list_watermarks};

use super::shop::{Shop, at};

fn record(byte: u8, fetched_at: &str) -> NewRawRecord {
    NewRawRecord {
        source: "sales_csv".to_owned(),
        store_id: None,
        scope: String::new(),
        window: Some((at("2026-11-01T00:00:00Z"), at("2026-11-02T00:00:00Z"))),
        url: None,
        status: None,
        headers: serde_json::json!({}),
        content_type: Some("text/csv".to_owned()),
        content_hash: [byte; 32],
        content_length: 17,
        object_key: format!("raw/{byte:02x}"),
        attribution: None,
        fetched_at: at(fetched_at),
    }
}

#[tokio::test]
async fn the_same_bytes_are_one_record_also_months_later_and_at_one_moment() {
    let shop = Shop::open().await;
    let landing = || async {
        let mut work = shop.connection().await;
        land_raw_record(&mut work, &record(7, "2026-11-23T00:00:00Z")).await.expect("a record")
    };
    let (first, second, third) = tokio::join!(landing(), landing(), landing());
    assert_eq!([first, second, third].iter().filter(|landed| landed.is_new).count(), 1);
    assert!(first.id == second.id && second.id == third.id);

    let mut work = shop.connection().await;
    let later = land_raw_record(&mut work, &record(7, "2027-02-01T00:00:00Z")).await.expect("the same bytes");
    assert_eq!((later.id, later.is_new), (first.id, false));
    let other = land_raw_record(&mut work, &record(8, "2027-02-01T00:00:00Z")).await.expect("other bytes");
    assert!(other.is_new && other.id != first.id);
    let own = NewRawRecord { store_id: Some(shop.store_id), ..record(7, "2027-02-01T00:00:00Z") };
    assert!(land_raw_record(&mut work, &own).await.expect("a store's own").is_new, "the same file of another store is another record");
    drop(work);
    shop.db.close().await;
}

#[tokio::test]
async fn a_bad_row_is_quarantined_once_with_its_reason() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let raw = land_raw_record(&mut work, &record(1, "2026-11-23T00:00:00Z")).await.expect("a record");
    let row = |row_number, column: Option<&str>| NewQuarantinedRow {
        file_name: Some("penjualan.csv".to_owned()),
        row_number,
        column_name: column.map(str::to_owned),
        value: Some("dua belas".to_owned()),
        reason: "not a number".to_owned(),
        row_text: Some("2026-11-01;ayam;dua belas".to_owned()),
    };
    let rows = [row(17, Some("Jumlah")), row(3, None)];
    let store = Some(shop.store_id);
    assert_eq!(insert_quarantined_rows(&mut *work, "sales_csv", store, Some(raw.id), &rows).await.expect("rows"), 2);
    assert_eq!(insert_quarantined_rows(&mut *work, "sales_csv", store, Some(raw.id), &rows).await.expect("the same"), 0);
    assert_eq!(count_quarantined_rows(&mut *work, "sales_csv").await.expect("a count"), 2);
    let listed = list_quarantined_rows(&mut *work, "sales_csv", store, 10).await.expect("rows");
    let seen: Vec<_> = listed.iter().map(|row| (row.row_number, row.column_name.as_deref(), row.reason.as_str())).collect();
    assert_eq!(seen, [(3, None, "not a number"), (17, Some("Jumlah"), "not a number")]);
    assert_eq!(list_quarantined_rows(&mut *work, "sales_csv", None, 10).await.expect("rows"), []);
    drop(work);
    shop.db.close().await;
}

#[tokio::test]
async fn a_watermark_never_moves_back() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    assert_eq!(get_watermark(&mut *work, "bmkg_forecast", "").await.expect("none yet"), None);
    let mut stands = Vec::new();
    for (until, now) in [
        ("2026-11-02T00:00:00Z", "2026-11-02T01:00:00Z"),
        ("2026-10-01T00:00:00Z", "2026-11-09T01:00:00Z"),
        ("2026-11-03T00:00:00Z", "2026-11-10T00:00:00Z"),
    ] {
        stands.push(advance_watermark(&mut *work, "bmkg_forecast", "", at(until), at(now)).await.expect("a watermark"));
    }
    assert_eq!(stands, [at("2026-11-02T00:00:00Z"), at("2026-11-02T00:00:00Z"), at("2026-11-03T00:00:00Z")]);
    advance_watermark(&mut *work, "bmkg_forecast", "31", at("2026-01-01T00:00:00Z"), at("2026-01-01T00:00:00Z"))
        .await
        .expect("another scope");
    let all = list_watermarks(&mut *work).await.expect("watermarks");
    assert_eq!(all.iter().map(|mark| mark.scope.as_str()).collect::<Vec<_>>(), ["", "31"]);
    assert_eq!(all[0].last_success_at, at("2026-11-10T00:00:00Z"));
    drop(work);
    shop.db.close().await;
}
