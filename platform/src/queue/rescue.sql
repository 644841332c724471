update jobs
set state = case
        when cancel_requested_at is not null then 'cancelled'
        when attempt >= max_attempts then 'discarded'
        else 'retryable'
    end,
    finished_at = case when cancel_requested_at is not null or attempt >= max_attempts then clock_timestamp() end,
    lease_until = null,
    run_at = clock_timestamp() + app.job_backoff(attempt, backoff_base, backoff_max),
    errors = app.job_errors(errors, attempt, 'lease expired: worker ' || coalesce(worker, '?') || ' went silent')
where ctid = any (array(
    select ctid
    from jobs
    where phase = 'due' and limit_keys = '{}' and state = 'running' and lease_until < statement_timestamp()
    limit 1000
    for update skip locked
) || array(
    select ctid
    from jobs
    where keys_in_use is not null and lease_until < statement_timestamp()
    order by id
    limit 1000
    for update skip locked
))
returning id, kind, state
