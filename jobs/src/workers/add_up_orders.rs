//! The stores' own orders become facts like any other: each business day once it has ended, and again when a late order or a refund
//! changes it.

use chrono::TimeDelta;
use domain::job::{AddUpOrders, Outcome};
use domain::time::BusinessCalendar;
use platform::db::orders::{changed_days, daily_from_orders};
use platform::db::sales_daily::DailyLoad;
use platform::db::stores::list_stores;
use platform::db::watermarks::advance_watermark;
use platform::queue::{JobContext, Worker};

use crate::nightly::Nightly;

/// Name of the source of a store's own orders.
const SOURCE: &str = "orders";
/// How far back changes are looked for: longer than any outage that nobody notices.
const SINCE: TimeDelta = TimeDelta::days(14);

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
        let changed = changed_days(pool, now - SINCE).await?;
        for store in list_stores(pool, false).await? {
            let days = changed.iter().find(|days| days.store_id == store.id);
            if days.is_none() && store.sales_source != SOURCE {
                continue;
            }
            let calendar = BusinessCalendar { time_zone: store.time_zone.parse()?, cutoff: store.business_day_cutoff };
            let mut tx = pool.begin().await?;
            if let Some(days) = days {
                let load = DailyLoad { store_id: store.id, source: SOURCE, raw_record_id: None, recorded_at: now };
                daily_from_orders(&mut tx, load, days.first, days.last).await?;
            }
            // Our own orders are there when they are made: every day that has ended is complete.
            let complete_until = calendar.start_of(calendar.business_day(now));
            advance_watermark(&mut *tx, SOURCE, &store.id.to_string(), complete_until, now).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}
