-- What is sealed says how: in front of it stands the number of the way. A server of before opens none of it: end those first.
update signing_keys set sealed_key = '\x01'::bytea || sealed_key;

-- Keys of second factors were derived from ids, so that with another secret of the installation every app would have stopped. They are
-- random and sealed now. Those of before were in no release; whoever has one begins anew.
alter table second_factors no force row level security;
delete from second_factors;
alter table second_factors force row level security;
alter table second_factors add column sealed_key bytea not null;
comment on column second_factors.id is 'Changes with the key: a code confirms the key that it was shown for.';
