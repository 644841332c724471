-- One row an order, with a hash of all that was told of it, compared with what is stored. Lines are hashed one by one and added up:
-- nothing has to be sorted. Ids are of one version-7 id, the place in the load in their last 32 bits: in the order of the load.
-- $1 store, $2 source, $3 first 28 characters of an id
insert into staging_orders (id, external_id, first_ordinal, order_date, business_date, was_on, total_amount, status,
                            available_at, told_at, content_hash, verdict)
select coalesce(o.id, ($3 || lpad(to_hex(told.first_ordinal), 8, '0'))::uuid), told.external_id, told.first_ordinal, told.order_date,
       told.business_date, o.business_date, told.total_amount, told.status, told.available_at,
       case when told.is_dated then told.available_at end, told.content_hash,
       case when o.id is null then 'new'
            when o.content_hash is not distinct from told.content_hash then 'same'
            -- of a source that says when it said so, an older word comes too late
            when told.is_dated and coalesce(o.told_at, o.available_at) > told.available_at then 'same'
            else 'corrected'
       end
from (
    select external_id, first_ordinal, total_amount, is_dated,
           timestamptz 'epoch' + ordered_at * interval '1 microsecond' as order_date,
           date '1970-01-01' + business_day as business_date,
           timestamptz 'epoch' + available_at * interval '1 microsecond' as available_at,
           case when is_cancelled then 'cancelled' else 'completed' end as status,
           decode(md5(concat_ws('|', ordered_at, business_day, lines, is_cancelled)), 'hex') as content_hash
    from (
        select line.external_id,
               min(line.ordinal) as first_ordinal,
               min(line.ordered_at) as ordered_at,
               min(line.business_day) as business_day,
               max(coalesce(line.available_at, line.ordered_at)) as available_at,
               bool_or(line.available_at is not null) as is_dated,
               sum(line.total_price)::bigint as total_amount,
               coalesce(bool_or(line.is_cancelled), false) as is_cancelled,
               sum(hash_record_extended(row(product.product_id, product.product_name, line.quantity, line.unit_price,
                                            line.total_price), 0)) as lines
        from staging_order_lines line
        join staging_products product using (product)
        group by line.external_id
    ) added
) told
left join orders o on o.store_id = $1 and o.source = $2 and o.external_id = told.external_id
