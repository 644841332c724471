-- $1 source, $2 raw record, $3 told at, $4.. one array a column
with inserted as (
    insert into market_prices (source, commodity, region, market, price_date, price, unit, raw_record_id, recorded_at, available_at)
    select $1, told.commodity, told.region, told.market, told.price_date, told.price, told.unit, $2, $3,
           case when known.price is null then told.available_at
                else greatest($3, known.available_at + interval '1 microsecond')
           end
    from unnest($4::text[], $5::text[], $6::text[], $7::date[], $8::bigint[], $9::text[], $10::timestamptz[])
        as told (commodity, region, market, price_date, price, unit, available_at)
    left join lateral (
        select m.price, m.unit, m.available_at
        from market_prices m
        where m.source = $1 and m.commodity = told.commodity and m.region = told.region and m.market = told.market
          and m.price_date = told.price_date and m.recorded_at <= $3
        order by m.recorded_at desc, m.available_at desc
        limit 1
    ) known on true
    where (known.price, known.unit) is distinct from (told.price, told.unit)
    on conflict on constraint market_price_version do nothing
    returning available_at
)
select count(*) as "count!", min(available_at) as earliest from inserted
