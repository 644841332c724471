-- Money that came in, each time once: a payment may be paid twice, late, or by another amount, and nothing of it is lost.

create table payment_receipts (
    id uuid primary key default gen_random_uuid(),
    store_id uuid not null,
    payment_id uuid not null,
    provider text not null default 'xendit',
    external_payment_id text not null, -- the provider's id of the money
    request_id text not null, -- the provider's id of the request that was paid
    amount bigint not null, -- rupiah
    issuer text, -- whose customer paid
    received_at timestamptz not null,
    attention text, -- why a person must look: it is not what the order is paid with
    created_at timestamptz not null default now(),
    constraint money_comes_once unique (provider, external_payment_id),
    constraint receipt_is_named_with_its_payment unique (payment_id, id),
    constraint receipt_belongs_to_payment foreign key (store_id, payment_id) references payments (store_id, id),
    constraint receipt_amount_is_positive check (amount > 0),
    constraint receipt_attention_is_known check (attention in ('wrong_amount', 'second_payment', 'order_taken_back'))
);
create index payment_receipts_by_payment on payment_receipts (payment_id);
create index payment_receipts_by_attention on payment_receipts (store_id, received_at) where attention is not null;

-- What goes back is part of what came.
alter table refunds
    add column receipt_id uuid,
    add constraint refund_is_of_receipt foreign key (payment_id, receipt_id) references payment_receipts (payment_id, id);
create index refunds_open on refunds (created_at) where status = 'pending';

call app.protect_tenant('payment_receipts');
grant select on payment_receipts to viralcast_serve;
