with staged as (
    update jobs set state = 'available'
    where ctid = any (array(
        select ctid
        from jobs
        where phase = 'later' and run_at <= statement_timestamp()
        order by run_at
        limit 1000
        for update skip locked
    ))
    returning lane, children_left
), woken as (
    select lane, pg_notify($1, lane)::text as sent from staged where children_left = 0 group by lane
)
select (select count(*) from staged) as "staged!", (select count(sent) from woken) as "lanes!"
