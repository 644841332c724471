-- A payment is an intent before the gateway is asked. Asking takes turns, and may have to be done again.

alter table payments
    add column api text not null default 'payment_requests', -- by which of the gateway's APIs it was asked for, and is looked up
    add column asks smallint not null default 0, -- how often the gateway was asked for a code
    add column ask_until timestamptz, -- by the database's clock: until then somebody else is asking, or it is too early
    add constraint payment_api_is_known check (api in ('payment_requests', 'qr_codes')),
    add constraint asks_are_not_negative check (asks >= 0),
    add constraint shown_payment_has_its_request check (status <> 'awaiting' or num_nonnulls(external_reference, qr_string) = 2);
create index payments_recent on payments (created_at);
