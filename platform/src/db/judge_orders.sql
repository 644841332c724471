-- One row an order, with a hash of all that was told of it, compared with what is stored.
-- $1 store, $2 source
insert into staging_orders (id, external_id, order_date, business_date, total_amount, available_at, content_hash, verdict)
select coalesce(o.id, gen_random_uuid()), told.external_id, told.order_date, told.business_date, told.total_amount,
       told.available_at, told.content_hash,
       case when o.id is null then 'new' when o.content_hash is distinct from told.content_hash then 'corrected' else 'same' end
from (
    select external_id,
           min(ordered_at) as order_date,
           min(business_date) as business_date,
           sum(total_price)::bigint as total_amount,
           max(available_at) as available_at,
           sha256(convert_to(
               min(business_date)::text || extract(epoch from min(ordered_at))::text
                   || string_agg(row(product_id, product_name, quantity, unit_price, total_price)::text,
                                 E'\n' order by ordinal),
               'UTF8')) as content_hash
    from staging_order_lines
    group by external_id
) told
left join orders o on o.store_id = $1 and o.source = $2 and o.external_id = told.external_id
