-- From a run to the numbers on the screen, and what became of them.

create table runs (
    id uuid primary key default gen_random_uuid(),
    kind text not null,
    store_id uuid,
    business_date date,
    state text not null default 'running',
    rung text, -- of the ladder: fresh, last_model, last_published, seasonal_naive
    input_hash bytea not null,
    config_hash bytea,
    code_version text not null,
    job_id uuid,
    started_at timestamptz not null,
    finished_at timestamptz,
    duration_ms bigint,
    row_count bigint,
    error text,
    details jsonb not null default '{}',
    created_at timestamptz not null default now(),
    constraint run_belongs_to_store foreign key (store_id) references stores on delete cascade,
    constraint run_is_named_with_its_store unique (store_id, id),
    constraint run_state_is_known check (state in ('running', 'finished', 'failed', 'cancelled')),
    constraint run_rung_is_known check (rung in ('fresh', 'last_model', 'last_published', 'seasonal_naive')),
    constraint run_finished_at_iff_final check ((finished_at is null) = (state = 'running')),
    constraint run_error_iff_failed check ((error is not null) = (state = 'failed')),
    constraint run_duration_is_not_negative check (duration_ms >= 0),
    constraint run_row_count_is_not_negative check (row_count >= 0)
);
create unique index one_finished_run_per_input on runs (kind, store_id, business_date, input_hash)
    nulls not distinct where state = 'finished';
create index runs_by_store on runs (store_id, business_date desc, started_at desc);
create index runs_by_time on runs (started_at desc);

-- One tick of one schedule is claimed by whoever inserts it first.
create table schedule_ticks (
    job text not null,
    fire_at timestamptz not null,
    claimed_by text not null,
    job_id uuid,
    created_at timestamptz not null default now(),
    constraint schedule_tick primary key (job, fire_at)
);

create table forecast_runs (
    run_id uuid primary key,
    store_id uuid not null,
    cutoff timestamptz not null, -- nothing known later was used
    last_day date not null, -- the last observed business day
    first_day date not null, -- of the forecast
    horizon integer not null, -- steps
    gates jsonb not null default '[]',
    gates_passed boolean,
    metrics jsonb not null default '{}',
    inputs jsonb not null default '{}', -- feature windows and raw records
    guard_hits integer not null default 0,
    created_at timestamptz not null default now(),
    constraint forecast_run_is_a_run foreign key (store_id, run_id) references runs (store_id, id) on delete cascade,
    constraint forecast_run_is_named_with_its_store unique (store_id, run_id),
    constraint horizon_is_positive check (horizon > 0),
    constraint forecast_starts_after_history check (first_day > last_day),
    constraint run_guard_hits_are_not_negative check (guard_hits >= 0)
);

-- Numbers of a model are double precision, not quantities: sums of parts must meet the whole to a millionth.
create table forecasts (
    run_id uuid not null,
    store_id uuid not null,
    target_kind text not null,
    target_id uuid,
    target_item text not null,
    target_date date not null,
    step integer not null,
    yhat double precision not null, -- the mean
    q025 double precision not null,
    q05 double precision not null,
    q10 double precision not null,
    q25 double precision not null,
    q50 double precision not null,
    q75 double precision not null,
    q90 double precision not null,
    q95 double precision not null,
    q975 double precision not null,
    chosen text not null, -- the forecaster behind it
    confidence_score numeric(3,2) not null,
    rung text not null,
    guard_hits integer not null default 0,
    explanation jsonb,
    created_at timestamptz not null default now(),
    constraint forecast_cell primary key (run_id, target_kind, target_item, target_date),
    constraint target_kind_is_known check (target_kind in ('product', 'ingredient', 'category', 'sales')),
    constraint forecast_step_is_positive check (step > 0),
    constraint yhat_is_finite_and_not_negative check (yhat >= 0 and yhat < 'infinity'),
    -- NaN sorts above infinity, so this refuses it too
    constraint quantiles_rise_with_level check (
        q025 >= 0 and q025 <= q05 and q05 <= q10 and q10 <= q25 and q25 <= q50 and q50 <= q75 and q75 <= q90
        and q90 <= q95 and q95 <= q975 and q975 < 'infinity'),
    constraint confidence_is_a_share check (confidence_score between 0 and 1),
    constraint forecast_rung_is_known check (rung in ('fresh', 'last_model', 'last_published', 'seasonal_naive')),
    constraint forecast_guard_hits_are_not_negative check (guard_hits >= 0)
) partition by range (target_date);
create table forecasts_default partition of forecasts default;
create index forecasts_by_store on forecasts (store_id, target_date);

