-- When news went out by mail: once, however often it is told in other words.
alter table notifications add column mailed_at timestamptz;
-- Operators see dead letters and why; arguments may hold what is nobody's business.
grant select (attempt, max_attempts, errors, trace_id, worker, attempted_at) on jobs to viralcast_serve;
