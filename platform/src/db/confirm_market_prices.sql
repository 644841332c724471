-- $1 source, $2 told at, $3.. one array a column
update market_prices m
set confirmed_at = $2
from unnest($3::text[], $4::text[], $5::text[], $6::date[], $7::bigint[], $8::text[])
    as told (commodity, region, market, price_date, price, unit)
cross join lateral (
    select p.available_at, p.price, p.unit
    from market_prices p
    where p.source = $1 and p.commodity = told.commodity and p.region = told.region and p.market = told.market
      and p.price_date = told.price_date and p.recorded_at <= $2
    order by p.recorded_at desc, p.available_at desc
    limit 1
) known
where m.source = $1 and m.commodity = told.commodity and m.region = told.region and m.market = told.market
  and m.price_date = told.price_date and m.available_at = known.available_at
  and (known.price, known.unit) = (told.price, told.unit) and coalesce(m.confirmed_at, m.recorded_at) < $2