-- What the screen shows: one pointer a store. Moving it is publishing, moving it back is rolling back.
create table published_runs (
    store_id uuid primary key,
    run_id uuid not null,
    previous_run_id uuid,
    business_date date not null,
    published_at timestamptz not null,
    created_at timestamptz not null default now(),
    constraint published_run_belongs_to_store foreign key (store_id) references stores on delete cascade,
    constraint published_run_is_of_same_store foreign key (store_id, run_id) references forecast_runs (store_id, run_id),
    constraint previous_run_is_of_same_store foreign key (store_id, previous_run_id) references forecast_runs (store_id, run_id)
);

-- Every move of the pointer, so that a day long past still knows what was on the screen.
create table published_run_log (
    id uuid primary key default gen_random_uuid(),
    store_id uuid not null,
    run_id uuid not null,
    replaced_run_id uuid,
    action text not null,
    business_date date not null,
    published_at timestamptz not null,
    created_at timestamptz not null default now(),
    constraint publication_belongs_to_store foreign key (store_id) references stores on delete cascade,
    constraint publication_run_is_of_same_store foreign key (store_id, run_id) references forecast_runs (store_id, run_id),
    constraint publication_action_is_known check (action in ('publish', 'rollback'))
);
create index published_run_log_by_day on published_run_log (store_id, business_date, published_at desc);

-- The seed's table of predictions, over the published run.
create view predictions with (security_invoker = true) as
select
    md5(concat_ws('|', f.run_id, f.target_kind, f.target_item, f.target_date))::uuid as id,
    f.store_id,
    f.target_kind as prediction_type,
    f.target_item,
    f.yhat as predicted_value,
    f.confidence_score,
    f.target_date as prediction_date,
    f.created_at,
    f.run_id,
    f.rung
from published_runs p
join forecasts f on f.run_id = p.run_id and f.store_id = p.store_id
where f.target_kind in ('product', 'ingredient', 'sales');

create table prediction_outcomes (
    id uuid primary key default gen_random_uuid(),
    store_id uuid not null,
    run_id uuid not null,
    target_kind text not null,
    target_id uuid,
    target_item text not null,
    target_date date not null,
    step integer not null,
    yhat double precision not null,
    q10 double precision not null,
    q50 double precision not null,
    q90 double precision not null,
    actual double precision not null,
    naive double precision, -- what last week would have said
    confidence_score numeric(3,2) not null,
    is_sold_out boolean not null default false,
    is_within_tolerance boolean not null, -- of 20 % or one unit
    pinball double precision not null,
    scored_at timestamptz not null,
    created_at timestamptz not null default now(),
    constraint prediction_is_scored_once unique (run_id, target_kind, target_item, target_date),
    constraint outcome_belongs_to_run foreign key (store_id, run_id) references forecast_runs (store_id, run_id) on delete cascade,
    constraint actual_is_not_negative check (actual >= 0 and actual < 'infinity'),
    constraint outcome_step_is_positive check (step > 0)
);
create index prediction_outcomes_by_day on prediction_outcomes (store_id, target_date);

create table model_artifacts (
    id uuid primary key default gen_random_uuid(),
    store_id uuid,
    run_id uuid,
    forecaster text not null,
    object_key text not null,
    content_hash bytea not null,
    content_length bigint not null,
    trained_until date not null,
    code_version text not null,
    config_hash bytea,
    metrics jsonb not null default '{}',
    created_at timestamptz not null default now(),
    constraint artifact_belongs_to_store foreign key (store_id) references stores on delete cascade,
    constraint artifact_is_taken unique nulls not distinct (store_id, forecaster, content_hash),
    constraint artifact_hash_is_sha256 check (octet_length(content_hash) = 32)
);
create index model_artifacts_newest on model_artifacts (store_id, forecaster, trained_until desc);

