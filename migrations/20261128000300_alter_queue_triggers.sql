-- A running job with limits that leaves nothing behind ends by going: whoever waits for room hears of that too.
create function app.job_has_gone() returns trigger
    language plpgsql
    as $$
begin
    perform pg_notify('viralcast_jobs', old.lane);
    return null;
end
$$;
create trigger tell_waiting_jobs after delete on jobs
    for each row when (old.state = 'running' and old.limit_keys <> '{}')
    execute function app.job_has_gone();
