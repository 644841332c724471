-- $1 source, $2 raw record, $3 .. $11 one array a column
with told as (
    insert into weather_forecasts as known (source, raw_record_id, region, target_date, issued_at, available_at, temperature_c, rain_mm,
                                            rain_probability, humidity_percent, wind_ms)
    select distinct on (region, target_date, issued_at) $1::text, $2::uuid, *
    from unnest($3::text[], $4::date[], $5::timestamptz[], $6::timestamptz[], $7::real[], $8::real[], $9::real[], $10::real[],
                $11::real[])
        as vintage (region, target_date, issued_at, available_at, temperature_c, rain_mm, rain_probability, humidity_percent, wind_ms)
    order by region, target_date, issued_at, available_at
    on conflict (region, source, target_date, issued_at) do update
    set available_at = excluded.available_at, temperature_c = excluded.temperature_c, rain_mm = excluded.rain_mm,
        rain_probability = excluded.rain_probability, humidity_percent = excluded.humidity_percent, wind_ms = excluded.wind_ms,
        raw_record_id = excluded.raw_record_id
    where excluded.available_at < known.available_at
    returning available_at
)
select count(*) as "count!", min(available_at) as earliest from told
