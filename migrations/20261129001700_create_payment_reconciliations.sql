-- What a night's look into the gateway's books found, a row for each store that had payments.

create table payment_reconciliations (
    id uuid primary key default gen_random_uuid(),
    store_id uuid not null,
    reconciled_at timestamptz not null,
    since timestamptz not null, -- payments made from then on, and all open ones
    checked integer not null,
    repaired integer not null, -- what a lost webhook would have told
    unchecked integer not null, -- the gateway did not answer
    received bigint not null, -- rupiah that came in since then
    refunded bigint not null,
    findings jsonb not null, -- [{"payment_id", "refund_id", "what", "ours", "gateway", "amount", "repaired"}]
    created_at timestamptz not null default now(),
    constraint one_reconciliation_per_moment unique (store_id, reconciled_at),
    constraint reconciliation_belongs_to_store foreign key (store_id) references stores on delete cascade,
    constraint reconciliation_counts_are_not_negative check (least(checked, repaired, unchecked) >= 0 and least(received, refunded) >= 0)
);
call app.protect_tenant('payment_reconciliations');
grant select on payment_reconciliations to viralcast_serve;
