-- $1 store, $2 source, $3 raw record, $4 recorded at
insert into orders (id, store_id, source, external_id, total_amount, status, order_date, business_date, content_hash,
                    raw_record_id, available_at, told_at, recorded_at)
select id, $1, $2, external_id, total_amount, status, order_date, business_date, content_hash, $3, available_at, told_at, $4
from staging_orders
where verdict = 'new'
order by first_ordinal -- each index grows at its end
