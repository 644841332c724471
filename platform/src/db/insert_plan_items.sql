-- $1 run, $2 store, $3.. one array a column
insert into plan_items (id, run_id, store_id, business_date, kind, part_of_day, product_id, ingredient_id, item, unit, need, low,
                        high, quantity, pieces, cost, reason)
select new.id, $1, $2, new.business_date, new.kind, new.part_of_day, new.product_id, new.ingredient_id, new.item, new.unit,
       new.need, new.low, new.high, new.quantity::numeric(14,3), new.pieces, new.cost, new.reason
from unnest($3::uuid[], $4::date[], $5::text[], $6::text[], $7::uuid[], $8::uuid[], $9::text[], $10::text[], $11::float8[],
            $12::float8[], $13::float8[], $14::float8[], $15::integer[], $16::bigint[], $17::text[])
    as new (id, business_date, kind, part_of_day, product_id, ingredient_id, item, unit, need, low, high, quantity, pieces, cost,
            reason)
