-- Which days of a store's own orders have changed lately.
create index orders_by_update on orders (updated_at) where source = 'orders';
