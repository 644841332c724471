-- Tables of this transaction's own: products by their number in the load, the lines as they come, and one row an order once they
-- are all there. Times are microseconds and days since 1970: quick to write and to read.
create temp table if not exists staging_products (
    product integer not null,
    product_id uuid,
    product_name text not null
) on commit drop;
create temp table if not exists staging_order_lines (
    ordinal bigint not null,
    external_id text not null,
    ordered_at bigint not null,
    business_day integer not null,
    product integer not null,
    quantity numeric not null,
    unit_price bigint,
    total_price bigint,
    available_at bigint, -- null: when it was ordered
    is_cancelled boolean -- null: it is not
) on commit drop;
create temp table if not exists staging_orders (
    id uuid not null,
    external_id text not null,
    first_ordinal bigint not null,
    order_date timestamptz not null,
    business_date date not null,
    was_on date, -- the day on which it was known until now
    total_amount bigint,
    status text not null,
    available_at timestamptz not null,
    told_at timestamptz, -- of a source that says when it said so
    content_hash bytea not null,
    verdict text not null
) on commit drop;
truncate staging_products, staging_order_lines, staging_orders;
