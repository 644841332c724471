-- A day that is given back goes to whoever spoke for it last, however many backfills and nights overlap; and late facts are
-- remembered until every reader that could have missed them has ended.

alter table backfills add column published_at timestamptz;
update backfills set published_at = updated_at where state = 'published';
alter table published_days drop column previous_run_id;

-- Facts came late for the days from `first_day` on. A night that read its facts in a snapshot that does not show `txid` has not
-- seen them.
create table late_marks (
    asset text not null,
    scope text not null,
    first_day date not null,
    txid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    constraint one_mark_per_transaction primary key (asset, scope, txid)
);
create index late_marks_to_prune on late_marks (created_at);
