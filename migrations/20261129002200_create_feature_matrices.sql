-- What models saw of a store on the eve of a business day. The bytes are Parquet, in the object store under their hash.

create table feature_matrices (
    store_id uuid not null,
    business_date date not null,
    cutoff timestamptz not null, -- no fact that became known later is in it
    input_hash bytea not null, -- of the facts and settings it was made of
    code_version text not null,
    object_key text not null,
    content_hash bytea not null,
    content_length bigint not null,
    row_count integer not null, -- one for each product and day ahead
    column_count integer not null,
    made_in_ms integer not null,
    recorded_at timestamptz not null,
    created_at timestamptz not null default now(),
    constraint one_matrix_per_day primary key (store_id, business_date),
    constraint matrix_belongs_to_store foreign key (store_id) references stores on delete cascade,
    constraint matrix_hashes_have_32_bytes check (octet_length(content_hash) = 32 and octet_length(input_hash) = 32),
    constraint matrix_is_not_empty check (least(row_count, column_count) > 0 and content_length > 0),
    constraint matrix_time_is_not_negative check (made_in_ms >= 0)
);
call app.protect_tenant('feature_matrices');
create index feature_matrices_by_object on feature_matrices (object_key);
