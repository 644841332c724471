-- Facts that a source tells again and again (prices, observed weather), kept as versions: what was told just so before makes none.
-- `recorded_at` is when a version was told, `confirmed_at` when it was last told just so. The first version of a fact is available
-- when the source declares it to be, a correction when it was told. Tellings may come in any order and any number of times: the
-- versions are the same in the end.
--
-- `tellings`, a temporary table of the caller's transaction, holds keys, values and `available_at` of one telling. Of a fact that is
-- in it twice the last row counts.
create function app.tell_versions(target regclass, key_columns text[], value_columns text[], record uuid, told_at timestamptz)
    returns table (new_versions bigint, earliest timestamptz)
    language plpgsql
    set search_path = pg_catalog, public, pg_temp
as $$
declare
    columns text := (select string_agg(quote_ident(c), ', ') from unnest(key_columns || value_columns) as c);
    told_columns text := (select string_agg('told.' || quote_ident(c), ', ') from unnest(key_columns || value_columns) as c);
    known_columns text := (select string_agg('known.' || quote_ident(c), ', ') from unnest(key_columns || value_columns) as c);
    told_values text := (select string_agg('told.' || quote_ident(c), ', ') from unnest(value_columns) as c);
    known_values text := (select string_agg('known.' || quote_ident(c), ', ') from unnest(value_columns) as c);
    m_values text := (select string_agg('m.' || quote_ident(c), ', ') from unnest(value_columns) as c);
    p_is_told text := (select string_agg(format('p.%1$I = told.%1$I', c), ' and ') from unnest(key_columns) as c);
    m_is_told text := (select string_agg(format('m.%1$I = told.%1$I', c), ' and ') from unnest(key_columns) as c);
    m_is_known text := (select string_agg(format('m.%1$I = known.%1$I', c), ' and ') from unnest(key_columns) as c);
    -- What was known of a telling's fact when it was told.
    known text := format(
        '(select p.*, true as is_known from %s p where %s and p.recorded_at <= $1
          order by p.recorded_at desc, p.available_at desc limit 1) known',
        target, p_is_told);
begin
    execute format('delete from tellings told using tellings p where %s and p.ctid > told.ctid', p_is_told);

    -- Something else was told between two tellings of what is known: that ends here and begins again when it was last confirmed.
    execute format(
        'with known as (
             select known.* from tellings told cross join lateral %1$s
             where row(%2$s) is distinct from row(%3$s) and known.confirmed_at > $1
         ), ended as (
             update %4$s m set confirmed_at = null from known where %5$s and m.available_at = known.available_at
         )
         insert into %4$s (%6$s, raw_record_id, recorded_at, available_at)
         select %7$s, known.raw_record_id, known.confirmed_at,
                greatest(known.confirmed_at, known.available_at + interval ''1 microsecond'')
         from known
         on conflict do nothing',
        known, known_values, told_values, target, m_is_known, columns, known_columns)
    using told_at;

    -- What was taken for the first word of a fact was a later one: what says the same moves back to this telling, what differs
    -- becomes the correction that it was.
    execute format(
        'update %1$s m
         set recorded_at = case when row(%2$s) is distinct from row(%3$s) then m.recorded_at else $1 end,
             available_at = case
                 when row(%2$s) is distinct from row(%3$s)
                     then greatest(m.recorded_at, told.available_at + interval ''1 microsecond'')
                 when known.is_known then greatest($1, known.available_at + interval ''1 microsecond'')
                 else told.available_at
             end
         from tellings told
         left join lateral %4$s on true
         cross join lateral (
             select p.available_at from %1$s p where %5$s and p.recorded_at > $1 order by p.recorded_at, p.available_at limit 1
         ) next
         where %6$s and m.available_at = next.available_at
           and (known.is_known is null or (row(%7$s) is distinct from row(%3$s) and row(%2$s) is not distinct from row(%3$s)))',
        target, m_values, told_values, known, p_is_told, m_is_told, known_values)
    using told_at;

    execute format(
        'update %1$s m set confirmed_at = $1
         from tellings told cross join lateral %2$s
         where %3$s and m.available_at = known.available_at
           and row(%4$s) is not distinct from row(%5$s) and coalesce(m.confirmed_at, m.recorded_at) < $1',
        target, known, m_is_known, known_values, told_values)
    using told_at;

    return query execute format(
        'with inserted as (
             insert into %1$s (%2$s, raw_record_id, recorded_at, available_at)
             select %3$s, $2, $1,
                    case when known.is_known then greatest($1, known.available_at + interval ''1 microsecond'')
                         else told.available_at
                    end
             from tellings told
             left join lateral %4$s on true
             where known.is_known is null or row(%5$s) is distinct from row(%6$s)
             on conflict do nothing
             returning available_at
         )
         select count(*), min(available_at) from inserted',
        target, columns, told_columns, known, known_values, told_values)
    using told_at, record;
end $$;
revoke execute on function app.tell_versions(regclass, text[], text[], uuid, timestamptz) from public;
grant execute on function app.tell_versions(regclass, text[], text[], uuid, timestamptz) to viralcast_work;

alter table weather_observations add column confirmed_at timestamptz; -- the last time that it was told just so
