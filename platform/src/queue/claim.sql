-- Rows are found by their place: they are locked by then, and no statistics can make the planner read the table for it.
update jobs
set state = 'running',
    attempt = attempt + 1,
    worker = $4,
    lease_token = lease_token + 1,
    lease_until = clock_timestamp() + $5::float8 * interval '1 second',
    attempted_at = clock_timestamp()
where ctid = any (array(
    select head.place
    from unnest($2::text[], $3::integer[], $6::float8[]) as asked (lane, jobs, least)
    cross join lateral (
        select ctid as place
        from jobs
        where lane = asked.lane
            and claim_order >= asked.least
            and phase = 'due'
            and limit_keys = '{}'
            and state = 'available'
            and kind = any ($1::text[])
        order by claim_order, id
        limit asked.jobs
        for update skip locked
    ) as head
))
returning id, kind, args, lane, attempt, max_attempts, lease_token, trace_id, is_kept, claim_order,
    extract(epoch from clock_timestamp() - run_at)::float8 as "waited!",
    extract(epoch from clock_timestamp() - statement_timestamp())::float8 as "took!"
