-- A claim writes a row version and nothing else. PostgreSQL leaves the indexes alone when an update changes no column that any of
-- them names, in its predicate too, and the page has room (heap-only tuples). So no index names `state` or
-- `lease_until` any more: they name what a claim leaves as it is.
-- Room for the claimed version of every job of a page: neighbours are claimed together, long before any old version can go. Before the
-- columns, which write the table anew.
alter table jobs set (fillfactor = 40);

alter table jobs
    -- 'due' is claimed or waits for nothing but a worker.
    add column phase text not null generated always as (case
        when state = 'running' or (state = 'available' and children_left = 0) then 'due'
        when state = 'available' then 'held' -- its children have not ended
        when state in ('scheduled', 'retryable') then 'later'
        when state = 'discarded' then 'dead'
        else 'over'
    end) stored,
    -- The limits that a running job counts against. Without limits a claim changes nothing here.
    add column keys_in_use text[] generated always as (case when state = 'running' and limit_keys <> '{}' then limit_keys end) stored;

drop index jobs_to_claim, jobs_to_claim_within_limits, jobs_to_stage, jobs_to_rescue, jobs_dead, one_unfinished_job_per_unique_key;
create index jobs_to_claim on jobs (lane, claim_order, id) where phase = 'due' and limit_keys = '{}';
create index jobs_to_claim_within_limits on jobs (lane, claim_order, id) where phase = 'due' and limit_keys <> '{}';
create index jobs_to_stage on jobs (run_at) where phase = 'later';
create index jobs_in_use on jobs (id) where keys_in_use is not null;
create index jobs_dead on jobs (finished_at desc) where phase = 'dead';
create unique index one_unfinished_job_per_unique_key on jobs (kind, unique_key) where unique_key is not null and finished_at is null;

grant select (phase) on jobs to viralcast_serve;

-- Until then the planner takes the new columns for full.
analyze jobs;
