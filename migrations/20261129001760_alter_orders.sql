-- Of an order that was moved to another business day: the days it has left, whose totals are to be made anew as well.
alter table orders add column left_days date[] not null default '{}';

-- Which days have changed lately, of the orders that our own API takes: one by one, or in bulk.
drop index orders_by_update;
create index orders_by_update on orders (updated_at) where source in ('orders', 'api_bulk');
