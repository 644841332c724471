-- What ingest knows of those it asks: who is out of order, and what they do not cover.

-- A circuit breaker a source, shared by all programs. While it is open nobody asks; then one program tries.
create table source_breakers (
    source text not null,
    failures integer not null default 0, -- in a row
    open_until timestamptz, -- null: closed
    last_error text,
    last_error_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint one_breaker_per_source primary key (source),
    constraint failures_are_not_negative check (failures >= 0)
);
create trigger touch_updated_at before update on source_breakers for each row execute function app.touch_updated_at();

-- Scopes that a source has said it knows nothing of: not asked for again before `ask_again_at`.
create table uncovered_scopes (
    source text not null,
    scope text not null,
    reason text not null,
    ask_again_at timestamptz not null,
    created_at timestamptz not null default now(),
    constraint scope_is_uncovered_once primary key (source, scope)
);

alter table watermarks
    add column failures integer not null default 0, -- in a row
    add constraint watermark_failures_are_not_negative check (failures >= 0);

grant select on source_breakers, uncovered_scopes to viralcast_serve;

-- The last time that a price was told just so: what comes later and is older than that does not end it.
alter table market_prices add column confirmed_at timestamptz;
