-- A corrected order keeps its id and loses its lines; the new ones follow.
update orders
set total_amount = told.total_amount, order_date = told.order_date, business_date = told.business_date, status = told.status,
    content_hash = told.content_hash, available_at = greatest(orders.available_at, told.available_at), told_at = told.told_at
from staging_orders told
where told.verdict = 'corrected' and orders.id = told.id;
delete from order_items using staging_orders told where told.verdict = 'corrected' and order_items.order_id = told.id;
-- What is said again is the last word until a later one: one that was held up on its way does not undo it.
update orders set told_at = told.told_at
from staging_orders told
where told.verdict = 'same' and told.told_at is not null and orders.id = told.id and told.told_at > coalesce(orders.told_at, orders.available_at);
