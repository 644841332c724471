-- $1 store, $2.. one array a column
insert into products (id, store_id, category_id, name, unit, price, batch_size, shelf_life_days, first_sold_on)
select new.id, $1, c.id, new.name, new.unit, new.price, new.batch_size::numeric(14,3), new.shelf_life_days, new.first_sold_on
from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::float8[], $8::integer[], $9::date[])
    as new (id, name, category, unit, price, batch_size, shelf_life_days, first_sold_on)
left join categories c on c.store_id = $1 and c.name = new.category
on conflict on constraint product_name_is_taken_in_store do update
set category_id = coalesce(excluded.category_id, products.category_id),
    unit = excluded.unit,
    price = coalesce(excluded.price, products.price),
    batch_size = excluded.batch_size,
    shelf_life_days = excluded.shelf_life_days,
    first_sold_on = least(excluded.first_sold_on, products.first_sold_on)
returning id, name
