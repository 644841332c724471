-- Somebody who may not come in for now. What is theirs stays; to whoever signs in, asks for a link or follows one, the account is as
-- if it were not there.
alter table users add column disabled_at timestamptz;

create or replace function app.account_by_email(wanted text)
    returns table (user_id uuid, password_hash text, email_verified_at timestamptz)
    language sql stable security definer
    set search_path = pg_catalog, public, pg_temp
    as $$
        select id, password_hash, email_verified_at from public.users where lower(email) = lower(wanted) and disabled_at is null
    $$;

create or replace function app.own_password_hash() returns text
    language sql stable security definer
    set search_path = pg_catalog, public, pg_temp
    as $$ select password_hash from public.users where id = app.user_id() and disabled_at is null $$;

create or replace function app.user_of_one_time_token(hash bytea, moment timestamptz) returns uuid
    language sql stable security definer
    set search_path = pg_catalog, public, pg_temp
    as $$
        select u.id
        from public.one_time_tokens t join public.users u on u.id = t.user_id
        where t.token_hash = hash and t.used_at is null and t.expires_at > moment and u.disabled_at is null
    $$;
