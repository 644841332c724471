-- With what the tills of stores sign the orders that they push.
create table pos_push_secrets (
    store_id uuid not null,
    secret text not null,
    -- Taken for a day after a renewal, so that the till can be told in the meantime.
    previous_secret text,
    renewed_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint one_push_secret_per_store primary key (store_id),
    constraint push_secret_belongs_to_store foreign key (store_id) references stores on delete cascade,
    constraint push_secret_is_long check (length(secret) >= 32)
);
create trigger touch_updated_at before update on pos_push_secrets for each row execute function app.touch_updated_at();
call app.protect_tenant('pos_push_secrets');
create policy functions_read on pos_push_secrets for select to viralcast_owner using (true);

-- What a push to this store may be signed with at this moment. Whoever pushes is no user, so row-level security knows nobody: the
-- serving role asks for one store at a time and never sees the table.
create function app.push_secrets(store uuid, moment timestamptz) returns setof text
    language sql stable security definer
    set search_path = pg_catalog, public, pg_temp
    as $$
        select unnest(array_remove(array[secret, case when moment < renewed_at + interval '1 day' then previous_secret end], null))
        from public.pos_push_secrets
        where store_id = store
    $$;
revoke execute on function app.push_secrets(uuid, timestamptz) from public;
grant execute on function app.push_secrets(uuid, timestamptz) to viralcast_serve, viralcast_work;

-- How often an event is delivered can be counted without reading it.
grant select (provider, event_key, deliveries), update (deliveries) on webhook_events to viralcast_serve;

-- Whose event it is, where it is a store's.
alter table webhook_events
    add column store_id uuid,
    add constraint webhook_event_belongs_to_store foreign key (store_id) references stores on delete cascade;
