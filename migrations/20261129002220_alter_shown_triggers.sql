-- More that every process remembers, and forgets when it changes: what people may do, their profiles, food prices.

-- A sign-out, another role or another password is heard everywhere as it commits.
create function app.forget_person() returns trigger
    language plpgsql
    as $$
begin
    perform pg_notify('viralcast_cache', '=auth:tokens:' || user_id) from (select distinct user_id from changed) as people;
    return null;
end
$$;

-- Refresh tokens come and go with each quarter of an hour; only an end is news.
create function app.forget_ended_session() returns trigger
    language plpgsql
    as $$
begin
    perform pg_notify('viralcast_cache', '=auth:sessions:' || family_id)
    from (
        select distinct changed.family_id from changed join before on before.id = changed.id
        where changed.revoked_at is distinct from before.revoked_at or changed.expires_at < before.expires_at
    ) as sessions;
    return null;
end
$$;

-- What is pruned ended long ago and is remembered by nobody.
create function app.forget_deleted_session() returns trigger
    language plpgsql
    as $$
begin
    perform pg_notify('viralcast_cache', '=auth:sessions:' || family_id)
    from (select distinct family_id from changed where revoked_at is null and expires_at > now()) as sessions;
    return null;
end
$$;
-- Each deleted row looks for those whose successor it was.
create index auth_sessions_by_successor on auth_sessions (successor_id) where successor_id is not null;

create function app.forget_user() returns trigger
    language plpgsql
    as $$
begin
    perform pg_notify('viralcast_cache', '=auth:tokens:' || id) from changed;
    return null;
end
$$;

create function app.forget_profile() returns trigger
    language plpgsql
    as $$
begin
    perform pg_notify('viralcast_cache', '=user:profile:' || user_id || ':own') from changed;
    return null;
end
$$;

-- Memberships hold the slug.
create function app.forget_members() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, public, pg_temp
    as $$
begin
    perform pg_notify('viralcast_cache', '=auth:tokens:' || m.user_id)
    from changed join before on before.id = changed.id and before.slug <> changed.slug
    join public.store_members m on m.store_id = changed.id;
    return null;
end
$$;
revoke execute on function app.forget_members() from public;

create function app.forget_market_prices() returns trigger
    language plpgsql
    as $$
begin
    if exists (select from changed) then
        perform pg_notify('viralcast_cache', '^market:prices:');
    end if;
    return null;
end
$$;

create trigger forget_session_after_update after update on auth_sessions
    referencing old table as before new table as changed for each statement execute function app.forget_ended_session();
create trigger forget_session_after_delete after delete on auth_sessions
    referencing old table as changed for each statement execute function app.forget_deleted_session();
create trigger forget_person_after_insert after insert on store_members
    referencing new table as changed for each statement execute function app.forget_person();
create trigger forget_person_after_update after update on store_members
    referencing new table as changed for each statement execute function app.forget_person();
create trigger forget_person_after_delete after delete on store_members
    referencing old table as changed for each statement execute function app.forget_person();
create trigger forget_user_after_update after update on users
    referencing new table as changed for each statement execute function app.forget_user();
create trigger forget_user_after_delete after delete on users
    referencing old table as changed for each statement execute function app.forget_user();
create trigger forget_profile_after_insert after insert on profiles
    referencing new table as changed for each statement execute function app.forget_profile();
create trigger forget_profile_after_update after update on profiles
    referencing new table as changed for each statement execute function app.forget_profile();
create trigger forget_profile_after_delete after delete on profiles
    referencing old table as changed for each statement execute function app.forget_profile();
create trigger forget_members_after_update after update on stores
    referencing old table as before new table as changed for each statement execute function app.forget_members();
create trigger forget_market_prices_after_insert after insert on market_prices
    referencing new table as changed for each statement execute function app.forget_market_prices();
create trigger forget_market_prices_after_update after update on market_prices
    referencing new table as changed for each statement execute function app.forget_market_prices();
