delete from jobs
where ctid >= format('(%s,0)', $4::bigint)::tid
    and ctid < format('(%s,0)', $4::bigint + $5::bigint)::tid
    and finished_at < statement_timestamp() - interval '1 second' * case state
        when 'completed' then $1::float8
        when 'cancelled' then $2::float8
        else $3::float8
    end
    and not exists (select from jobs as parent where parent.id = jobs.parent_id and parent.finished_at is null)
