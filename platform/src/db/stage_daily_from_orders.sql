-- Totals of the days that have ended, and zeros for derived totals that no order stands behind any more.
-- $1 store, $2 source, $3 first day, $4 last day, $5 now
with days as materialized (
    select day::date as business_date,
           (day::date + 1 + s.business_day_cutoff) at time zone s.time_zone as ended_at
    from stores s, generate_series($3::date, $4::date, interval '1 day') as day
    where s.id = $1
),
-- Added up first, so that days are looked up once a total and not once a line.
added as materialized (
    select i.product_id, o.business_date,
           sum(i.quantity) filter (where o.status not in ('cancelled', 'refunded')) as quantity,
           (sum(i.total_price) filter (where o.status not in ('cancelled', 'refunded')))::bigint as revenue,
           -- of those that were taken back as well: before that the total was another
           max(o.available_at) as available_at
    from orders o
    join order_items i on i.order_id = o.id
    where o.store_id = $1 and o.source = $2 and o.business_date between $3 and $4
      and i.product_id is not null
    group by i.product_id, o.business_date
    having bool_or(o.status not in ('cancelled', 'refunded'))
),
totals as materialized (
    select a.product_id, a.business_date, a.quantity, a.revenue, greatest(a.available_at, d.ended_at) as available_at
    from added a
    join days d on d.business_date = a.business_date and d.ended_at <= $5
),
-- Totals told by a file name its raw record; those without one came from here.
gone as (
    select distinct on (f.product_id, f.business_date) f.product_id, f.business_date, f.quantity, f.raw_record_id
    from sales_daily f
    where f.store_id = $1 and f.source = $2 and f.business_date between $3 and $4
      and not exists (select from totals t where t.product_id = f.product_id and t.business_date = f.business_date)
    order by f.product_id, f.business_date, f.available_at desc
),
told as (
    select product_id, business_date, quantity, revenue, available_at from totals
    union all
    select product_id, business_date, 0, 0, $5 from gone where raw_record_id is null and quantity > 0
)
insert into staging_sales_daily (product_id, business_date, quantity, revenue, is_sold_out, available_at)
select product_id, business_date, quantity, revenue,
       exists (select from stockout_events e where e.product_id = told.product_id and e.business_date = told.business_date),
       available_at
from told
