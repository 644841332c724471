-- Who ordered is forgotten some time after: few orders say it, and none that a file or a till told of.
create index orders_with_customers on orders (order_date) where num_nonnulls(customer_name, customer_phone) > 0;

-- Who ordered is nothing that a day is added up of: an order that forgets it has not changed.
drop trigger touch_updated_at on orders;
create trigger touch_updated_at before update on orders for each row
    when ((old.customer_name, old.customer_phone) is not distinct from (new.customer_name, new.customer_phone))
    execute function app.touch_updated_at();
