-- A person has themselves erased. Their row stays as an id that says nothing: stores, orders, overrides and the record name it.
alter table users
    add column erased_at timestamptz,
    add constraint erased_account_says_nothing check (
        erased_at is null
        or (num_nonnulls(name, password_hash, email_verified_at) = 0 and email = 'erased-' || id || '@erased.invalid'));
grant select (erased_at) on users to viralcast_serve;

-- The function below acts for the owner of the tables, whom FORCE binds too: each policy lets it touch what is the person's own.
create policy erasure_function on users for update to viralcast_owner
    using (id = app.user_id()) with check (id = app.user_id());
create policy erasure_function on stores for update to viralcast_owner
    using (user_id = app.user_id()) with check (true);
create policy erasure_function_reads on audit_log for select to viralcast_owner using (user_id = app.user_id());
create policy erasure_function on audit_log for update to viralcast_owner
    using (user_id = app.user_id()) with check (user_id = app.user_id());
create policy erasure_function_reads on pos_connections for select to viralcast_owner using (app.is_store_admin(store_id));
create policy erasure_function on pos_connections for delete to viralcast_owner using (app.is_store_admin(store_id));
create policy erasure_function on pos_push_secrets for delete to viralcast_owner using (app.is_store_admin(store_id));
create policy erasure_function_reads on quarantined_rows for select to viralcast_owner using (app.is_store_admin(store_id));
create policy erasure_function on quarantined_rows for delete to viralcast_owner using (app.is_store_admin(store_id));

-- `closed` are stores of which the person is the only member.
create function app.erase_account(closed uuid[], moment timestamptz) returns void
    language plpgsql security definer
    set search_path = pg_catalog, public, pg_temp
    as $$
declare
    lonely uuid[];
begin
    if app.user_id() is null then
        raise exception 'nobody is erased' using errcode = 'insufficient_privilege';
    end if;
    -- The caller's word is not enough to throw away what belongs to a store.
    select coalesce(array_agg(own.store_id), '{}') into lonely
    from public.store_members own
    where own.user_id = app.user_id() and own.role = 'admin' and own.store_id = any (closed)
      and not exists (select from public.store_members other where other.store_id = own.store_id and other.user_id <> own.user_id);
    delete from public.pos_connections where store_id = any (lonely);
    delete from public.pos_push_secrets where store_id = any (lonely);
    delete from public.quarantined_rows where store_id = any (lonely);
    delete from public.webhook_events where store_id = any (lonely);

    -- Whoever has been an admin longest owns what the person owned.
    update public.stores
    set user_id = heir.user_id
    from (
        select distinct on (store_id) store_id, user_id
        from public.store_members
        where role = 'admin' and user_id <> app.user_id()
        order by store_id, created_at, user_id
    ) heir
    where heir.store_id = stores.id and stores.user_id = app.user_id();

    -- What was done stays on record, by whom as an id; from where does not.
    update public.audit_log set ip_address = null where user_id = app.user_id() and ip_address is not null;

    update public.users
    set email = 'erased-' || id || '@erased.invalid', name = null, password_hash = null, email_verified_at = null, role = 'user',
        tokens_valid_from = moment, erased_at = moment
    where id = app.user_id();
end
$$;
revoke execute on function app.erase_account(uuid[], timestamptz) from public;
grant execute on function app.erase_account(uuid[], timestamptz) to viralcast_serve;
