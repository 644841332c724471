-- Sales files that were left for us, and what became of each.
create table sales_files (
    place text not null, -- folder or bucket and prefix
    path text not null, -- within it
    version text not null, -- changes when the file does
    state text not null,
    store_id uuid,
    reason text, -- why it was refused
    raw_record_id uuid, -- as which it was taken
    good_rows bigint,
    bad_rows bigint,
    seen_at timestamptz not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint sales_file_is_one primary key (place, path),
    constraint sales_file_belongs_to_store foreign key (store_id) references stores on delete cascade,
    constraint sales_file_state_is_known check (state in ('seen', 'taken', 'refused')),
    constraint sales_file_reason_iff_refused check ((reason is not null) = (state = 'refused')),
    constraint sales_file_rows_iff_taken check ((num_nonnulls(good_rows, bad_rows) = 2) = (state = 'taken'))
);
create trigger touch_updated_at before update on sales_files for each row execute function app.touch_updated_at();
call app.protect_tenant('sales_files');
