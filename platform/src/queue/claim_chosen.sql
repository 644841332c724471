update jobs
set state = 'running',
    attempt = attempt + 1,
    worker = $2,
    lease_token = lease_token + 1,
    lease_until = clock_timestamp() + $3::float8 * interval '1 second',
    attempted_at = clock_timestamp()
where id = any ($1::uuid[])
returning id, kind, args, lane, attempt, max_attempts, lease_token, trace_id, is_kept, claim_order,
    extract(epoch from clock_timestamp() - run_at)::float8 as "waited!",
    extract(epoch from clock_timestamp() - statement_timestamp())::float8 as "took!"
