-- A telling that is older than what is known: what was taken for the first word of a price was a later one. What says the same
-- moves back to this telling, what differs becomes the correction that it was.
-- $1 source, $2 told at, $3.. one array a column
update market_prices m
set recorded_at = case when (m.price, m.unit) = (told.price, told.unit) then $2 else m.recorded_at end,
    available_at = case
        when (m.price, m.unit) <> (told.price, told.unit) then greatest(m.recorded_at, told.available_at + interval '1 microsecond')
        when known.is_known then greatest($2, known.available_at + interval '1 microsecond')
        else told.available_at
    end
from unnest($3::text[], $4::text[], $5::text[], $6::date[], $7::bigint[], $8::text[], $9::timestamptz[])
    as told (commodity, region, market, price_date, price, unit, available_at)
left join lateral (
    select p.price, p.unit, p.available_at, true as is_known
    from market_prices p
    where p.source = $1 and p.commodity = told.commodity and p.region = told.region and p.market = told.market
      and p.price_date = told.price_date and p.recorded_at <= $2
    order by p.recorded_at desc, p.available_at desc
    limit 1
) known on true
cross join lateral (
    select p.available_at
    from market_prices p
    where p.source = $1 and p.commodity = told.commodity and p.region = told.region and p.market = told.market
      and p.price_date = told.price_date and p.recorded_at > $2
    order by p.recorded_at, p.available_at
    limit 1
) next
where m.source = $1 and m.commodity = told.commodity and m.region = told.region and m.market = told.market
  and m.price_date = told.price_date and m.available_at = next.available_at
  and (known.price, known.unit) is distinct from (told.price, told.unit)
  and ((m.price, m.unit) = (told.price, told.unit) or known.is_known is null)
