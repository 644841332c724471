-- Nobody can change a role through the serving role, since the column is not granted. So the rule need not say it, and operators can
-- choose a new password too: they sign in as the person that they are.
drop policy self_only on users;
create policy self_only on users for update to viralcast_serve
    using ((select app.is_operator()) or id = (select app.user_id()))
    with check ((select app.is_operator()) or id = (select app.user_id()));
