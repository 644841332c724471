//! Files that people hand over: BMKG's Data Online as it is downloaded, saved again and cleaned; a calendar of one's own. The
//! weather files are ours, in the shape that `weather-history` of the contracts describes.

use ingest::sources;
use ingest::take::{TakeError, Taken, Workshop, reparse, take_file};
use platform::config::{OutsideConfig, SourcesConfig};
use platform::http::Polite;

use crate::shop::Shop;

const VILLAGE: &str = "32.73.09.1001";

/// As a spreadsheet saves it: decimal commas, upper-case headers, particulars and legend beside and below the table.
const SAVED_AGAIN: &str = "TANGGAL,TN,TX,TAVG,RH_AVG,RR,SS,FF_X,DDD_X,FF_AVG,DDD_CAR,,ID WMO,99999\n\
01-02-2025,\"20,8\",30,\"25,3\",81,\"37,1\",\"4,1\",3,24,0,C,,Nama Stasiun,Stasiun Contoh\n\
02-02-2025,\"22,4\",\"30,4\",\"25,6\",82,8888,\"2,7\",1,90,0,C ,,Lintang,-688.356\n\
03-02-2025,-,\"28,8\",9999,83,-,,3,280,1,W ,,KETERANGAN:,\n\
04-02-2025,8888,9999,-,,9999,,8888,,9999,,,8888: Data tidak terukur,\n\
05-02-2025,22,\"26,8\",\"22,5\",191,\"1,6\",\"1,4\",2,120,0,C,,,\n\
,,,,,,,,,,,,9999: Tidak ada data,\n";

/// As somebody cleaned it, with another word on one day.
const CLEANED: &str = "Tanggal,Tn,Tx,Tavg,RH_avg,RR,ss,ff_x,ddd_x,ff_avg,ddd_car\n\
2025-02-01,20.8,30.0,25.3,81.0,37.1,4.1,3.0,24.0,0.0,C\n\
2025-02-02,22.4,30.4,25.6,82.0,4.2,2.7,1.0,90.0,0.0,C\n";

async fn hand_over(shop: &Shop, source: &str, scope: &str, name: &str, text: &str) -> Result<Taken, TakeError> {
    let http = Polite::new(shop.db.work().clone(), &OutsideConfig::default()).expect("a client");
    let config = SourcesConfig::of_stand_ins("http://127.0.0.1:1");
    let workshop =
        Workshop { pool: shop.db.work(), objects: &shop.objects, clock: &shop.clock, http: &http, config: &config, secret: &shop.secret };
    let sources = sources::all();
    let source = sources.find(source).expect("registered");
    assert!(source.takes_files());
    let taken = take_file(workshop, source, scope, name, text.as_bytes().to_vec(), workshop.clock.now()).await?;
    // Whatever is parsed again says nothing new.
    let days = ingest::feed::Days { first: "2026-11-01".parse().expect("a date"), end: "2026-12-01".parse().expect("a date") };
    let again = reparse(workshop, source, scope, days).await?;
    assert_eq!((again.new_facts, again.unreadable), (0, 0));
    Ok(taken)
}

#[tokio::test]
async fn weather_of_a_station_is_read_as_people_save_it() {
    let shop = Shop::open().await;
    let taken = hand_over(&shop, "weather_history", VILLAGE, "Data BMKG.csv", SAVED_AGAIN).await.expect("a file");
    assert_eq!((taken.facts, taken.new_facts, taken.quarantined), (3, 3, 1), "a day of nothing is no fact, 191 % is no humidity");
    shop.clock.advance(chrono::TimeDelta::hours(1));
    let again = hand_over(&shop, "weather_history", VILLAGE, "Data BMKG.csv", SAVED_AGAIN).await.expect("the same");
    assert_eq!((again.new_records, again.new_facts, again.quarantined), (0, 0, 0));
    let cleaned = hand_over(&shop, "weather_history", VILLAGE, "cleaned.csv", CLEANED).await.expect("another");
    assert_eq!((cleaned.facts, cleaned.new_facts), (2, 1), "only what differs is a version");
    insta::assert_snapshot!(
        shop.query(
            "select concat_ws(' | ', observed_on, source, coalesce(temperature_min_c::text, '-'), coalesce(temperature_c::text, '-'),
                              coalesce(rain_mm::text, '-'), coalesce(humidity_percent::text, '-'), available_at at time zone 'UTC')
             from weather_observations order by observed_on, available_at"
        )
        .await
    );
    insta::assert_snapshot!(
        shop.query("select concat_ws(' | ', row_number, column_name, value, reason) from quarantined_rows order by row_number").await
    );
    shop.close().await;
}

