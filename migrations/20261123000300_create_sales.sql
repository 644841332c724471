-- Sales and what explains them. Facts are appended: a correction is a new version with a later `available_at`.

create table orders (
    id uuid primary key default gen_random_uuid(),
    store_id uuid not null,
    source text not null default 'orders', -- orders: our own API; else the ingest source it came by
    external_id text not null, -- the source's own number; our id where the source is the API
    customer_name text,
    customer_phone text,
    total_amount bigint, -- rupiah; null: the source told no prices
    status text not null default 'pending',
    order_date timestamptz not null default now(),
    business_date date not null,
    content_hash bytea, -- of an imported order: the same bytes again change nothing
    raw_record_id uuid,
    available_at timestamptz not null default now(),
    recorded_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint order_number_is_taken_in_source unique (store_id, source, external_id),
    constraint order_is_named_with_its_store unique (store_id, id),
    constraint order_belongs_to_store foreign key (store_id) references stores on delete cascade,
    constraint order_total_is_not_negative check (total_amount >= 0),
    constraint order_status_is_known check (status in ('pending', 'paid', 'completed', 'cancelled', 'refunded'))
);
create index orders_by_business_date on orders (store_id, business_date);
create index orders_by_time on orders (store_id, order_date desc, id desc);

create table order_items (
    id uuid primary key default gen_random_uuid(),
    store_id uuid not null,
    order_id uuid not null,
    line_number integer not null,
    product_id uuid, -- null: a line that no product of the catalogue answers to
    product_name text not null,
    quantity numeric(14,3) not null,
    unit_price bigint, -- rupiah; null: the source told none
    total_price bigint,
    created_at timestamptz not null default now(),
    constraint order_line_number_is_taken unique (order_id, line_number),
    constraint order_item_belongs_to_order foreign key (store_id, order_id) references orders (store_id, id) on delete cascade,
    constraint order_item_product_is_of_same_store foreign key (store_id, product_id) references products (store_id, id),
    constraint order_item_product_name_is_not_blank check (btrim(product_name) <> ''),
    constraint order_item_quantity_is_positive check (quantity > 0 and quantity <> 'NaN'),
    constraint order_item_prices_are_not_negative check (unit_price >= 0 and total_price >= 0)
);
create index order_items_by_product on order_items (product_id);

-- Units sold per product and business day. No foreign keys: a load is a million rows, and the loader checks the products of
-- a load at once. The key is the fact itself plus when it became known.
create table sales_daily (
    store_id uuid not null,
    product_id uuid not null,
    business_date date not null,
    source text not null,
    available_at timestamptz not null,
    quantity numeric(14,3) not null,
    revenue bigint, -- rupiah
    is_sold_out boolean not null default false, -- censored: demand was at least `quantity`
    raw_record_id uuid,
    recorded_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    constraint sales_daily_version primary key (store_id, product_id, business_date, source, available_at),
    constraint daily_quantity_is_not_negative check (quantity >= 0 and quantity <> 'NaN'),
    constraint daily_revenue_is_not_negative check (revenue >= 0)
) partition by range (business_date);
create table sales_daily_default partition of sales_daily default;

create table stock_counts (
    id uuid primary key default gen_random_uuid(),
    store_id uuid not null,
    product_id uuid,
    ingredient_id uuid,
    counted_at timestamptz not null,
    business_date date not null,
    moment text not null,
    quantity numeric(14,3) not null,
    note text,
    recorded_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    constraint stock_count_belongs_to_store foreign key (store_id) references stores on delete cascade,
    constraint stock_count_product_is_of_same_store foreign key (store_id, product_id) references products (store_id, id) on delete cascade,
    constraint stock_count_ingredient_is_of_same_store foreign key (store_id, ingredient_id) references ingredient_catalog (store_id, id) on delete cascade,
    constraint stock_count_is_of_exactly_one_thing check (num_nonnulls(product_id, ingredient_id) = 1),
    constraint stock_count_moment_is_known check (moment in ('open', 'during', 'close')),
    constraint stock_count_is_not_negative check (quantity >= 0 and quantity <> 'NaN')
);
create index stock_counts_by_business_date on stock_counts (store_id, business_date);

create table stockout_events (
    id uuid primary key default gen_random_uuid(),
    store_id uuid not null,
    product_id uuid not null,
    business_date date not null,
    sold_out_at timestamptz not null,
    restocked_at timestamptz,
    source text not null default 'api',
    available_at timestamptz not null,
    recorded_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    constraint product_sells_out_once_at_a_time unique (product_id, sold_out_at),
    constraint stockout_belongs_to_store foreign key (store_id) references stores on delete cascade,
    constraint stockout_product_is_of_same_store foreign key (store_id, product_id) references products (store_id, id) on delete cascade,
    constraint restocked_after_sold_out check (restocked_at > sold_out_at)
);
create index stockout_events_by_business_date on stockout_events (store_id, business_date);

