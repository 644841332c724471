-- Each part walks one partial index.
with due as (
    select lane, count(*) as jobs, min(run_at) as first
    from jobs where state = 'available' and children_left = 0 and limit_keys = '{}' group by lane
    union all
    select lane, count(*), min(run_at)
    from jobs where state = 'available' and children_left = 0 and limit_keys <> '{}' group by lane
), waiting as (
    select lane, sum(jobs) as jobs, extract(epoch from clock_timestamp() - min(first)) as oldest from due group by lane
), later as (
    select lane, count(*) as jobs from jobs where state in ('scheduled', 'retryable') group by lane
), running as (
    select lane, count(*) as jobs, count(*) filter (where lease_until < clock_timestamp() - $1::float8 * interval '1 second') as stuck
    from jobs where state = 'running' group by lane
), dead as (
    select lane, count(*) as jobs from jobs where state = 'discarded' group by lane
)
select lane as "lane!", coalesce(waiting.jobs, 0)::bigint as "waiting!", coalesce(waiting.oldest, 0)::float8 as "oldest_wait_seconds!",
    coalesce(later.jobs, 0)::bigint as "later!", coalesce(running.jobs, 0)::bigint as "running!",
    coalesce(running.stuck, 0)::bigint as "stuck!", coalesce(dead.jobs, 0)::bigint as "dead!"
from waiting
full join later using (lane)
full join running using (lane)
full join dead using (lane)
order by lane
