-- Backfills: what is made of each asset, and the making of more. Ranges stay ranges: a thousand stores and three years are a
-- thousand rows, not a million.

drop table partitions;
drop table backfills;

-- Of each asset and scope, the days in each state; a day in none is missing. Partitions are days: [day, day + 1).
create table partition_ranges (
    asset text not null,
    scope text not null default '', -- a store's id; empty: the whole asset
    state text not null,
    days datemultirange not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint one_row_per_state primary key (asset, scope, state),
    constraint partition_state_is_known check (state in ('materialised', 'stale', 'failed'))
);

create table backfills (
    id uuid primary key default gen_random_uuid(),
    asset text not null,
    first_day date not null,
    end_day date not null, -- exclusive
    mode text not null,
    is_reversed boolean not null default false,
    state text not null default 'running',
    total_count bigint not null,
    gates jsonb not null default '[]',
    changes jsonb not null default '{}', -- what publishing changes, and by how much
    requested_by text,
    parent_job_id uuid,
    finished_at timestamptz, -- the last partition was made, or given up
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint backfill_range_is_half_open check (end_day > first_day),
    constraint backfill_mode_is_known check (mode in ('missing', 'failed', 'stale', 'all')),
    constraint backfill_state_is_known check (state in ('running', 'paused', 'ready', 'refused', 'published', 'rolled_back', 'cancelled')),
    constraint backfill_total_is_not_negative check (total_count >= 0)
);
create index backfills_by_time on backfills (created_at desc);

-- The partitions of a backfill, and how far each range has come: `next_day` is the next one, from the other end if reversed.
create table backfill_ranges (
    backfill_id uuid not null,
    scope text not null,
    first_day date not null,
    end_day date not null,
    next_day date, -- null: done
    done_count integer not null default 0,
    failed_count integer not null default 0,
    created_at timestamptz not null default now(),
    constraint backfill_range primary key (backfill_id, scope, first_day),
    constraint range_belongs_to_backfill foreign key (backfill_id) references backfills on delete cascade,
    constraint range_is_half_open check (end_day > first_day),
    constraint next_day_is_inside check (next_day >= first_day and next_day < end_day),
    constraint range_counts_fit check (done_count >= 0 and failed_count >= 0 and done_count + failed_count <= end_day - first_day)
);

create table backfill_failures (
    backfill_id uuid not null,
    scope text not null,
    day date not null,
    error text not null,
    attempts integer not null,
    failed_at timestamptz not null,
    created_at timestamptz not null default now(),
    constraint backfill_failure primary key (backfill_id, scope, day),
    constraint failure_belongs_to_backfill foreign key (backfill_id) references backfills on delete cascade
);

-- The shadow: runs that a backfill made and that nobody sees until it is published.
create table backfill_runs (
    backfill_id uuid not null,
    store_id uuid not null,
    business_date date not null,
    run_id uuid not null,
    created_at timestamptz not null default now(),
    constraint backfill_run primary key (backfill_id, store_id, business_date),
    constraint run_belongs_to_backfill foreign key (backfill_id) references backfills on delete cascade,
    constraint backfill_run_is_of_same_store foreign key (store_id, run_id) references forecast_runs (store_id, run_id) on delete cascade
);

-- Which run speaks for a day of a store: the night's own, or that of a backfill which was published since.
create table published_days (
    store_id uuid not null,
    business_date date not null,
    run_id uuid not null,
    backfill_id uuid,
    previous_run_id uuid, -- where a rollback of the backfill leads
    published_at timestamptz not null,
    created_at timestamptz not null default now(),
    constraint published_day primary key (store_id, business_date),
    constraint published_day_is_of_same_store foreign key (store_id, run_id) references forecast_runs (store_id, run_id) on delete cascade,
    constraint published_day_belongs_to_store foreign key (store_id) references stores on delete cascade
);
create index published_days_of_backfill on published_days (backfill_id) where backfill_id is not null;
insert into published_days (store_id, business_date, run_id, published_at)
select distinct on (store_id, business_date) store_id, business_date, run_id, published_at
from published_run_log
order by store_id, business_date, published_at desc;

create trigger touch_updated_at before update on partition_ranges for each row execute function app.touch_updated_at();
create trigger touch_updated_at before update on backfills for each row execute function app.touch_updated_at();

call app.protect_tenant('backfill_runs');
call app.protect_tenant('published_days');
grant select on partition_ranges, backfills, backfill_ranges, backfill_failures, backfill_runs, published_days to viralcast_serve;

-- First and last business day of what each source tells of a store's sales: planning for a thousand stores must not read them all.
create table sales_spans (
    store_id uuid not null,
    source text not null,
    first_day date not null,
    last_day date not null,
    created_at timestamptz not null default now(),
    constraint one_span_per_store_and_source primary key (store_id, source),
    constraint span_belongs_to_store foreign key (store_id) references stores on delete cascade,
    constraint span_is_in_order check (last_day >= first_day)
);
insert into sales_spans (store_id, source, first_day, last_day)
select store_id, source, min(business_date), max(business_date) from sales_daily group by store_id, source;
call app.protect_tenant('sales_spans');
grant select on sales_spans to viralcast_serve;
