//! Sales files that are left in a folder or a bucket.

use ingest::sales_csv::Destination;
use ingest::sales_files::take_sales_files;
use platform::config::S3Config;
use platform::db::sales_files::{SalesFile, list_sales_files, refused_sales_files};
use platform::objects::Place;

use crate::s3_server;
use crate::shop::Shop;

const DAY: &str = "Tanggal,Menu,Jumlah\n2026-11-20,nasi uduk,40\n2026-11-20,es teh,25\n";
const NEXT: &str = "Tanggal,Menu,Jumlah\n2026-11-21,nasi uduk,44\n2026-11-21,es teh,dua\n";

impl Shop {
    /// A file in the watched folder.
    fn leave(&self, path: &str, contents: impl AsRef<[u8]>) {
        let path = self.folder.path().join("masuk").join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, contents).expect("written");
    }

    fn place(&self) -> Place {
        Place::open(&self.folder.path().join("masuk").display().to_string(), &S3Config::default()).expect("a place")
    }

    /// Path and state of each file that is new or has changed.
    async fn look(&self, place: &Place) -> Vec<(String, String)> {
        let news = self.look_closer(place, false).await;
        news.into_iter().map(|file| (file.path, file.state)).collect()
    }

    async fn look_closer(&self, place: &Place, at_once: bool) -> Vec<SalesFile> {
        let to = Destination { pool: self.db.work(), objects: &self.objects, clock: &self.clock };
        let look = take_sales_files(to, place, at_once).await.expect("a look");
        assert!(look.failed.is_empty(), "{:?}", look.failed);
        let mut news = look.news;
        news.sort_by(|a, b| a.path.cmp(&b.path));
        news
    }

    async fn sold(&self) -> String {
        self.query(
            "select concat_ws(' | ', business_date, p.name, trim_scale(quantity)) from sales_daily d join products p on p.id = product_id
             where not exists (select from sales_daily later where (later.product_id, later.business_date) = (d.product_id, d.business_date)
                                                               and later.available_at > d.available_at)
             order by 1",
        )
        .await
    }
}

