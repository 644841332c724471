-- The outside world: raw records as they came, facts parsed from them, and how far each source is complete.

-- Lineage ends here. The bytes themselves are in object storage under their hash. Two records of one source with the same
-- hash are the same record: `insert_or_find` sees to that under a lock, because no unique key can span the months.
create table raw_records (
    id uuid not null default gen_random_uuid(),
    source text not null,
    store_id uuid, -- whose file it is; null: everybody's
    scope text not null default '', -- region, topic, ...
    window_start timestamptz,
    window_end timestamptz,
    url text,
    status smallint,
    headers jsonb not null default '{}',
    content_type text,
    content_hash bytea not null, -- SHA-256
    content_length bigint not null,
    object_key text not null,
    fetched_at timestamptz not null,
    recorded_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    constraint raw_record primary key (id, fetched_at),
    constraint content_hash_is_sha256 check (octet_length(content_hash) = 32),
    constraint content_length_is_not_negative check (content_length >= 0),
    constraint raw_window_is_half_open check (window_end > window_start)
) partition by range (fetched_at);
create table raw_records_default partition of raw_records default;
create index raw_records_by_content on raw_records (source, content_hash);
create index raw_records_by_time on raw_records (source, fetched_at desc);

create table weather_observations (
    region text not null, -- adm4, or the source's station
    source text not null,
    observed_on date not null,
    available_at timestamptz not null,
    temperature_min_c real,
    temperature_c real,
    temperature_max_c real,
    rain_mm real,
    humidity_percent real,
    wind_ms real,
    raw_record_id uuid,
    recorded_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    constraint weather_observation_version primary key (region, source, observed_on, available_at),
    constraint observed_rain_is_not_negative check (rain_mm >= 0 and rain_mm < 'infinity'),
    constraint observed_humidity_is_percent check (humidity_percent between 0 and 100),
    constraint observed_temperature_is_earthly check (
        temperature_c between -90 and 60 and temperature_min_c between -90 and 60 and temperature_max_c between -90 and 60)
) partition by range (observed_on);
create table weather_observations_default partition of weather_observations default;

-- Every issue is kept: the forecast for a day is a different one each time it is made.
create table weather_forecasts (
    region text not null,
    source text not null,
    target_date date not null,
    issued_at timestamptz not null,
    available_at timestamptz not null,
    temperature_c real,
    rain_mm real,
    rain_probability real,
    humidity_percent real,
    wind_ms real,
    raw_record_id uuid,
    recorded_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    constraint weather_forecast_vintage primary key (region, source, target_date, issued_at),
    constraint forecast_available_after_issue check (available_at >= issued_at),
    constraint forecast_rain_is_not_negative check (rain_mm >= 0 and rain_mm < 'infinity'),
    constraint rain_probability_is_a_share check (rain_probability between 0 and 1),
    constraint forecast_humidity_is_percent check (humidity_percent between 0 and 100),
    constraint forecast_temperature_is_earthly check (temperature_c between -90 and 60)
) partition by range (target_date);
create table weather_forecasts_default partition of weather_forecasts default;

create table news_articles (
    id uuid primary key default gen_random_uuid(),
    source text not null,
    url text not null, -- normalised
    title text not null,
    snippet text,
    publisher text,
    language text,
    topics text[] not null default '{}',
    published_at timestamptz, -- null: the source's words could not be read as a time
    published_precision text,
    available_at timestamptz not null, -- first seen
    raw_record_id uuid,
    recorded_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    constraint article_is_taken unique (source, url),
    constraint precision_is_known check (published_precision in ('minute', 'hour', 'day', 'week', 'month', 'year')),
    constraint precision_iff_published check ((published_at is null) = (published_precision is null))
);
create index news_articles_by_topic on news_articles using gin (topics);
create index news_articles_by_time on news_articles (available_at);

