with dead as (
    select distinct on (kind, coalesce(unique_key, id::text)) id, finished_at
    from jobs
    where phase = 'dead'
        and ($1::uuid is null or id = $1)
        and ($2::text is null or kind = $2)
        and ($5::text is null or lane = $5)
        and ($6::text is null or strpos(lower(errors -> -1 ->> 'error'), lower($6)) > 0)
        and ($7::timestamptz is null or finished_at >= $7)
        and not exists (
            select from jobs as living
            where living.kind = jobs.kind
                and living.unique_key = jobs.unique_key
                and living.finished_at is null
        )
    order by kind, coalesce(unique_key, id::text), finished_at desc
), chosen as (
    select id from dead order by finished_at desc limit $3
), replayed as (
    update jobs
    set state = 'available', attempt = 0, run_at = clock_timestamp(), finished_at = null, cancel_requested_at = null
    from chosen
    where jobs.id = chosen.id and jobs.state = 'discarded'
    returning jobs.id, lane
)
select id, pg_notify($4, lane)::text as woken from replayed
