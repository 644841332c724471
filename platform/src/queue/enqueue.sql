with new as materialized (
    select *
    from jsonb_to_recordset($1::jsonb) as new (
        id uuid, kind text, args jsonb, lane text, priority smallint, run_at timestamptz, max_attempts integer, unique_key text,
        trace_id text, backoff_base double precision, backoff_max double precision, limit_keys text[], limit_counts integer[],
        parent_id uuid, children_left integer, is_kept boolean)
), inserted as (
    insert into jobs (
        id, kind, args, state, lane, priority, run_at, max_attempts, unique_key, trace_id, backoff_base, backoff_max,
        limit_keys, limit_counts, parent_id, children_left, is_kept)
    select
        id, kind,
        coalesce(args, 'null'), -- arguments that are JSON's null arrive as SQL's
        case when run_at > clock_timestamp() then 'scheduled' else 'available' end,
        lane, priority,
        coalesce(run_at, clock_timestamp()),
        max_attempts, unique_key, trace_id,
        backoff_base * interval '1 second',
        backoff_max * interval '1 second',
        limit_keys, limit_counts, parent_id, children_left, is_kept
    from new
    on conflict (kind, unique_key)
        where unique_key is not null and finished_at is null
        do nothing
    returning id, case when state = 'available' and children_left = 0 then lane end as lane
)
select id as "id!", case when lane is not null and row_number() over (partition by lane) = 1 then pg_notify($2, lane)::text end as woken
from inserted