fn pairs(files: &[(String, String)]) -> Vec<(&str, &str)> {
    files.iter().map(|(path, state)| (path.as_str(), state.as_str())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_loaded_once_it_is_no_longer_written_to_and_again_when_it_changes() {
    let shop = Shop::open().await;
    shop.leave("warung/hari.csv", DAY);
    let place = shop.place();
    assert_eq!(pairs(&shop.look(&place).await), [("warung/hari.csv", "seen")]);
    assert_eq!(shop.sold().await, "", "it may still be written to");
    shop.leave("warung/hari.csv", format!("{DAY}2026-11-20,kopi,9\n"));
    assert_eq!(pairs(&shop.look(&place).await), [("warung/hari.csv", "seen")], "it was");
    assert_eq!(pairs(&shop.look(&place).await), [("warung/hari.csv", "taken")]);
    let day = "2026-11-20 | es teh | 25\n2026-11-20 | kopi | 9\n2026-11-20 | nasi uduk | 40";
    assert_eq!(shop.sold().await, day);
    assert_eq!(pairs(&shop.look(&place).await), [], "nothing is loaded twice");

    shop.clock.advance(chrono::TimeDelta::hours(1));
    shop.leave("warung/2026/esok.csv", NEXT);
    shop.leave("warung/hari.csv", DAY.replace(",40", ",41"));
    shop.look(&place).await;
    assert_eq!(pairs(&shop.look(&place).await), [("warung/2026/esok.csv", "taken"), ("warung/hari.csv", "taken")]);
    assert_eq!(shop.sold().await, format!("{}\n2026-11-21 | nasi uduk | 44", day.replace("| 40", "| 41")));
    let files = list_sales_files(shop.db.work(), place.name()).await.expect("files");
    let rows: Vec<_> = files.iter().map(|file| (file.good_rows, file.bad_rows, file.store_id)).collect();
    assert_eq!(rows, [(Some(1), Some(1), Some(shop.store.id)), (Some(2), Some(0), Some(shop.store.id))]);
    let open = "select value from quarantined_rows where state = 'open'";
    assert_eq!(shop.query(open).await, "dua");

    shop.clock.advance(chrono::TimeDelta::hours(1));
    shop.leave("warung/2026/esok.csv", NEXT.replace("dua", "2"));
    shop.look(&place).await;
    shop.look(&place).await;
    assert_eq!(shop.query(open).await, "", "the file was mended");
    assert_eq!(shop.sold().await.lines().nth(3), Some("2026-11-21 | es teh | 2"));
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_makes_no_sense_says_why_and_holds_up_no_other() {
    let shop = Shop::open().await;
    shop.leave("warung/hari.csv", DAY);
    shop.leave("warung/foto.jpg", [0xff, 0xd8, 0xff, 0xe0, 0, 1, 2, 3]);
    shop.leave("warung/catatan.txt", "beli gas\nbayar listrik\n");
    shop.leave("warung/.hari.csv.swp", "x");
    shop.leave("toko-lain/hari.csv", DAY);
    shop.leave("lepas.csv", DAY);
    std::os::unix::fs::symlink(shop.folder.path().join("masuk/lepas.csv"), shop.folder.path().join("masuk/warung/tautan.csv"))
        .expect("a link");
    let place = shop.place();
    let news = shop.look_closer(&place, true).await;
    let told: Vec<String> =
        news.iter().map(|file| format!("{} {}: {}", file.state, file.path, file.reason.as_deref().unwrap_or("-"))).collect();
    insta::assert_snapshot!(told.join("\n"));
    assert_eq!(refused_sales_files(shop.db.work()).await.expect("files").len(), 5);
    assert!(shop.look_closer(&place, true).await.is_empty(), "nobody complains twice of the same file");
    shop.query("update stores set slug = 'toko-lain' returning slug").await;
    let moved = shop.look_closer(&place, true).await;
    assert_eq!((moved.len(), moved[0].state.as_str()), (1, "taken"), "its store is there by now: {moved:?}");
    shop.query("update stores set slug = 'warung' returning slug").await;
    shop.leave("warung/catatan.txt", DAY.replace("11-20", "11-19"));
    assert_eq!(shop.look_closer(&place, true).await.len(), 1);
    assert_eq!(refused_sales_files(shop.db.work()).await.expect("files").len(), 3, "mended");
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_may_say_how_its_files_are_to_be_read() {
    let shop = Shop::open().await;
    shop.leave("warung/kasir/a.csv", "d;x;n\n03/04/2026;nasi;1,500\n");
    shop.leave(
        "warung/kasir/sales_csv.toml",
        "map = { ds = 'd', product = 'x', y = 'n' }\ndate_format = 'dd/mm/yyyy'\ndecimal = 'comma'\n",
    );
    shop.leave("warung/lain/a.csv", DAY);
    shop.leave("warung/lain/sales_csv.toml", "peta = 1");
    let news = shop.look_closer(&shop.place(), true).await;
    assert_eq!((news[0].state.as_str(), news[1].state.as_str()), ("taken", "refused"), "{news:?}");
    assert!(news[1].reason.as_deref().is_some_and(|reason| reason.contains("sales_csv.toml") && reason.contains("peta")), "{news:?}");
    assert_eq!(shop.sold().await, "2026-04-03 | nasi | 1.5");
    shop.leave("warung/lain/sales_csv.toml", "decimal = 'point'");
    let mended = shop.look_closer(&shop.place(), true).await;
    assert_eq!((mended.len(), mended[0].state.as_str()), (1, "taken"), "files are read as their folder says by now: {mended:?}");
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_is_read_like_a_folder() {
    let shop = Shop::open().await;
    let root = shop.folder.path().join("s3");
    std::fs::create_dir_all(root.join("penjualan/harian/warung")).expect("a bucket");
    std::fs::write(root.join("penjualan/harian/warung/hari ini.csv"), DAY).expect("written");
    let access = s3_server::serve(&root).await;
    let place = Place::open("s3://penjualan/harian", &access).expect("a place");
    assert_eq!(pairs(&shop.look(&place).await), [("warung/hari ini.csv", "taken")], "what is in a bucket is whole");
    assert_eq!(shop.sold().await, "2026-11-20 | es teh | 25\n2026-11-20 | nasi uduk | 40");
    assert_eq!(pairs(&shop.look(&place).await), []);
    shop.close().await;
}
