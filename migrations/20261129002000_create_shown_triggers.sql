-- What screens show has changed: when it commits, every process forgets what it kept of it. The words are those of platform::cache.
-- The argument is how the keys begin before the store's id.
create function app.forget_shown() returns trigger
    language plpgsql
    as $$
begin
    perform pg_notify('viralcast_cache', '^' || tg_argv[0] || store_id || ':') from (select distinct store_id from changed) as stores;
    return null;
end
$$;

create trigger forget_shown_after_insert after insert on published_runs
    referencing new table as changed for each statement execute function app.forget_shown('predictions:');
create trigger forget_shown_after_update after update on published_runs
    referencing new table as changed for each statement execute function app.forget_shown('predictions:');
create trigger forget_shown_after_delete after delete on published_runs
    referencing old table as changed for each statement execute function app.forget_shown('predictions:');
create trigger forget_shown_after_insert after insert on plan_items
    referencing new table as changed for each statement execute function app.forget_shown('predictions:');
create trigger forget_shown_after_update after update on plan_items
    referencing new table as changed for each statement execute function app.forget_shown('predictions:');
create trigger forget_shown_after_delete after delete on plan_items
    referencing old table as changed for each statement execute function app.forget_shown('predictions:');
create trigger forget_shown_after_insert after insert on products
    referencing new table as changed for each statement execute function app.forget_shown('products:list:');
create trigger forget_shown_after_update after update on products
    referencing new table as changed for each statement execute function app.forget_shown('products:list:');
create trigger forget_shown_after_delete after delete on products
    referencing old table as changed for each statement execute function app.forget_shown('products:list:');

-- Name, time zone and hours of a store are part of all that is shown of it.
create function app.forget_store() returns trigger
    language plpgsql
    as $$
begin
    perform pg_notify('viralcast_cache', '=store:data:' || id), pg_notify('viralcast_cache', '^predictions:' || id || ':') from changed;
    return null;
end
$$;

create trigger forget_store_after_update after update on stores
    referencing new table as changed for each statement execute function app.forget_store();
create trigger forget_store_after_delete after delete on stores
    referencing old table as changed for each statement execute function app.forget_store();

-- Live updates: who watches a store is woken when something of it commits.
create function app.wake_watchers() returns trigger
    language plpgsql
    as $$
begin
    perform pg_notify('viralcast_live', subject) from (select distinct subject from recorded) as subjects;
    return null;
end
$$;

create trigger wake_watchers_after_insert after insert on outbox
    referencing new table as recorded for each statement execute function app.wake_watchers();

-- Events of one store, for who may see it, in their order. Before one that is not settled others may still appear (see platform::bus::outbox).
create index outbox_by_subject on outbox (subject, txid, position);

create function app.live_events(store uuid, after_txid xid8, after_position bigint, most integer)
    returns table (txid xid8, "position" bigint, name text, occurred_at timestamptz, payload jsonb, is_settled boolean)
    language sql stable security definer
    set search_path = pg_catalog, public, pg_temp
    as $$
        select o.txid, o.position, o.name, o.occurred_at, o.payload, o.txid < pg_snapshot_xmin(pg_current_snapshot())
        from public.outbox o
        where o.subject = store::text
          and (o.txid, o.position) > (after_txid, after_position)
          and (app.is_member(store) or app.is_operator())
        order by o.txid, o.position
        limit most
    $$;

-- The youngest transaction of which events were pruned: who stands before it may have missed some.
create table outbox_horizon (
    only_one   boolean     not null default true,
    txid       xid8        not null,
    created_at timestamptz not null default now(),
    constraint outbox_horizon_pkey primary key (only_one),
    constraint there_is_only_one check (only_one)
);

-- Where a watcher begins: everything that is not yet known to have ended comes after it.
create function app.live_position(out txid xid8, out pruned xid8)
    language sql stable security definer
    set search_path = pg_catalog, public, pg_temp
    as $$
        select pg_snapshot_xmin(pg_current_snapshot()), (select h.txid from public.outbox_horizon h)
    $$;

revoke execute on function app.live_events(uuid, xid8, bigint, integer), app.live_position() from public;
grant execute on function app.live_events(uuid, xid8, bigint, integer), app.live_position() to viralcast_serve;
