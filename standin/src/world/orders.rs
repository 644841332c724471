//! From units sold in a day to orders on the till: when each unit was asked for, until the stock was gone, and who
//! bought what together.

use chrono::{Datelike, Duration, NaiveDate, NaiveDateTime};

use super::definition::{Daypart, Store};
use super::effects::EffectRow;
use super::random::{Key, Stream};
use super::rows::SalesLine;

/// Where a neighbourhood keeps the fast at least this much, its day moves.
const FASTING_MOVES_THE_DAY: f64 = 0.5;

/// How likely each minute of opening is, as a running sum from 0 to 1.
pub(crate) struct Clock {
    opens: u32,
    sums: Vec<f64>,
}

impl Clock {
    fn new(store: &Store, peaks: &[[f64; 3]]) -> Self {
        let opens = (store.opens * 60.0) as u32;
        let minutes = ((store.closes - store.opens) * 60.0) as u32;
        let mut sums = Vec::with_capacity(minutes as usize);
        let mut sum = 0.0;
        for minute in 0..minutes {
            let hour = f64::from(opens + minute) / 60.0;
            sum += 0.02 + peaks.iter().map(|peak| bump(hour, *peak)).sum::<f64>();
            sums.push(sum);
        }
        sums.iter_mut().for_each(|entry| *entry /= sum);
        Clock { opens, sums }
    }

    /// A second of the business day, counted from its midnight.
    fn draw(&self, stream: &mut Stream) -> u32 {
        let share = stream.uniform();
        let minute = self.sums.partition_point(|sum| *sum <= share).min(self.sums.len().saturating_sub(1));
        (self.opens + minute as u32) * 60 + stream.below(60)
    }
}

fn bump(hour: f64, [peak, spread, weight]: [f64; 3]) -> f64 {
    let away = (hour - peak) / spread;
    weight / spread * libm::exp(-0.5 * away * away)
}

/// The clocks of one product's intraday profile.
pub(crate) struct Clocks {
    usual: Clock,
    fasting: Option<Clock>,
}

impl Clocks {
    pub(crate) fn new(store: &Store, daypart: &Daypart) -> Self {
        let moves = store.observance.ramadan >= FASTING_MOVES_THE_DAY;
        Clocks { usual: Clock::new(store, &daypart.usual), fasting: moves.then(|| Clock::new(store, &daypart.ramadan)) }
    }

    pub(crate) fn on(&self, is_ramadan: bool) -> &Clock {
        self.fasting.as_ref().filter(|_| is_ramadan).unwrap_or(&self.usual)
    }
}

/// Some units of one product asked for together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Request {
    pub second: u32,
    pub product: u16,
    pub quantity: u32,
}

/// Splits the day's demand into requests over the day and serves them until the stock is gone. Also gives the second of
/// the last sale where it sold out.
pub(crate) fn serve_day(key: Key, clock: &Clock, row: &EffectRow, line: f64) -> (Vec<Request>, Option<u32>) {
    let mut stream = key.of("requests").at(i64::from(row.business_day.num_days_from_ce())).stream();
    let mut requests = Vec::new();
    let mut left = row.demand;
    while left > 0 {
        let quantity = line_quantity(&mut stream, line).min(left);
        left -= quantity;
        requests.push(Request { second: clock.draw(&mut stream), product: row.product, quantity });
    }
    requests.sort_unstable();
    let mut stock = row.sales;
    requests.retain_mut(|request| {
        request.quantity = request.quantity.min(stock);
        stock -= request.quantity;
        request.quantity > 0
    });
    let last = requests.last().map(|request| request.second);
    (requests, last.filter(|_| row.sold_out()))
}

/// 1 and more with the given mean: a geometric number of further units, at most 11.
fn line_quantity(stream: &mut Stream, mean: f64) -> u32 {
    let again = 1.0 - 1.0 / mean;
    (1..12).find(|_| !stream.chance(again)).unwrap_or(12)
}

/// Puts neighbouring requests of a day into orders of one to four lines. An order is rung up when its first line is asked
/// for, so no line comes later than it was asked for.
pub(crate) fn ring_up(key: Key, store: &Store, day: NaiveDate, mut requests: Vec<Request>, prices: impl Fn(u16) -> i64) -> Vec<SalesLine> {
    requests.sort_unstable();
    let mut stream = key.of("baskets").at(i64::from(day.num_days_from_ce())).stream();
    let mut lines: Vec<SalesLine> = Vec::with_capacity(requests.len());
    let mut order = 0;
    let mut rest = requests.as_slice();
    while let Some(first) = rest.first() {
        let size = (1 + (0..3).filter(|_| stream.chance((store.receipt_lines - 1.0) / 3.0)).count()).min(rest.len());
        let channel = draw_channel(&mut stream, store);
        let ordered_at = wall_clock(day, first.second);
        let (basket, later) = rest.split_at(size);
        order += 1;
        let start = lines.len();
        for request in basket {
            match lines[start..].iter_mut().find(|line| line.product == request.product) {
                Some(line) => line.quantity += request.quantity,
                None => lines.push(SalesLine {
                    business_day: day,
                    order,
                    ordered_at,
                    product: request.product,
                    quantity: request.quantity,
                    unit_price: prices(request.product),
                    channel,
                }),
            }
        }
        rest = later;
    }
    lines
}

fn draw_channel(stream: &mut Stream, store: &Store) -> u8 {
    let mut share = stream.uniform();
    let position = store.channels.iter().position(|(_, weight)| {
        share -= weight;
        share < 0.0
    });
    position.unwrap_or(0) as u8
}

/// The local wall clock of a second counted from the business day's midnight.
pub(crate) fn wall_clock(day: NaiveDate, second: u32) -> NaiveDateTime {
    day.and_time(chrono::NaiveTime::MIN) + Duration::seconds(i64::from(second))
}
