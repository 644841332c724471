//! Orders become daily sales, whoever told of them: each business day once it has ended, since whatever told of it while it went on could
//! not add it up. Of those that our own API took also again when a late order, a correction or a refund changes it.

use chrono::Days;
use domain::job::{AddUpOrders, Outcome};
use domain::time::BusinessCalendar;
use platform::database::begin;
use platform::db::orders::{daily_from_orders, order_sources};
use platform::db::sales_daily::DailyLoad;
use platform::db::stores::list_stores;
use platform::db::taken_orders::{ChangedDays, TAKEN, changed_days};
use platform::db::watermarks::advance_watermark;
use platform::queue::{JobContext, Worker};

use crate::nightly::Nightly;

/// How many days are looked back: longer than any outage that nobody notices.
const BACK: u64 = 14;

/// The worker of [`AddUpOrders`].
pub fn worker(nightly: Nightly) -> impl Worker<AddUpOrders> {
    OrdersWorker(nightly)
}

struct OrdersWorker(Nightly);

impl Worker<AddUpOrders> for OrdersWorker {
    async fn work(&self, _: AddUpOrders, _: JobContext) -> Outcome {
        match self.add_up().await {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::Retry(error),
        }
    }
}

impl OrdersWorker {
    async fn add_up(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let (pool, now) = (&self.0.work, self.0.clock.now());
        let changed = changed_days(pool, now - Days::new(BACK)).await?;
        for store in list_stores(pool, false).await? {
            let calendar = BusinessCalendar { time_zone: store.time_zone.parse()?, cutoff: store.business_day_cutoff };
            let today = calendar.business_day(now);
            let (first, last) = (today - Days::new(BACK), today - Days::new(1));
            for source in order_sources(pool, store.id, first, last).await? {
                let load = DailyLoad { store_id: store.id, source: &source, raw_record_id: None, recorded_at: now };
                let mut tx = begin(pool).await?;
                daily_from_orders(&mut tx, load, first, last).await?;
                tx.commit().await?;
            }
            let changed: Vec<&ChangedDays> = changed.iter().filter(|days| days.store_id == store.id).collect();
            let mut tx = begin(pool).await?;
            for days in &changed {
                let load = DailyLoad { store_id: store.id, source: &days.source, raw_record_id: None, recorded_at: now };
                daily_from_orders(&mut tx, load, days.first, days.last).await?;
            }
            if store.sales_source == TAKEN || changed.iter().any(|days| days.source == TAKEN) {
                // Our own orders are there when they are made: every day that has ended is complete.
                let complete_until = calendar.start_of(calendar.business_day(now));
                advance_watermark(&mut *tx, TAKEN, &store.id.to_string(), complete_until, now).await?;
            }
            tx.commit().await?;
        }
        Ok(())
    }
}