-- What to prepare and what to buy.
create table plan_items (
    id uuid primary key default gen_random_uuid(),
    run_id uuid not null,
    store_id uuid not null,
    business_date date not null,
    kind text not null,
    part_of_day text not null default 'all',
    product_id uuid,
    ingredient_id uuid,
    item text not null,
    unit text not null,
    need double precision not null, -- what is expected to be used or sold
    low double precision not null,
    high double precision not null,
    quantity numeric(14,3) not null, -- what to make or buy, whole batches or packs
    pieces integer not null, -- how many batches or packs that is
    cost bigint, -- rupiah
    reason text,
    created_at timestamptz not null default now(),
    constraint plan_item_is_taken unique (run_id, business_date, kind, item, part_of_day),
    constraint plan_item_belongs_to_run foreign key (store_id, run_id) references forecast_runs (store_id, run_id) on delete cascade,
    constraint plan_kind_is_known check (kind in ('prep', 'kitchen', 'purchase')),
    constraint part_of_day_is_known check (part_of_day in ('all', 'morning', 'midday', 'evening')),
    constraint plan_range_is_ordered check (low >= 0 and low <= high and high < 'infinity'),
    constraint plan_need_is_not_negative check (need >= 0 and need < 'infinity'),
    constraint plan_quantity_is_not_negative check (quantity >= 0 and quantity <> 'NaN'),
    constraint plan_pieces_are_not_negative check (pieces >= 0),
    constraint plan_cost_is_not_negative check (cost >= 0)
);
create index plan_items_by_day on plan_items (store_id, business_date);

-- A person knows better. Scored later against the model, so both numbers are kept.
create table overrides (
    id uuid primary key default gen_random_uuid(),
    store_id uuid not null,
    product_id uuid not null,
    target_date date not null,
    quantity numeric(14,3) not null,
    reason text not null,
    user_id uuid,
    run_id uuid, -- whose number it replaced
    model_quantity double precision,
    revoked_at timestamptz,
    created_at timestamptz not null default now(),
    constraint override_belongs_to_store foreign key (store_id) references stores on delete cascade,
    constraint override_product_is_of_same_store foreign key (store_id, product_id) references products (store_id, id) on delete cascade,
    constraint override_is_by_user foreign key (user_id) references users on delete set null,
    constraint override_is_not_negative check (quantity >= 0 and quantity <> 'NaN')
);
create unique index one_override_per_product_and_day on overrides (product_id, target_date) where revoked_at is null;
create index overrides_by_day on overrides (store_id, target_date);

create table backfills (
    id uuid primary key default gen_random_uuid(),
    asset text not null,
    scope text not null default '',
    window_start timestamptz not null,
    window_end timestamptz not null,
    mode text not null,
    is_reversed boolean not null default false,
    state text not null default 'planned',
    plan jsonb not null default '{}',
    done_count bigint not null default 0,
    failed_count bigint not null default 0,
    total_count bigint not null,
    requested_by text,
    started_at timestamptz,
    finished_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint backfill_window_is_half_open check (window_end > window_start),
    constraint backfill_mode_is_known check (mode in ('missing', 'failed', 'stale', 'all')),
    constraint backfill_state_is_known check (
        state in ('planned', 'running', 'paused', 'finished', 'failed', 'cancelled', 'published', 'rolled_back')),
    constraint backfill_counts_fit check (done_count >= 0 and failed_count >= 0 and done_count + failed_count <= total_count)
);
create index backfills_open on backfills (created_at) where state in ('planned', 'running', 'paused');
create trigger touch_updated_at before update on backfills for each row execute function app.touch_updated_at();

call app.protect_tenant('runs');
call app.protect_tenant('forecast_runs');
call app.protect_tenant('forecasts');
call app.protect_tenant('published_runs');
call app.protect_tenant('published_run_log');
call app.protect_tenant('prediction_outcomes');
call app.protect_tenant('model_artifacts');
call app.protect_tenant('plan_items');
call app.protect_tenant('overrides');

grant select on runs, forecast_runs, forecasts, published_runs, published_run_log, predictions, prediction_outcomes,
    model_artifacts, plan_items, schedule_ticks, backfills, partitions to viralcast_serve;
grant select, insert, update on overrides to viralcast_serve;
