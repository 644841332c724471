-- $1 store
insert into order_items (store_id, order_id, line_number, product_id, product_name, quantity, unit_price, total_price)
select $1, told.id, row_number() over (partition by told.id order by line.ordinal), line.product_id, line.product_name,
       line.quantity, line.unit_price, line.total_price
from staging_order_lines line
join staging_orders told using (external_id)
where told.verdict <> 'same'
