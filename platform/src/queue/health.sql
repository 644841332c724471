-- Each part has one partial index, which the planner takes unless most of the table is in it.
with due as (
    select lane, state, run_at, lease_until from jobs where phase = 'due' and limit_keys = '{}'
    union all
    select lane, state, run_at, lease_until from jobs where phase = 'due' and limit_keys <> '{}'
), present as (
    select lane,
        count(*) filter (where state = 'available') as waiting,
        extract(epoch from clock_timestamp() - min(run_at) filter (where state = 'available')) as oldest,
        count(*) filter (where state = 'running') as running,
        count(*) filter (where lease_until < clock_timestamp() - $1::float8 * interval '1 second') as stuck
    from due group by lane
), later as (
    select lane, count(*) as jobs from jobs where phase = 'later' group by lane
), dead as (
    select lane, count(*) as jobs from jobs where phase = 'dead' group by lane
)
select lane as "lane!", coalesce(present.waiting, 0)::bigint as "waiting!", coalesce(present.oldest, 0)::float8 as "oldest_wait_seconds!",
    coalesce(later.jobs, 0)::bigint as "later!", coalesce(present.running, 0)::bigint as "running!",
    coalesce(present.stuck, 0)::bigint as "stuck!", coalesce(dead.jobs, 0)::bigint as "dead!"
from present
full join later using (lane)
full join dead using (lane)
order by lane
