-- A second factor: codes of an app, and codes on paper for when the phone is gone.

create table second_factors (
    user_id uuid not null,
    id uuid not null, -- the key of the app is derived from it with the installation's secret; nothing here opens anything
    created_at timestamptz not null,
    confirmed_at timestamptz, -- since then nobody signs in without it
    last_step bigint not null default 0, -- half-minute of the code used last: no code works twice
    constraint one_second_factor_a_person primary key (user_id),
    constraint second_factor_belongs_to_user foreign key (user_id) references users on delete cascade,
    constraint second_factor_ids_are_used_once unique (id)
);
call app.protect_personal('second_factors');

create table recovery_codes (
    user_id uuid not null,
    code_hash bytea not null,
    used_at timestamptz,
    created_at timestamptz not null,
    constraint recovery_codes_pkey primary key (user_id, code_hash),
    constraint recovery_codes_are_of_a_second_factor foreign key (user_id) references second_factors on delete cascade
);
call app.protect_personal('recovery_codes');

grant select, insert, update, delete on second_factors, recovery_codes to viralcast_serve;

-- Whether somebody may act as an operator can depend on it.
create trigger forget_person_with_factor after update on second_factors
    referencing new table as changed for each statement execute function app.forget_person();
create trigger forget_person_without_factor after delete on second_factors
    referencing old table as changed for each statement execute function app.forget_person();

alter table auth_sessions
    drop constraint revocation_reason_is_known,
    add constraint revocation_reason_is_known check (revoked_because in
        ('signed_out', 'signed_out_everywhere', 'reused', 'too_many', 'password_changed', 'second_factor_set', 'by_operator'));
