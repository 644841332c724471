with due as (
    select id
    from jobs
    where state in ('available', 'scheduled', 'retryable')
        and run_at <= clock_timestamp()
        and attempt < max_attempts
        and kind = any ($1::text[])
        and (cardinality($2::text[]) = 0 or lane = any ($2::text[]))
    order by priority, run_at, id
    limit $3
    for update skip locked
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
returning jobs.id, kind, args, attempt, max_attempts, lease_token, trace_id
