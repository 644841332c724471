-- Background jobs, the transactional outbox with its cursors and inbox, and leases on shared quotas.

-- A job is one row from birth to pruning. State machine:
--
--   scheduled | available -> running -> completed
--                              |  ^ '-> cancelled
--                              |  '--- retryable (failed, rescued) | scheduled (snoozed) | available (handed back)
--                              '-> discarded (its attempts are used: a dead letter)
--
-- `lease_token` is the fencing token: every claim raises it, and whoever holds an older one cannot change the row any more.
-- Leases compare against the database's clock only. Back-off settings are on the row, so that a program that does not know
-- the kind can rescue it.
create table jobs (
    id                  uuid        not null,
    kind                text        not null,
    state               text        not null default 'available',
    lane                text        not null default 'default',
    priority            smallint    not null default 0,
    attempt             integer     not null default 0,
    max_attempts        integer     not null,
    run_at              timestamptz not null default now(),
    unique_key          text,
    args                jsonb       not null,
    trace_id            text,
    worker              text,
    lease_token         bigint      not null default 0,
    lease_until         timestamptz,
    cancel_requested_at timestamptz,
    backoff_base        interval    not null default interval '5 seconds',
    backoff_max         interval    not null default interval '1 hour',
    errors              jsonb       not null default '[]',
    created_at          timestamptz not null default now(),
    attempted_at        timestamptz,
    finished_at         timestamptz,
    constraint jobs_pkey primary key (id),
    constraint state_is_known check
        (state in ('available', 'scheduled', 'running', 'retryable', 'completed', 'cancelled', 'discarded')),
    constraint finished_at_iff_final check ((finished_at is not null) = (state in ('completed', 'cancelled', 'discarded'))),
    constraint lease_iff_running check ((lease_until is not null) = (state = 'running')),
    constraint attempt_within_max check (attempt between 0 and max_attempts),
    constraint max_attempts_is_positive check (max_attempts > 0),
    constraint backoff_is_positive check (backoff_base > interval '0' and backoff_max >= backoff_base),
    constraint kind_is_a_word check (kind ~ '^[a-z][a-z0-9_]*$'),
    constraint errors_is_a_list check (jsonb_typeof(errors) = 'array')
);
comment on column jobs.priority is 'Smaller runs first.';
comment on column jobs.errors is 'The last failures: [{"attempt": 1, "at": "...", "error": "..."}].';

create unique index one_unfinished_job_per_unique_key on jobs (kind, unique_key)
    where unique_key is not null and state not in ('completed', 'cancelled', 'discarded');
create index jobs_to_claim on jobs (priority, run_at, id) where state in ('available', 'scheduled', 'retryable');
create index jobs_to_rescue on jobs (lease_until) where state = 'running';
create index jobs_dead on jobs (finished_at desc) where state = 'discarded';

-- Rows are rewritten several times in their life: leave room in the page and clean up early.
alter table jobs set (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 1);

-- Exponential, with jitter: half of the delay is certain, the other half is random, so that a crowd of failures spreads out.
create function app.job_backoff(attempt integer, base interval, ceiling interval) returns interval
    language sql volatile
    return least(base * power(2, least(attempt - 1, 30)), ceiling) * (0.5 + 0.5 * random());

-- Keeps the newest ten failures of a job.
create function app.job_errors(errors jsonb, attempt integer, message text) returns jsonb
    language sql volatile
    return case when jsonb_array_length(errors) >= 10 then errors - 0 else errors end
        || jsonb_build_array(jsonb_build_object('attempt', attempt, 'at', clock_timestamp(), 'error', message));

grant execute on function app.job_backoff(integer, interval, interval), app.job_errors(jsonb, integer, text) to viralcast_work;
-- The API may ask for work and see whether it is done, but not read the arguments of others.
grant insert on jobs to viralcast_serve;
grant select (id, kind, state, unique_key, lane, run_at, created_at, finished_at) on jobs to viralcast_serve;

-- Events, written in the transaction of the change that they announce. `txid` lets a reader wait for slower transactions:
-- it reads only what is older than every transaction still running, in the order (txid, position), and so misses nothing.
create table outbox (
    position    bigint      not null generated always as identity,
    txid        xid8        not null default pg_current_xact_id(),
    event_id    uuid        not null,
    name        text        not null,
    version     integer     not null,
    subject     text        not null,
    occurred_at timestamptz not null,
    trace_id    text,
    payload     jsonb       not null,
    created_at  timestamptz not null default now(),
    constraint outbox_pkey primary key (txid, position),
    constraint one_row_per_event unique (event_id),
    constraint version_is_positive check (version > 0)
);

-- How far each consumer has read.
create table outbox_cursors (
    consumer   text        not null,
    txid       xid8        not null,
    position   bigint      not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint outbox_cursors_pkey primary key (consumer)
);

-- What each consumer has done, written in the transaction of its effects: an event delivered twice has one effect.
create table inbox (
    consumer   text        not null,
    event_id   uuid        not null,
    created_at timestamptz not null default now(),
    constraint inbox_pkey primary key (consumer, event_id)
);
create index inbox_to_prune on inbox (created_at);

grant insert on outbox to viralcast_serve;
grant select (event_id) on outbox to viralcast_serve;

-- Units of a shared quota in use until they expire or are given back: calls per minute of one address, credits per day,
-- concurrent runs of one kind. What is left is the limit minus the sum of the unexpired.
create table quota_leases (
    id         uuid        not null,
    quota      text        not null,
    units      integer     not null,
    holder     text        not null,
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    constraint quota_leases_pkey primary key (id),
    constraint units_are_positive check (units > 0),
    constraint lease_has_a_length check (expires_at > created_at)
);
create index quota_leases_in_use on quota_leases (quota, expires_at);
