-- Signing in. Row-level security knows nobody yet when an address or a token is looked up, so each look-up is a function that
-- answers one question; everything after it runs as the person that it found.

alter table auth_sessions
    add column signed_in_at timestamptz not null default now(), -- of the family: it ends for good thirty days later
    add column revoked_because text,
    add constraint revoked_with_a_reason check ((revoked_at is null) = (revoked_because is null)),
    add constraint revocation_reason_is_known check (
        revoked_because in ('signed_out', 'signed_out_everywhere', 'reused', 'too_many', 'password_changed', 'by_operator'));
create index auth_sessions_by_family on auth_sessions (family_id);

create policy sign_in_functions on users for select to viralcast_owner using (true);
create policy sign_in_functions on auth_sessions for select to viralcast_owner using (true);
create policy sign_in_functions on one_time_tokens for select to viralcast_owner using (true);

create function app.account_by_email(wanted text)
    returns table (user_id uuid, password_hash text, email_verified_at timestamptz)
    language sql stable security definer
    set search_path = pg_catalog, public, pg_temp
    as $$ select id, password_hash, email_verified_at from public.users where lower(email) = lower(wanted) $$;

create function app.own_password_hash() returns text
    language sql stable security definer
    set search_path = pg_catalog, public, pg_temp
    as $$ select password_hash from public.users where id = app.user_id() $$;

create function app.user_of_refresh_token(hash bytea) returns uuid
    language sql stable security definer
    set search_path = pg_catalog, public, pg_temp
    as $$ select user_id from public.auth_sessions where refresh_hash = hash $$;

create function app.user_of_one_time_token(hash bytea) returns uuid
    language sql stable security definer
    set search_path = pg_catalog, public, pg_temp
    as $$ select user_id from public.one_time_tokens where token_hash = hash $$;

revoke execute on function app.account_by_email(text), app.own_password_hash(), app.user_of_refresh_token(bytea),
    app.user_of_one_time_token(bytea) from public;
grant execute on function app.account_by_email(text), app.own_password_hash(), app.user_of_refresh_token(bytea),
    app.user_of_one_time_token(bytea) to viralcast_serve;

-- Whoever registers becomes the row that they insert; nobody makes themselves an operator.
create policy newcomers on users for insert to viralcast_serve
    with check (id = (select app.user_id()) and role = 'user');
grant insert (id, email, name, locale) on users to viralcast_serve;
grant update (password_hash, email_verified_at, tokens_valid_from) on users to viralcast_serve;

-- The owner of the tables acts for nobody when it counts who is an admin.
create function app.is_store_admin(wanted uuid) returns boolean
    language sql stable security definer
    set search_path = pg_catalog, public, pg_temp
    as $$
        select exists (
            select from public.store_members where user_id = app.user_id() and store_id = wanted and role = 'admin')
    $$;

-- Members see each other; only admins change who is one. Anyone may leave.
drop policy members_only on store_members;
create policy members_see_each_other on store_members for select to viralcast_serve
    using ((select app.is_operator()) or store_id = any ((select app.member_store_ids())::uuid[]));
create policy admins_add on store_members for insert to viralcast_serve
    with check ((select app.is_operator()) or app.is_store_admin(store_id));
create policy admins_change on store_members for update to viralcast_serve
    using ((select app.is_operator()) or app.is_store_admin(store_id))
    with check ((select app.is_operator()) or app.is_store_admin(store_id));
create policy admins_remove on store_members for delete to viralcast_serve
    using ((select app.is_operator()) or app.is_store_admin(store_id) or user_id = (select app.user_id()));

-- A store without an admin could never get one again.
create policy membership_functions on stores for select to viralcast_owner using (true);
create function app.keep_an_admin() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, public, pg_temp
    as $$
begin
    -- Two admins who leave at the same moment take turns.
    perform pg_advisory_xact_lock(hashtextextended('members:' || old.store_id, 0));
    if old.role = 'admin'
        and exists (select from public.stores where id = old.store_id)
        and not exists (select from public.store_members where store_id = old.store_id and role = 'admin')
    then
        raise exception 'store % would have no admin', old.store_id
            using errcode = 'check_violation', constraint = 'store_keeps_an_admin', table = 'store_members',
                  hint = 'make someone else an admin first';
    end if;
    return null;
end
$$;
create constraint trigger store_keeps_an_admin after update of role or delete on store_members
    deferrable initially deferred for each row execute function app.keep_an_admin();

-- What operators do is recorded without a store too.
grant select on audit_log to viralcast_serve;
create policy own_record on audit_log for select to viralcast_serve
    using (user_id = (select app.user_id()));
