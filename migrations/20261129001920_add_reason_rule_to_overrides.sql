-- Whoever knows better says why: numbers are scored by reason, too.
alter table overrides
    add constraint override_reason_is_said check (btrim(reason) <> '' and char_length(reason) <= 200) not valid;
-- Past days are scored, by person.
create index overrides_by_person on overrides (store_id, user_id, target_date) where revoked_at is null;
