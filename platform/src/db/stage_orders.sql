-- Tables of this transaction's own: the lines as they come, and one row an order once they are all there.
create temp table if not exists staging_order_lines (
    ordinal bigint generated always as identity,
    external_id text not null,
    ordered_at timestamptz not null,
    business_date date not null,
    product_id uuid,
    product_name text not null,
    quantity numeric(14,3) not null,
    unit_price bigint,
    total_price bigint,
    available_at timestamptz not null
) on commit drop;
create temp table if not exists staging_orders (
    id uuid not null,
    external_id text not null,
    order_date timestamptz not null,
    business_date date not null,
    total_amount bigint,
    available_at timestamptz not null,
    content_hash bytea not null,
    verdict text not null
) on commit drop;
truncate staging_order_lines, staging_orders;
