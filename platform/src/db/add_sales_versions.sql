-- What is staged becomes versions: new facts at their declared time, corrections at the time of the load.
-- $1 store, $2 source, $3 raw record, $4 recorded at, $5 first day, $6 last day
with staged as (
    select product_id, business_date,
           sum(quantity)::numeric(14,3) as quantity, sum(revenue)::bigint as revenue,
           bool_or(is_sold_out) as is_sold_out, max(available_at) as available_at
    from staging_sales_daily
    group by product_id, business_date
),
current as (
    select distinct on (product_id, business_date)
           product_id, business_date, quantity, revenue, is_sold_out, available_at
    from sales_daily
    where store_id = $1 and source = $2 and business_date between $5 and $6
    order by product_id, business_date, available_at desc
),
judged as (
    select staged.*, current.available_at as current_available_at,
           case when current.product_id is null then 'new'
                when (staged.quantity, staged.revenue, staged.is_sold_out)
                     is distinct from (current.quantity, current.revenue, current.is_sold_out) then 'corrected'
                else 'same'
           end as verdict
    from staged
    left join current using (product_id, business_date)
),
added as (
    insert into sales_daily (store_id, product_id, business_date, source, quantity, revenue, is_sold_out, raw_record_id,
                             available_at, recorded_at)
    select $1, product_id, business_date, $2, quantity, revenue, is_sold_out, $3,
           case verdict
               when 'new' then available_at
               -- two corrections at one instant still come one after the other
               else greatest($4, current_available_at + interval '1 microsecond')
           end,
           $4
    from judged
    where verdict <> 'same'
    order by business_date, product_id -- month after month, each in the order of its key
)
select count(*) filter (where verdict = 'new'),
       count(*) filter (where verdict = 'corrected'),
       count(*) filter (where verdict = 'same')
from judged
