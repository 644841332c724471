with asked as (
    select * from unnest($2::text[], $3::integer[]) as asked (lane, jobs)
), due as (
    select head.id
    from asked
    cross join lateral (
        select id
        from jobs
        where lane = asked.lane
            and state = 'available'
            and children_left = 0
            and limit_keys = '{}'
            and kind = any ($1::text[])
        order by claim_order, id
        limit asked.jobs
        for update skip locked
    ) as head
)
update jobs
set state = 'running',
    attempt = attempt + 1,
    worker = $4,
    lease_token = lease_token + 1,
    lease_until = clock_timestamp() + $5::float8 * interval '1 second',
    attempted_at = clock_timestamp()
from due
where jobs.id = due.id
returning jobs.id, kind, args, lane, attempt, max_attempts, lease_token, trace_id, is_kept,
    extract(epoch from clock_timestamp() - run_at)::float8 as "waited!"
