with page as (
    select distinct on (price_date, commodity, region, market, source)
        source, commodity, region, market, price_date, price, unit, available_at, confirmed_at, raw_record_id
    from market_prices
    where price_date between $1 and $2
      and available_at <= $3
      and ($4::text is null or commodity = $4)
      and ($5::text is null or region = $5)
      and ($6::text is null or region = 'ID' or starts_with($6, region))
      and ($7::date is null or price_date < $7
           or (price_date = $7 and (commodity, region, market, source) > ($8, $9, $10, $11)))
    order by price_date desc, commodity, region, market, source, available_at desc
    limit $12
)
select page.source, page.commodity, page.region, page.market, page.price_date, page.price, page.unit, page.available_at,
       page.confirmed_at, owed.attribution as "attribution?"
from page
left join app.attributions(array(select distinct raw_record_id from page where raw_record_id is not null)) owed
    on owed.id = page.raw_record_id
order by page.price_date desc, page.commodity, page.region, page.market, page.source
