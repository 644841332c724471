with inserted as (
    insert into jobs (id, kind, args, state, lane, priority, run_at, max_attempts, unique_key, trace_id, backoff_base, backoff_max)
    values (
        $1, $2, $3,
        case when $6::timestamptz > clock_timestamp() then 'scheduled' else 'available' end,
        $4, $5,
        coalesce($6::timestamptz, clock_timestamp()),
        $7, $8, $9,
        $10::float8 * interval '1 second',
        $11::float8 * interval '1 second'
    )
    on conflict (kind, unique_key)
        where unique_key is not null and state not in ('completed', 'cancelled', 'discarded')
        do nothing
    returning id, state, lane
)
select id as "id!", case when state = 'available' then pg_notify($12, lane)::text end as woken
from inserted
