-- Where a store's till keeps its orders, and how we may ask for them. The serving role never sees a token.
create table pos_connections (
    store_id uuid not null,
    base_url text not null,
    outlet_id text not null,
    token text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint one_till_per_store primary key (store_id),
    constraint till_belongs_to_store foreign key (store_id) references stores on delete cascade,
    constraint till_has_an_http_address check (base_url ~ '^https?://[^\s]+$'),
    constraint till_outlet_is_not_blank check (btrim(outlet_id) <> ''),
    constraint till_token_is_not_blank check (btrim(token) <> '')
);
create trigger touch_updated_at before update on pos_connections for each row execute function app.touch_updated_at();
call app.protect_tenant('pos_connections');
