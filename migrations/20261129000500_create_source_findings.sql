-- What was odd about a source lately, one row a scope and check: shown to people, and forgotten when it has not come again.
create table source_findings (
    source text not null,
    scope text not null,
    check_name text not null, -- error, volume, duplicates
    detail text not null,
    times integer not null default 1,
    first_at timestamptz not null,
    last_at timestamptz not null,
    created_at timestamptz not null default now(),
    constraint one_finding_per_scope_and_check primary key (source, scope, check_name),
    constraint finding_check_is_known check (check_name in ('error', 'volume', 'duplicates'))
);
grant select on source_findings to viralcast_serve;

-- Facts that were read from a record, so that a reply that says much less than usual is seen.
alter table raw_records add column fact_count bigint;
