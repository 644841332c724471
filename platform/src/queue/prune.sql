delete from jobs
where ctid = any (array(
    select ctid
    from jobs
    where finished_at < statement_timestamp() - least($1::float8, $2::float8, $3::float8) * interval '1 second'
        and finished_at < statement_timestamp() - interval '1 second' * case state
            when 'completed' then $1::float8
            when 'cancelled' then $2::float8
            else $3::float8
        end
        and not exists (select from jobs as parent where parent.id = jobs.parent_id and parent.finished_at is null)
    limit $4
    for update skip locked
))
