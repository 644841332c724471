with undone as materialized (
    select replaced_run_id, published_at from published_run_log where store_id = $1 and action = 'rollback'
)
select f.run_id, f.target_kind, f.target_id, f.target_item, f.target_date, f.step, f.yhat, f.q025, f.q05, f.q10, f.q25, f.q50,
       f.q75, f.q90, f.q95, f.q975, f.chosen, f.confidence_score::float8 as "confidence_score!", f.rung,
       r.cutoff, r.last_day, shown.published_at
from stores s
cross join generate_series(0, $3::date - $2::date) as days (ahead)
cross join generate_series(coalesce($4::integer, 1), coalesce($4::integer, 28)) as steps (step)
cross join lateral (
    select $2::date + ahead as day, ($2::date + ahead + $5::time) at time zone s.time_zone as deadline
) target
cross join lateral (
    select l.run_id, l.published_at
    from published_run_log l
    where l.store_id = s.id
      and l.business_date = target.day - (steps.step - 1)
      and l.published_at <= target.deadline
      and not exists (
          select from undone
          where undone.replaced_run_id = l.run_id
            and undone.published_at >= l.published_at and undone.published_at <= target.deadline
      )
    order by l.published_at desc, l.id desc
    limit 1
) shown
join forecast_runs r on r.store_id = s.id and r.run_id = shown.run_id
join forecasts f
    on f.run_id = shown.run_id and f.store_id = s.id and f.target_date = target.day and f.step = steps.step
where s.id = $1
  and f.target_kind in ('product', 'ingredient', 'sales')
  and f.target_date between $2 and least($3, coalesce($8, $3))
  and ($6::text is null or f.target_kind = $6)
  and ($7::text is null or f.target_item = $7)
  and ($8::date is null or f.target_date < $8 or (f.target_date = $8 and (f.target_kind, f.target_item) > ($9, $10)))
order by f.target_date desc, f.target_kind, f.target_item, f.step
limit $11