#[tokio::test]
async fn a_table_that_is_none_of_bmkg_says_what_is_missing() {
    let shop = Shop::open().await;
    let error = hand_over(&shop, "weather_history", VILLAGE, "x.csv", "Tanggal,Tn\n01-01-2025,20\n").await.expect_err("no columns");
    insta::assert_snapshot!(domain::chain(&error));
    shop.close().await;
}

/// Two branches until the moon is seen; then one stands and the other is taken back. Each known on its day.
#[tokio::test]
async fn a_decree_settles_the_branches() {
    let shop = Shop::open().await;
    let before = "kind,name,starts_on,ends_on,likelihood,known_on,cancelled\n\
        ramadan,Ramadan 1448 H,2027-02-08,2027-03-09,0.6,2026-09-30,no\n\
        ramadan,Ramadan 1448 H,2027-02-09,2027-03-09,0.4,2026-09-30,no\n";
    let taken = hand_over(&shop, "calendar", "id", "mine.csv", before).await.expect("a table");
    assert_eq!((taken.facts, taken.new_facts), (2, 2));
    shop.clock.advance(chrono::TimeDelta::days(90));
    let after = format!(
        "{before}ramadan,Ramadan 1448 H,2027-02-08,2027-03-09,1,2027-02-07,no\n\
         ramadan,Ramadan 1448 H,2027-02-09,2027-03-09,0.4,2027-02-07,yes\n\
         ramadan,Ramadan 1448 H,2027-02-09,2027-03-09,2,2027-02-07,perhaps\n\
         feast,Pesta,2027-02-09,2027-03-09,1,2027-02-07,no\n\
         event,Pesta,2027-02-09,2029-03-09,1,2027-02-07,no\n\
         event,Pesta,2027-02-09,2027-02-09,1,2027-12-07,no\n"
    );
    let taken = hand_over(&shop, "calendar", "id", "mine.csv", &after).await.expect("a table");
    assert_eq!((taken.facts, taken.new_facts, taken.quarantined), (4, 2, 4));
    insta::assert_snapshot!(
        shop.query(
            "select concat_ws(' | ', name, starts_on, likelihood, is_cancelled, available_at at time zone 'UTC')
             from calendar_events order by available_at, starts_on"
        )
        .await
    );
    shop.close().await;
}

/// The table of this program holds no row that it would refuse.
#[test]
fn our_own_table_is_sound() {
    use ingest::source::{Facts, ParseContext, RawRecord};
    let raw = RawRecord {
        contents: ingest::tabular::Origin::memory("id.csv", include_bytes!("../../../data/calendar/id.csv").to_vec()),
        fetched_at: "2026-11-23T01:00:00Z".parse().expect("an instant"),
        parameters: serde_json::Value::Null,
        scope: "id".to_owned(),
    };
    let calendar = domain::time::BusinessCalendar { time_zone: chrono_tz::Asia::Jakarta, cutoff: chrono::NaiveTime::MIN };
    let sources = sources::all();
    let mut batches = sources.find("calendar").expect("registered").parse(&raw, &ParseContext { calendar }).expect("a table");
    let batch = batches.next_batch().expect("a batch").expect("one");
    assert_eq!(batch.rejected, []);
    let Facts::CalendarEvents(events) = batch.facts else { panic!("events") };
    let mut keys: Vec<_> = events.iter().map(|event| (&event.kind, &event.name, event.starts_on, event.available_at)).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), events.len(), "no event is told twice at one time");
    let late = events.iter().find(|event| event.starts_on.to_string() == "2025-08-18").expect("joint leave");
    assert_eq!(late.available_at.to_rfc3339(), "2025-08-07T17:00:00+00:00", "nobody knew before");
    for year in 2019..=2027 {
        let fitri: f64 = events
            .iter()
            .filter(|event| {
                event.kind == "lebaran" && event.name == "Idul Fitri" && event.starts_on.to_string().starts_with(&year.to_string())
            })
            .map(|event| event.likelihood)
            .sum();
        assert!((fitri - 1.0).abs() < 1e-9, "{year}: {fitri}");
    }
}
