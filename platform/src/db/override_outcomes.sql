-- The version of a day's total that counts is the one that became available last, as nights read it.
select o.id, o.product_id, p.name as product, p.unit, o.target_date, o.quantity::float8 as "quantity!", o.reason, o.user_id,
    u.name as "user_name?", o.model_quantity,
    coalesce(sold.quantity, case when day.is_known then 0 end)::float8 as actual,
    coalesce(sold.is_sold_out, false) or exists (
        select from stockout_events gone
        where gone.store_id = o.store_id and gone.product_id = o.product_id and gone.business_date = o.target_date
            and gone.available_at <= $4
    ) as "is_sold_out!"
from overrides o
join stores s on s.id = o.store_id
join products p on p.store_id = o.store_id and p.id = o.product_id
left join users u on u.id = o.user_id
left join lateral (
    select d.quantity, d.is_sold_out
    from sales_daily d
    where d.store_id = o.store_id and d.product_id = o.product_id and d.business_date = o.target_date and d.available_at <= $4
        and (d.source = 'orders') = (s.sales_source = 'orders')
    order by d.available_at desc, d.source desc
    limit 1
) as sold on true
left join lateral (
    select true as is_known
    from sales_daily d
    where sold.quantity is null and d.store_id = o.store_id and d.business_date = o.target_date and d.available_at <= $4
        and d.quantity > 0 and (d.source = 'orders') = (s.sales_source = 'orders')
    limit 1
) as day on true
where o.store_id = $1 and o.target_date between $2 and $3 and o.revoked_at is null
order by o.target_date, p.name
