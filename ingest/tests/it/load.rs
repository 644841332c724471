//! Sales files into the database.

use insta::assert_snapshot;
use platform::db::quarantined_rows::list_quarantined_rows;
use platform::db::watermarks::get_watermark;
use platform::objects::Objects;

use crate::sales_csv::fixture;
use crate::shop::Shop;

const SALES: &str =
    "select concat_ws(' | ', d.business_date, p.name, d.quantity, d.revenue, d.is_sold_out, d.available_at at time zone 'UTC')
                     from sales_daily d join products p on p.id = d.product_id order by d.business_date, p.name, d.available_at";

#[tokio::test]
async fn daily_totals_land_with_the_time_they_became_known() {
    let shop = Shop::open().await;
    let report = shop.ingest(&fixture("kas_harian.csv")).await.expect("loaded");
    assert_snapshot!(report, @r#"
    `kas_harian.csv` for store `warung`: daily totals; semicolon-separated, UTF-8; dates dd/mm/yyyy; quantities with a decimal comma
    columns: ds = `Tanggal`, product = `Menu`, category = `Kategori`, y = `Jumlah`, price = `Harga`, sold_out = `Habis`
    not used: `Catatan`
    business days 2026-10-30 to 2026-11-02 (Asia/Jakarta)
    products: 0 known, 3 new (`Ayam geprek`, `Es teh`, `Sambal matah`)
    rows: 16 read, 6 good, 10 quarantined
      row 7, column `Jumlah`: `-3` is negative; returns are not sales
      row 8, column `Jumlah`: `banyak` is not a number (decimal comma)
      row 9, column `Tanggal`: `32/11/2026` is not a date (dd/mm/yyyy)
      row 10, column `Menu` is empty, so the sale has no product
      row 11, column `Menu`: `Ayam geprek` has a total for 2026-10-31 already, in row 4
      ... and 5 more
    daily totals: 6 loaded, 0 superseded, 0 unchanged
    "#);
    assert_snapshot!(shop.query(SALES).await, @r#"
    2026-10-30 | Ayam geprek | 84.000 | 1260000 | f | 2026-10-30 20:00:00
    2026-10-30 | Es teh | 121.000 | 484000 | f | 2026-10-30 20:00:00
    2026-10-31 | Ayam geprek | 96.000 | 1440000 | t | 2026-10-31 20:00:00
    2026-10-31 | Es teh | 140.000 | 560000 | f | 2026-10-31 20:00:00
    2026-10-31 | Sambal matah | 7.500 | 18750 | f | 2026-10-31 20:00:00
    2026-11-02 | Sambal matah | 1250.500 | 3126250 | f | 2026-11-02 20:00:00
    "#);
    let products = "select concat_ws(' | ', p.name, c.name, p.price, p.unit, p.first_sold_on)
                    from products p left join categories c on c.id = p.category_id order by p.name";
    assert_snapshot!(shop.query(products).await, @r#"
    Ayam geprek | Lauk | 15000 | porsi | 2026-10-30
    Es teh | Minuman | 4000 | porsi | 2026-10-30
    Sambal matah | Pelengkap | 2500 | porsi | 2026-10-31
    "#);
    let watermark = get_watermark(shop.db.work(), "sales_csv", &shop.store.id.to_string()).await.expect("a query").expect("set");
    assert_eq!(watermark.complete_until.to_rfc3339(), "2026-11-02T20:00:00+00:00");
    shop.close().await;
}

#[tokio::test]
async fn bad_rows_are_in_quarantine_with_their_reasons() {
    let shop = Shop::open().await;
    shop.ingest(&fixture("kas_harian.csv")).await.expect("loaded");
    let rows = list_quarantined_rows(shop.db.work(), "sales_csv", Some(shop.store.id), 100).await.expect("a query");
    let shown: Vec<String> = rows
        .iter()
        .map(|row| {
            let cell = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
            format!(
                "{} {} {} `{}` {} <- {}",
                cell(&row.file_name),
                row.row_number,
                cell(&row.column_name),
                cell(&row.value),
                row.reason,
                cell(&row.row_text)
            )
        })
        .collect();
    assert_snapshot!(shown.join("\n"), @r#"
    kas_harian.csv 7 Jumlah `-3` is negative; returns are not sales <- 01/11/2026;Ayam geprek;Lauk;-3;Rp15.000;tidak;retur
    kas_harian.csv 8 Jumlah `banyak` is not a number (decimal comma) <- 01/11/2026;Es teh;Minuman;banyak;Rp4.000;tidak;
    kas_harian.csv 9 Tanggal `32/11/2026` is not a date (dd/mm/yyyy) <- 32/11/2026;Es teh;Minuman;99;Rp4.000;tidak;
    kas_harian.csv 10 Menu `` is empty, so the sale has no product <- 01/11/2026;;Lauk;12;Rp15.000;tidak;
    kas_harian.csv 11 Menu `Ayam geprek` has a total for 2026-10-31 already, in row 4 <- 31/10/2026;Ayam geprek;Lauk;5;Rp15.000;tidak;dua kali
    kas_harian.csv 12 Jumlah `` is empty, so nothing is known of the sale <- 01/11/2026;Ayam geprek;Lauk;;Rp15.000;tidak;belum dihitung
    kas_harian.csv 13 Tanggal `01/11/2062` is no day of a sale that has happened <- 01/11/2062;Es teh;Minuman;80;Rp4.000;tidak;
    kas_harian.csv 14 - `-` has 3 fields where the header has 7 <- -
    kas_harian.csv 15 Harga `gratis` is not a number (decimal comma) <- 02/11/2026;Es teh;Minuman;110;gratis;tidak;
    kas_harian.csv 16 Habis `mungkin` is neither yes nor no <- 02/11/2026;Ayam geprek;Lauk;88;Rp15.000;mungkin;
    "#);
    shop.close().await;
}

#[tokio::test]
async fn the_same_file_again_changes_nothing() {
    let shop = Shop::open().await;
    for name in ["kas_harian.csv", "kasir.csv"] {
        let first = shop.ingest(&fixture(name)).await.expect("loaded");
        let everything = "select count(*)::text from sales_daily union all select count(*)::text from orders
                          union all select count(*)::text from order_items union all select count(*)::text from raw_records
                          union all select count(*)::text from quarantined_rows union all select count(*)::text from outbox
                          union all select count(*)::text from products";
        let before = shop.query(everything).await;
        shop.clock.advance(chrono::TimeDelta::hours(1));
        let again = shop.ingest(&fixture(name)).await.expect("loaded");
        assert_eq!(shop.query(everything).await, before, "{name}");
        assert_eq!((first.changed_nothing(), again.changed_nothing()), (false, true), "{name}");
        assert_eq!((again.file_is_new, again.newly_quarantined, again.products_new.len()), (Some(false), 0, 0), "{name}");
    }
    shop.close().await;
}

#[tokio::test]
async fn a_corrected_file_adds_versions() {
    let shop = Shop::open().await;
    shop.ingest(&shop.file("a.csv", "ds,product,y\n2026-11-20,Soto,5\n2026-11-21,Soto,6\n")).await.expect("loaded");
    let report = shop.ingest(&shop.file("b.csv", "ds,product,y\n2026-11-21,Soto,7\n2026-11-22,Soto,8\n")).await.expect("loaded");
    let counts = report.facts.expect("written");
    assert_eq!((counts.loaded, counts.superseded, counts.unchanged), (1, 1, 0));
    assert_snapshot!(shop.query(SALES).await, @r#"
    2026-11-20 | Soto | 5.000 | f | 2026-11-20 20:00:00
    2026-11-21 | Soto | 6.000 | f | 2026-11-21 20:00:00
    2026-11-21 | Soto | 7.000 | f | 2026-11-23 01:00:00
    2026-11-22 | Soto | 8.000 | f | 2026-11-22 20:00:00
    "#);
    let events = "select payload->>'from' || ' ' || (payload->>'to') || ' ' || (payload->>'rows') from outbox order by position";
    assert_snapshot!(shop.query(events).await, @r#"
    2026-11-20 2026-11-21 2
    2026-11-21 2026-11-22 2
    "#);
    shop.close().await;
}

#[tokio::test]
async fn orders_become_daily_totals_of_business_days() {
    let shop = Shop::open().await;
    let report = shop.ingest(&fixture("kasir.csv")).await.expect("loaded");
    assert_snapshot!(report, @r#"
    `kasir.csv` for store `warung`: order lines; comma-separated, UTF-8; dates yyyy-mm-dd; quantities with a decimal point
    columns: ds = `Waktu`, order = `No. Pesanan`, product = `Nama Menu`, category = `Kategori`, y = `Qty`, price = `Harga Satuan`
    not used: `Kasir`
    business days 2026-10-30 to 2026-10-31 (Asia/Jakarta)
    products: 0 known, 3 new (`Es jeruk`, `Mie rebus`, `Nasi goreng`)
    rows: 9 read, 5 good, 4 quarantined
      row 7, column `Qty`: `0` is zero; an order line sells something
      row 8, column `Qty`: `-1` is negative; returns are not sales
      row 9, column `No. Pesanan` is empty, so the line belongs to no order
      row 10, column `Waktu`: `2026-10-31 25:10:00` is not a date (yyyy-mm-dd)
    orders: 4 loaded, 0 superseded, 0 unchanged
    daily totals: 4 loaded, 0 superseded, 0 unchanged
    "#);
    let orders = "select concat_ws(' | ', o.external_id, o.business_date, o.order_date at time zone 'UTC', o.total_amount, i.product_name, i.quantity)
                  from orders o join order_items i on i.order_id = o.id order by o.external_id, i.line_number";
    assert_snapshot!(shop.query(orders).await, @r#"
    A-001 | 2026-10-30 | 2026-10-30 11:05:12 | 50000 | Nasi goreng | 2.000
    A-001 | 2026-10-30 | 2026-10-30 11:05:12 | 50000 | Es jeruk | 2.000
    A-002 | 2026-10-30 | 2026-10-30 16:40:00 | 18000 | Nasi goreng | 1.000
    A-003 | 2026-10-30 | 2026-10-30 18:15:30 | 45000 | Mie rebus | 3.000
    A-004 | 2026-10-31 | 2026-10-31 12:20:00 | 72000 | Nasi goreng | 4.000
    "#);
    assert_snapshot!(shop.query(SALES).await, @r#"
    2026-10-30 | Es jeruk | 2.000 | 14000 | f | 2026-10-30 20:00:00
    2026-10-30 | Mie rebus | 3.000 | 45000 | f | 2026-10-30 20:00:00
    2026-10-30 | Nasi goreng | 3.000 | 54000 | f | 2026-10-30 20:00:00
    2026-10-31 | Nasi goreng | 4.000 | 72000 | f | 2026-10-31 20:00:00
    "#);
    shop.close().await;
}

#[tokio::test]
async fn a_dry_run_writes_nothing() {
    let shop = Shop::open().await;
    let report = shop.dry_run(&fixture("kas_harian.csv")).await.expect("read");
    assert_snapshot!(report, @r#"
    `kas_harian.csv` for store `warung`: daily totals; semicolon-separated, UTF-8; dates dd/mm/yyyy; quantities with a decimal comma
    columns: ds = `Tanggal`, product = `Menu`, category = `Kategori`, y = `Jumlah`, price = `Harga`, sold_out = `Habis`
    not used: `Catatan`
    business days 2026-10-30 to 2026-11-02 (Asia/Jakarta)
    products: 0 known, 3 new (`Ayam geprek`, `Es teh`, `Sambal matah`)
    rows: 16 read, 6 good, 10 quarantined
      row 7, column `Jumlah`: `-3` is negative; returns are not sales
      row 8, column `Jumlah`: `banyak` is not a number (decimal comma)
      row 9, column `Tanggal`: `32/11/2026` is not a date (dd/mm/yyyy)
      row 10, column `Menu` is empty, so the sale has no product
      row 11, column `Menu`: `Ayam geprek` has a total for 2026-10-31 already, in row 4
      ... and 5 more
    nothing was written
    "#);
    let rows = "select (select count(*) from sales_daily)::text || (select count(*) from raw_records)::text
                       || (select count(*) from products)::text || (select count(*) from quarantined_rows)::text";
    assert_eq!(shop.query(rows).await, "0000");
    assert_eq!(shop.objects.list("").await.expect("listed"), []);
    shop.close().await;
}

#[tokio::test]
async fn a_file_without_a_good_row_leaves_only_its_bytes() {
    let shop = Shop::open().await;
    let error = shop.ingest(&shop.file("kas.csv", "ds,product,y\n2026-11-20,Soto,few\n2026-11-21,,1\n")).await.expect_err("no good row");
    assert_snapshot!(error, @r#"
    no row of `kas.csv` could be read:
      row 2, column `y`: `few` is not a number (decimal point)
      row 3, column `product` is empty, so the sale has no product
    "#);
    let rows = "select (select count(*) from sales_daily)::text || (select count(*) from raw_records)::text
                       || (select count(*) from products)::text || (select count(*) from quarantined_rows)::text";
    assert_eq!(shop.query(rows).await, "0100");
    shop.close().await;
}

#[tokio::test]
async fn the_restaurants_export_loads_like_any_owners() {
    let shop = Shop::open().await;
    let file = fixture("../../restaurant/sales.csv");
    let report = shop.ingest(&file).await.expect("loaded");
    assert_eq!((report.rows_read, report.rows_good, report.products_new.len()), (5355, 5355, 7));
    assert_eq!((report.first_day.to_string(), report.last_day.to_string()), ("2013-10-04".to_owned(), "2015-11-07".to_owned()));
    shop.close().await;
}
