-- When each product was asked for: one row for a product and business day, its orders in order of time.
-- $1 store, $2 first day, $3 last day, $4 known by
with asked as (
    select i.product_id, o.business_date, sum(i.quantity)::float8 as quantity, o.available_at,
           floor(extract(epoch from (o.order_date at time zone s.time_zone)
                                    - (o.business_date + s.business_day_cutoff)) / 60)::int as minute
    from orders o
    join stores s on s.id = o.store_id
    join order_items i on i.order_id = o.id
    where o.store_id = $1 and o.business_date between $2 and $3 and o.available_at <= $4
      and (o.source = 'orders') = (s.sales_source = 'orders')
      and o.status not in ('cancelled', 'refunded') and i.product_id is not null
    group by i.product_id, o.business_date, o.id, o.available_at, o.order_date, s.time_zone, s.business_day_cutoff
)
select product_id as "product_id!", business_date as "business_date!", array_agg(minute order by minute, quantity) as "minutes!",
       array_agg(quantity order by minute, quantity) as "quantities!", max(available_at) as "available_at!"
from asked
group by product_id, business_date
order by product_id, business_date
