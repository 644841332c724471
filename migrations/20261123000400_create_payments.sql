-- Money in and out. Every row that moves money has a key of our own that a retry meets again.

create table payments (
    id uuid primary key default gen_random_uuid(),
    store_id uuid not null,
    order_id uuid not null,
    provider text not null default 'xendit',
    payment_method text not null default 'qris',
    reference_id text not null, -- ours, sent to the provider
    external_reference text, -- the provider's id of the request
    amount bigint not null, -- rupiah
    currency text not null default 'IDR',
    status text not null default 'pending',
    qr_string text,
    failure_code text,
    expires_at timestamptz,
    payment_date timestamptz, -- when the money came
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint payment_reference_is_taken unique (provider, reference_id),
    constraint provider_payment_is_taken unique (provider, external_reference),
    constraint payment_is_named_with_its_store unique (store_id, id),
    constraint payment_belongs_to_order foreign key (store_id, order_id) references orders (store_id, id),
    constraint payment_amount_is_positive check (amount > 0),
    constraint payment_currency_is_rupiah check (currency = 'IDR'),
    constraint payment_status_is_known check (
        status in ('pending', 'awaiting', 'succeeded', 'failed', 'expired', 'cancelled', 'refunded')),
    constraint payment_date_with_money check ((payment_date is not null) = (status in ('succeeded', 'refunded')))
);
-- A double click meets this one.
create unique index one_open_payment_per_order on payments (order_id) where status in ('pending', 'awaiting');
create index payments_by_order on payments (order_id);
create index payments_open on payments (created_at) where status in ('pending', 'awaiting');

create table refunds (
    id uuid primary key default gen_random_uuid(),
    store_id uuid not null,
    payment_id uuid not null,
    reference_id text not null,
    external_reference text,
    amount bigint not null,
    reason text not null,
    status text not null default 'pending',
    failure_code text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint refund_reference_is_taken unique (reference_id),
    constraint provider_refund_is_taken unique (external_reference),
    constraint refund_belongs_to_payment foreign key (store_id, payment_id) references payments (store_id, id),
    constraint refund_amount_is_positive check (amount > 0),
    constraint refund_status_is_known check (status in ('pending', 'succeeded', 'failed', 'cancelled'))
);
create index refunds_by_payment on refunds (payment_id);

-- What providers tell us, stored before it is understood.
create table webhook_events (
    id uuid primary key default gen_random_uuid(),
    provider text not null,
    event_key text not null, -- what makes two deliveries the same event
    event_type text not null,
    headers jsonb not null,
    body bytea not null,
    state text not null default 'received',
    deliveries integer not null default 1,
    error text,
    received_at timestamptz not null default now(),
    processed_at timestamptz,
    created_at timestamptz not null default now(),
    constraint webhook_event_is_taken unique (provider, event_key),
    constraint webhook_state_is_known check (state in ('received', 'processed', 'ignored', 'failed')),
    constraint webhook_deliveries_are_positive check (deliveries > 0),
    constraint webhook_processed_at_iff_final check ((processed_at is not null) = (state in ('processed', 'ignored')))
);
create index webhook_events_waiting on webhook_events (received_at) where state in ('received', 'failed');

-- The answer to a request that may come again.
create table idempotency_keys (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null,
    key text not null,
    route text not null,
    request_hash bytea not null,
    response_status smallint,
    response_headers jsonb,
    response_body bytea,
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    constraint idempotency_key_is_taken unique (user_id, key),
    constraint idempotency_key_belongs_to_user foreign key (user_id) references users on delete cascade,
    constraint idempotency_key_is_short check (length(key) between 1 and 255),
    constraint response_is_whole_or_missing check (num_nonnulls(response_status, response_body) in (0, 2))
);
create index idempotency_keys_by_expiry on idempotency_keys (expires_at);

create trigger touch_updated_at before update on payments for each row execute function app.touch_updated_at();
create trigger touch_updated_at before update on refunds for each row execute function app.touch_updated_at();

call app.protect_tenant('payments');
call app.protect_tenant('refunds');
call app.protect_personal('idempotency_keys');

grant select, insert, update on payments, refunds to viralcast_serve;
grant select, insert, update, delete on idempotency_keys to viralcast_serve;
-- The inbox is written by the API and read by a worker: nobody who is signed in has any business there.
grant insert on webhook_events to viralcast_serve;
