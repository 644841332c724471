-- Jobs that somebody of a store asked for and will look at: a fresh forecast, a plan made again, an answer to "what if". The row
-- outlives the job, whose own row is pruned after a day, and says what came of it in words that are nobody else's business.
create table asked_jobs (
    job_id uuid not null, -- of `jobs`; no foreign key: that row goes first
    store_id uuid not null,
    kind text not null,
    asked_by uuid, -- no foreign key: the answer outlives the account
    request jsonb not null default '{}',
    result jsonb,
    failure jsonb, -- a code and its figures; worded when it is read
    asked_at timestamptz not null,
    finished_at timestamptz,
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    constraint asked_jobs_pkey primary key (job_id),
    constraint asked_job_belongs_to_store foreign key (store_id) references stores on delete cascade,
    constraint asked_job_kind_is_known check (kind in ('forecast_afresh', 'replan', 'suppose')),
    constraint asked_job_ends_one_way check (num_nonnulls(result, failure) = case when finished_at is null then 0 else 1 end),
    constraint asked_job_is_kept_a_while check (expires_at > asked_at)
);
create index asked_jobs_by_store on asked_jobs (store_id, kind, asked_at desc);
create index asked_jobs_to_prune on asked_jobs (expires_at);

call app.protect_tenant('asked_jobs');
grant select, insert on asked_jobs to viralcast_serve;
