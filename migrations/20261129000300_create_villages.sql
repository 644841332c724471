-- Where villages are, as BMKG tells it with their forecasts: other services are asked by coordinates.
create table villages (
    adm4 text not null,
    name text not null,
    latitude double precision not null,
    longitude double precision not null,
    time_zone text not null, -- IANA name
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint village_is_named_once primary key (adm4),
    constraint village_is_on_earth check (latitude between -90 and 90 and longitude between -180 and 180)
);
create trigger touch_updated_at before update on villages for each row execute function app.touch_updated_at();
grant select on villages to viralcast_serve;
