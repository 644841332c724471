-- Another price was told between two tellings of this one: it ends there and begins again when it was last confirmed.
-- $1 source, $2 told at, $3.. one array a column
with known as (
    select m.*
    from unnest($3::text[], $4::text[], $5::text[], $6::date[], $7::bigint[], $8::text[])
        as told (commodity, region, market, price_date, price, unit)
    cross join lateral (
        select p.*
        from market_prices p
        where p.source = $1 and p.commodity = told.commodity and p.region = told.region and p.market = told.market
          and p.price_date = told.price_date and p.recorded_at <= $2
        order by p.recorded_at desc, p.available_at desc
        limit 1
    ) m
    where (m.price, m.unit) <> (told.price, told.unit) and m.confirmed_at > $2
), ended as (
    update market_prices m set confirmed_at = null
    from known
    where m.source = known.source and m.commodity = known.commodity and m.region = known.region and m.market = known.market
      and m.price_date = known.price_date and m.available_at = known.available_at
)
insert into market_prices (source, commodity, region, market, price_date, price, unit, raw_record_id, recorded_at, available_at)
select source, commodity, region, market, price_date, price, unit, raw_record_id, confirmed_at,
       greatest(confirmed_at, available_at + interval '1 microsecond')
from known
on conflict on constraint market_price_version do nothing
