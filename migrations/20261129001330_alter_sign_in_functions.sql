-- A link that was used or has expired is nobody's: looking it up costs a look and nothing more.
drop function app.user_of_one_time_token(bytea);
create function app.user_of_one_time_token(hash bytea, moment timestamptz) returns uuid
    language sql stable security definer
    set search_path = pg_catalog, public, pg_temp
    as $$ select user_id from public.one_time_tokens where token_hash = hash and used_at is null and expires_at > moment $$;
revoke execute on function app.user_of_one_time_token(bytea, timestamptz) from public;
grant execute on function app.user_of_one_time_token(bytea, timestamptz) to viralcast_serve;

-- A store does not change hands through the serving role: whoever it went to would become its admin.
revoke update on stores from viralcast_serve;
grant update (slug, name, description, address, phone, time_zone, business_day_cutoff, adm4, calendar, sales_source, is_active, opened_on,
    updated_at) on stores to viralcast_serve;

-- The record is read by admins and operators, and written only in one's own name.
drop policy members_only on audit_log;
create policy admins_read on audit_log for select to viralcast_serve
    using ((select app.is_operator()) or (store_id is not null and app.is_store_admin(store_id)));
