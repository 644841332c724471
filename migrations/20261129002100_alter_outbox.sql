-- What a store's orders add up to has changed: every process forgets what it kept of it when the event commits. Each change of orders
-- tells of itself, one event however many they are.
create function app.forget_order_stats() returns trigger
    language plpgsql
    as $$
begin
    perform pg_notify('viralcast_cache', '^orders:stats:' || subject || ':')
    from (select distinct subject from recorded where name in ('order.changed', 'orders.imported', 'payment.changed', 'sales.ingested')) as stores;
    return null;
end
$$;

create trigger forget_order_stats_after_insert after insert on outbox
    referencing new table as recorded for each statement execute function app.forget_order_stats();
