-- Operators act through the API: they replay dead letters and move backfills on. The statements are those of the command line; the
-- database itself says that nobody else may run them as the serving role.

-- The serving role asks for jobs and sees their states, whoever asks, as before; it changes them for operators only. Not forced: the
-- owner acts for nobody, and workers go past policies as ever.
alter table jobs enable row level security;
create policy anyone_asks_for_work on jobs for insert to viralcast_serve with check (true);
create policy anyone_sees_states on jobs for select to viralcast_serve using (true);
create policy operators_change_jobs on jobs for update to viralcast_serve
    using ((select app.is_operator())) with check ((select app.is_operator()));
grant select (parent_id) on jobs to viralcast_serve;
grant update (state, attempt, run_at, finished_at, cancel_requested_at, children_left) on jobs to viralcast_serve;

-- Backfills are of no store, and for operators only, to read too.
alter table backfills enable row level security;
alter table backfills force row level security;
create policy operators_only on backfills to viralcast_serve
    using ((select app.is_operator())) with check ((select app.is_operator()));
grant update (state, published_at) on backfills to viralcast_serve;

-- Members read which run speaks for a day of theirs; only operators move it.
create policy operators_add_days on published_days as restrictive for insert to viralcast_serve
    with check ((select app.is_operator()));
create policy operators_change_days on published_days as restrictive for update to viralcast_serve
    using ((select app.is_operator())) with check ((select app.is_operator()));
create policy operators_remove_days on published_days as restrictive for delete to viralcast_serve
    using ((select app.is_operator()));
grant insert, update, delete on published_days to viralcast_serve;
