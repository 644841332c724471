-- The heads of the lanes among jobs with limits, but for those whose limits are used up (`$4` names a key, `$5` how many run)
-- and those that were taken already (`$6`).
with asked as (
    select * from unnest($2::text[], $3::integer[]) as asked (lane, jobs)
), used as materialized (
    select * from unnest($4::text[], $5::integer[]) as used (key, running)
)
select head.id, head.lane, head.limit_keys, head.limit_counts
from asked
cross join lateral (
    select id, lane, limit_keys, limit_counts
    from jobs
    where lane = asked.lane
        and phase = 'due'
        and limit_keys <> '{}'
        and state = 'available'
        and kind = any ($1::text[])
        and id <> all ($6::uuid[])
        and not exists (
            select
            from unnest(limit_keys, limit_counts) as own (key, count)
            join used using (key)
            where used.running >= own.count
        )
    order by claim_order, id
    limit 4 * asked.jobs
    for update skip locked
) as head
