-- Three roles and the schema `app`.
--
--   viralcast_owner   owns every object and runs the migrations; no superuser
--   viralcast_work    workers, scheduler and command line: sees every store (bypassrls)
--   viralcast_serve   the API: sees only what row-level security lets through
--
-- Roles belong to the cluster, not to the database, so they usually exist already: the embedded cluster makes them, and on
-- a real server an administrator does once. Lower-case SQL throughout; see README.md beside this file for the other rules.

do $$
declare
    role_name text;
    attributes text;
begin
    for role_name, attributes in
        values ('viralcast_owner', ''), ('viralcast_work', 'bypassrls'), ('viralcast_serve', '')
    loop
        if not exists (select from pg_roles where rolname = role_name) then
            begin
                execute format('create role %I login nosuperuser %s', role_name, attributes);
            exception
                when insufficient_privilege then
                    raise exception 'role % is missing and % may not create it', role_name, current_user
                        using errcode = 'insufficient_privilege',
                              hint = format('as a superuser run once: create role %I login nosuperuser %s password ''...'';',
                                            role_name, attributes);
                when duplicate_object then
                    null; -- another database of the same cluster was migrated at the same moment
            end;
        end if;
    end loop;
end
$$;

create schema app;
comment on schema app is 'Functions behind row-level security and partitioning; no tables.';
grant usage on schema app to viralcast_work, viralcast_serve;
grant usage on schema public to viralcast_work, viralcast_serve;

-- Workers may read and write every table that a later migration creates. The serving role gets nothing by default: each
-- migration grants it exactly what the API needs.
alter default privileges in schema public grant select, insert, update, delete on tables to viralcast_work;
alter default privileges in schema public grant usage, select on sequences to viralcast_work;

-- Who is asking. Set per transaction by `set_config(.., true)`; without a setting there is no user and no row.
create function app.user_id() returns uuid
    language sql stable parallel safe
    return nullif(current_setting('app.user_id', true), '')::uuid;

create function app.is_operator() returns boolean
    language sql stable parallel safe
    return coalesce(current_setting('app.role', true), '') = 'operator';

create function app.touch_updated_at() returns trigger
    language plpgsql
    as $$
begin
    new.updated_at = now();
    return new;
end
$$;

-- Row-level security for a table with a `store_id`: members of the store, and operators. The sub-selects make each function
-- run once a statement instead of once a row.
create procedure app.protect_tenant(tenant_table regclass)
    language plpgsql
    as $$
begin
    execute format('alter table %s enable row level security', tenant_table);
    execute format('alter table %s force row level security', tenant_table);
    execute format(
        'create policy members_only on %s to viralcast_serve
             using ((select app.is_operator()) or store_id = any ((select app.member_store_ids())::uuid[]))
             with check ((select app.is_operator()) or store_id = any ((select app.member_store_ids())::uuid[]))',
        tenant_table);
end
$$;

-- The same for a table with a `user_id` that belongs to one person.
create procedure app.protect_personal(personal_table regclass)
    language plpgsql
    as $$
begin
    execute format('alter table %s enable row level security', personal_table);
    execute format('alter table %s force row level security', personal_table);
    execute format(
        'create policy own_rows_only on %s to viralcast_serve
             using ((select app.is_operator()) or user_id = (select app.user_id()))
             with check ((select app.is_operator()) or user_id = (select app.user_id()))',
        personal_table);
end
$$;

-- Makes sure that every month of [from_date, to_date] has a partition, so that rows never wait in the default one. Loaders
-- call it before they write. Rows that came too early are moved over. Runs as the owner: workers may not create tables.
create function app.ensure_month_partitions(parent text, from_date date, to_date date) returns integer
    language plpgsql
    security definer
    set search_path = pg_catalog, public, pg_temp
    as $$
declare
    month date := date_trunc('month', from_date)::date;
    partition_name text;
    key_column text;
    created integer := 0;
begin
    if to_date < from_date or to_date > from_date + 36600 then
        raise exception 'partitions of %: % to % is not a range of at most 100 years', parent, from_date, to_date
            using errcode = 'invalid_parameter_value';
    end if;

    select a.attname into key_column
    from pg_partitioned_table p
    join pg_class c on c.oid = p.partrelid and c.relname = parent and c.relnamespace = 'public'::regnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum = p.partattrs[0];
    if key_column is null then
        raise exception 'table % is not partitioned by month', parent using errcode = 'wrong_object_type';
    end if;

    while month <= to_date loop
        partition_name := format('%s_%s', parent, to_char(month, 'YYYYMM'));
        if not exists (select from pg_class where relname = partition_name and relnamespace = 'public'::regnamespace) then
            perform pg_advisory_xact_lock(hashtextextended('month_partition:' || parent, 0));
            -- asked of pg_class itself: to_regclass may answer from a cache of before the wait
            if not exists (select from pg_class where relname = partition_name and relnamespace = 'public'::regnamespace) then
                execute format('create table public.%I (like public.%I including all)', partition_name, parent);
                execute format(
                    'with moved as (
                         delete from public.%1$I
                         where %2$I >= ''%3$s 00:00:00+00'' and %2$I < ''%4$s 00:00:00+00'' returning *
                     )
                     insert into public.%5$I select * from moved',
                    parent || '_default', key_column, month, (month + interval '1 month')::date, partition_name);
                execute format(
                    'alter table public.%I attach partition public.%I
                         for values from (''%s 00:00:00+00'') to (''%s 00:00:00+00'')',
                    parent, partition_name, month, (month + interval '1 month')::date);
                created := created + 1;
            end if;
        end if;
        month := (month + interval '1 month')::date;
    end loop;
    return created;
end
$$;

-- Functions of `app` may be run by whoever may use the schema, except where data definition is concerned.
revoke execute on function app.ensure_month_partitions(text, date, date) from public;
revoke execute on procedure app.protect_tenant(regclass), app.protect_personal(regclass) from public;
grant execute on function app.ensure_month_partitions(text, date, date) to viralcast_work;
