-- News page by page, and how much of it is unread.
drop index notifications_by_user;
create index notifications_by_user on notifications (user_id, created_at desc, id desc);
create index notifications_unread on notifications (user_id) where read_at is null;
grant delete on notifications to viralcast_serve;

-- The record page by page.
drop index audit_log_by_store, audit_log_by_user;
create index audit_log_by_store on audit_log (store_id, created_at desc, id desc);
create index audit_log_by_user on audit_log (user_id, created_at desc, id desc);
create index audit_log_by_time on audit_log (created_at desc, id desc);