create table news_signals (
    id uuid primary key default gen_random_uuid(),
    source text not null,
    topic text not null,
    region text not null default '', -- a prefix of adm4; empty: everywhere
    signal_date date not null,
    volume real not null,
    novelty real,
    momentum real,
    sentiment real,
    available_at timestamptz not null,
    recorded_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    constraint news_signal_version_is_taken unique (source, topic, region, signal_date, available_at),
    constraint news_volume_is_not_negative check (volume >= 0 and volume < 'infinity'),
    constraint sentiment_is_between_minus_one_and_one check (sentiment between -1 and 1)
);
create index news_signals_by_date on news_signals (signal_date);

create table market_prices (
    source text not null,
    commodity text not null,
    region text not null, -- 'ID', or the first parts of a Kemendagri code
    market text not null default 'traditional',
    price_date date not null,
    available_at timestamptz not null,
    price bigint not null, -- rupiah per `unit`
    unit text not null default 'kg',
    raw_record_id uuid,
    recorded_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    constraint market_price_version primary key (source, commodity, region, market, price_date, available_at),
    constraint market_price_is_positive check (price > 0)
) partition by range (price_date);
create table market_prices_default partition of market_prices default;

-- The seed's view of it: today's version of every price that an ingredient of a store follows, in the store's own province.
create view ingredient_market_prices with (security_invoker = true) as
select distinct on (i.id, m.source, m.region, m.market, m.price_date)
    md5(concat_ws('|', i.id, m.source, m.region, m.market, m.price_date))::uuid as id,
    i.id as ingredient_id,
    m.price,
    m.region || ' ' || m.market as market_location,
    m.price_date as date,
    m.created_at,
    i.store_id,
    m.unit,
    m.source
from ingredient_catalog i
join stores s on s.id = i.store_id
join market_prices m on m.commodity = i.commodity and m.region in ('ID', left(s.adm4, 2))
order by i.id, m.source, m.region, m.market, m.price_date, m.available_at desc;

create table watermarks (
    id uuid primary key default gen_random_uuid(),
    source text not null,
    scope text not null default '', -- store, region, topic; empty: the whole source
    complete_until timestamptz not null,
    last_success_at timestamptz not null,
    last_error text,
    last_error_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint one_watermark_per_source_and_scope unique (source, scope)
);

-- Which windows of an asset have been made, from what, and which of them late data has made stale.
create table partitions (
    id uuid primary key default gen_random_uuid(),
    asset text not null,
    scope text not null default '',
    window_start timestamptz not null,
    window_end timestamptz not null,
    state text not null,
    input_hash bytea,
    run_id uuid,
    row_count bigint,
    error text,
    materialised_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint partition_window_is_taken unique (asset, scope, window_start, window_end),
    constraint partition_window_is_half_open check (window_end > window_start),
    constraint partition_state_is_known check (state in ('missing', 'materialised', 'stale', 'failed')),
    constraint partition_row_count_is_not_negative check (row_count >= 0)
);
create index partitions_to_make on partitions (asset, window_start) where state <> 'materialised';

create table quarantined_rows (
    id uuid primary key default gen_random_uuid(),
    source text not null,
    store_id uuid,
    raw_record_id uuid,
    file_name text,
    row_number bigint not null, -- as a person counts: the header is row 1
    column_name text,
    value text,
    reason text not null,
    row_text text,
    state text not null default 'open',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint row_is_quarantined_once
        unique nulls not distinct (source, store_id, raw_record_id, row_number, column_name),
    constraint quarantined_row_belongs_to_store foreign key (store_id) references stores on delete cascade,
    constraint row_number_is_positive check (row_number > 0),
    constraint quarantine_state_is_known check (state in ('open', 'replayed', 'dismissed'))
);
create index quarantined_rows_open on quarantined_rows (source, store_id) where state = 'open';

create trigger touch_updated_at before update on watermarks for each row execute function app.touch_updated_at();
create trigger touch_updated_at before update on partitions for each row execute function app.touch_updated_at();
create trigger touch_updated_at before update on quarantined_rows for each row execute function app.touch_updated_at();

call app.protect_tenant('raw_records');
call app.protect_tenant('quarantined_rows');

grant select on weather_observations, weather_forecasts, news_articles, news_signals, market_prices, ingredient_market_prices,
    watermarks, raw_records, quarantined_rows to viralcast_serve;
