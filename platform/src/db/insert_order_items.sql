-- Lines are numbered from the first one of their order in the load; there are gaps where its lines do not stand together.
-- $1 store, $2 first 28 characters of an id
insert into order_items (id, store_id, order_id, line_number, product_id, product_name, quantity, unit_price, total_price)
select ($2 || lpad(to_hex(line.ordinal), 8, '0'))::uuid, $1, told.id, line.ordinal - told.first_ordinal + 1, product.product_id,
       product.product_name, line.quantity, line.unit_price, line.total_price
from staging_order_lines line
join staging_orders told using (external_id)
join staging_products product using (product)
where told.verdict <> 'same'