create table waste_log (
    id uuid primary key default gen_random_uuid(),
    store_id uuid not null,
    product_id uuid,
    ingredient_id uuid,
    business_date date not null,
    quantity numeric(14,3) not null,
    reason text not null,
    note text,
    recorded_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    constraint waste_belongs_to_store foreign key (store_id) references stores on delete cascade,
    constraint waste_product_is_of_same_store foreign key (store_id, product_id) references products (store_id, id) on delete cascade,
    constraint waste_ingredient_is_of_same_store foreign key (store_id, ingredient_id) references ingredient_catalog (store_id, id) on delete cascade,
    constraint waste_is_of_exactly_one_thing check (num_nonnulls(product_id, ingredient_id) = 1),
    constraint waste_is_positive check (quantity > 0 and quantity <> 'NaN'),
    constraint waste_reason_is_known check (reason in ('unsold', 'spoiled', 'kitchen', 'returned', 'other'))
);
create index waste_log_by_business_date on waste_log (store_id, business_date);

-- A promo plan, known ahead. A changed plan is a new version; `is_cancelled` takes one back.
create table promos (
    id uuid primary key default gen_random_uuid(),
    store_id uuid not null,
    product_id uuid, -- null: the whole store
    name text not null,
    starts_on date not null,
    ends_on date not null, -- the last day
    discount_share numeric(5,4),
    price bigint,
    is_cancelled boolean not null default false,
    source text not null default 'api',
    available_at timestamptz not null,
    recorded_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    constraint promo_version_is_taken unique nulls not distinct (store_id, product_id, name, starts_on, available_at),
    constraint promo_belongs_to_store foreign key (store_id) references stores on delete cascade,
    constraint promo_product_is_of_same_store foreign key (store_id, product_id) references products (store_id, id) on delete cascade,
    constraint promo_name_is_not_blank check (btrim(name) <> ''),
    constraint promo_ends_on_or_after_start check (ends_on >= starts_on),
    constraint discount_is_a_share check (discount_share between 0 and 1),
    constraint promo_price_is_not_negative check (price >= 0)
);
create index promos_by_span on promos (store_id, starts_on, ends_on);

-- Holidays and the like, of a national calendar (`calendar`) or of one store (`store_id`). A moving feast that is not
-- decreed yet has one row per branch, each with its likelihood. Amendments are new versions.
create table calendar_events (
    id uuid primary key default gen_random_uuid(),
    store_id uuid,
    calendar text,
    kind text not null,
    name text not null,
    starts_on date not null,
    ends_on date not null, -- the last day
    likelihood numeric(4,3) not null default 1,
    is_cancelled boolean not null default false,
    source text not null,
    available_at timestamptz not null,
    recorded_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    constraint calendar_event_version_is_taken
        unique nulls not distinct (store_id, calendar, kind, name, starts_on, available_at),
    constraint calendar_event_belongs_to_store foreign key (store_id) references stores on delete cascade,
    constraint event_is_of_a_store_or_a_calendar check (num_nonnulls(store_id, calendar) = 1),
    constraint calendar_event_kind_is_known check (
        kind in ('holiday', 'cuti_bersama', 'ramadan', 'lebaran', 'payday', 'school', 'closed', 'event')),
    constraint calendar_event_name_is_not_blank check (btrim(name) <> ''),
    constraint calendar_event_ends_on_or_after_start check (ends_on >= starts_on),
    constraint likelihood_is_a_share check (likelihood > 0 and likelihood <= 1)
);
create index calendar_events_by_span on calendar_events (starts_on, ends_on);

create trigger touch_updated_at before update on orders for each row execute function app.touch_updated_at();

call app.protect_tenant('orders');
call app.protect_tenant('order_items');
call app.protect_tenant('sales_daily');
call app.protect_tenant('stock_counts');
call app.protect_tenant('stockout_events');
call app.protect_tenant('waste_log');
call app.protect_tenant('promos');
call app.protect_tenant('calendar_events');
create policy national_calendars on calendar_events for select to viralcast_serve using (store_id is null);

grant select, insert, update, delete on orders, order_items, stock_counts, stockout_events, waste_log to viralcast_serve;
grant select, insert on promos, calendar_events to viralcast_serve;
grant select on sales_daily to viralcast_serve;
