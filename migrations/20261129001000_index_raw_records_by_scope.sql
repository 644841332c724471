-- What has landed of one scope in some days: without them every look reads every record of the source.
create index raw_records_by_scope on raw_records (source, scope, fetched_at);
create index raw_records_by_window on raw_records (source, scope, window_start) where window_start is not null;
