-- To whom a fact is owed is everybody's business; how its record was fetched, and what tills and files told of stores, is not.
create policy functions_read on raw_records for select to viralcast_owner using (store_id is null);
create function app.attributions(records uuid[]) returns table (id uuid, attribution text)
    language sql stable security definer
    set search_path = pg_catalog, public, pg_temp
    as $$ select r.id, r.attribution from public.raw_records r where r.id = any (records) and r.store_id is null $$;
revoke execute on function app.attributions(uuid[]) from public;
grant execute on function app.attributions(uuid[]) to viralcast_serve, viralcast_work;

-- Prices page by page, the newest first.
create index market_prices_by_date on market_prices (price_date desc, commodity, region, market, source, available_at desc);
