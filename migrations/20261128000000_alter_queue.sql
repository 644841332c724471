-- The queue at work: priorities that age, lanes, shared limits, families of jobs, and a claim that only ever looks at what is due.

-- Priorities age: one step is worth a minute of waiting. A job of priority 10 waits behind fresh ones of priority 0 for ten minutes
-- and then goes first, so that no flood can starve it. A plain number that never changes while a job waits, so an index can hold it.
alter table jobs
    add column claim_order double precision not null generated always as
        (extract(epoch from run_at - timestamptz '2000-01-01 00:00:00+00')::double precision + 60 * priority) stored,
    -- At most limit_counts[i] jobs that name limit_keys[i] run at a time, over all programs.
    add column limit_keys text[] not null default '{}',
    add column limit_counts integer[] not null default '{}',
    -- The job that waits for this one to end, and how many a job waits for.
    add column parent_id uuid,
    add column children_left integer not null default 0,
    -- Whether the row stays when it is completed.
    add column is_kept boolean not null default true,
    add constraint priority_ages_within_an_hour check (priority between -60 and 60),
    add constraint limits_are_pairs check (cardinality(limit_keys) = cardinality(limit_counts) and 0 < all (limit_counts)),
    add constraint children_left_is_not_negative check (children_left >= 0),
    add constraint children_are_kept check (is_kept or parent_id is null);
comment on column jobs.priority is 'Smaller runs first; one step is worth a minute of waiting.';

-- What is due is `available`; `scheduled` and `retryable` jobs become it when their time has come (stage.sql). A claim walks the
-- head of its lane and meets nothing else.
drop index jobs_to_claim;
create index jobs_to_claim on jobs (lane, claim_order, id)
    where state = 'available' and children_left = 0 and limit_keys = '{}';
create index jobs_to_claim_within_limits on jobs (lane, claim_order, id)
    where state = 'available' and children_left = 0 and limit_keys <> '{}';
create index jobs_to_stage on jobs (run_at) where state in ('scheduled', 'retryable');
create index jobs_by_parent on jobs (parent_id) where parent_id is not null;

-- What concerns other jobs is done where a state changes: no path through the code can forget it, nor can an older program that
-- does not know of it. One trigger, since every job's every change asks whether it is meant.
create function app.job_concerns_others() returns trigger
    language plpgsql
    as $$
declare
    woken text;
begin
    -- A child has ended: its parent waits for one less, and runs when it was the last.
    if new.parent_id is not null and old.finished_at is null and new.finished_at is not null then
        update jobs
        set children_left = children_left - 1,
            run_at = case when children_left = 1 and state = 'available' then greatest(run_at, clock_timestamp()) else run_at end
        where id = new.parent_id and children_left > 0 and finished_at is null
        returning case when children_left = 0 and state = 'available' then lane end into woken;
    -- A dead letter lives again: a parent that still waits waits for it too.
    elsif new.parent_id is not null and old.finished_at is not null and new.finished_at is null then
        update jobs set children_left = children_left + 1 where id = new.parent_id and children_left > 0 and finished_at is null;
    end if;
    if woken is not null then
        perform pg_notify('viralcast_jobs', woken);
    end if;
    -- A job with limits has stopped running: there is room for others like it, wherever they wait.
    if old.state = 'running' and new.state <> 'running' and old.limit_keys <> '{}' then
        perform pg_notify('viralcast_jobs', new.lane);
    end if;
    return null;
end
$$;
create trigger tell_other_jobs after update of state on jobs
    for each row when (new.parent_id is not null or old.limit_keys <> '{}')
    execute function app.job_concerns_others();

-- Asked at every change of every job; the program writes neither otherwise.
alter table jobs drop constraint kind_is_a_word, drop constraint errors_is_a_list;

grant select (children_left, limit_keys, lease_until) on jobs to viralcast_serve;

-- Up to when a scheduler has made all ticks of a definition. Downtime is the gap between it and now; what lies before it is past
-- and stays so when a definition changes. One row a definition, since during a deployment two are alive.
create table schedule_definitions (
    schedule text not null,
    definition bytea not null, -- SHA-256 of what decides when it fires
    checked_until timestamptz not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint one_row_per_definition primary key (schedule, definition),
    constraint definition_is_sha256 check (octet_length(definition) = 32)
);
create trigger touch_updated_at before update on schedule_definitions for each row execute function app.touch_updated_at();

alter table schedule_ticks
    add column late_at timestamptz, -- when its job should have ended
    add column was_late boolean; -- null: not known yet
create index schedule_ticks_to_judge on schedule_ticks (late_at) where was_late is null and job_id is not null;
create index schedule_ticks_late on schedule_ticks (fire_at desc) where was_late;
