-- Signing in, being told, and being held to account.

-- One row per refresh token. A family is one device; a token that is used twice revokes the family.
create table auth_sessions (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null,
    family_id uuid not null,
    refresh_hash bytea not null,
    successor_id uuid,
    user_agent text,
    ip_address inet,
    used_at timestamptz,
    revoked_at timestamptz,
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    constraint refresh_token_is_taken unique (refresh_hash),
    constraint session_belongs_to_user foreign key (user_id) references users on delete cascade,
    constraint successor_is_a_session foreign key (successor_id) references auth_sessions on delete set null,
    constraint session_ends_after_it_began check (expires_at > created_at)
);
create index auth_sessions_by_user on auth_sessions (user_id, family_id);
create index auth_sessions_by_expiry on auth_sessions (expires_at);

create table one_time_tokens (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null,
    purpose text not null,
    token_hash bytea not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    created_at timestamptz not null default now(),
    constraint one_time_token_is_taken unique (token_hash),
    constraint one_time_token_belongs_to_user foreign key (user_id) references users on delete cascade,
    constraint one_time_purpose_is_known check (purpose in ('verify_email', 'reset_password', 'join_store'))
);
create index one_time_tokens_by_user on one_time_tokens (user_id, purpose);

create table audit_log (
    id uuid primary key default gen_random_uuid(),
    user_id uuid, -- who did it; no foreign key: the log outlives the account
    store_id uuid,
    action text not null,
    subject text not null,
    details jsonb not null default '{}',
    ip_address inet,
    created_at timestamptz not null default now(),
    constraint audit_action_is_not_blank check (btrim(action) <> '')
);
create index audit_log_by_store on audit_log (store_id, created_at desc);
create index audit_log_by_user on audit_log (user_id, created_at desc);

create table notifications (
    id uuid primary key default gen_random_uuid(),
    store_id uuid,
    user_id uuid not null,
    kind text not null,
    title text not null,
    body text not null,
    data jsonb not null default '{}',
    unique_key text, -- the same news is told once
    read_at timestamptz,
    created_at timestamptz not null default now(),
    constraint notification_is_told_once unique (user_id, unique_key),
    constraint notification_belongs_to_user foreign key (user_id) references users on delete cascade,
    constraint notification_belongs_to_store foreign key (store_id) references stores on delete cascade
);
create index notifications_by_user on notifications (user_id, created_at desc);

call app.protect_personal('auth_sessions');
call app.protect_personal('one_time_tokens');
call app.protect_personal('notifications');
call app.protect_tenant('audit_log');
-- Everyone may be recorded; nobody may rewrite the record.
create policy anyone_is_recorded on audit_log for insert to viralcast_serve
    with check (user_id is not distinct from (select app.user_id()));

grant select, insert, update, delete on auth_sessions, one_time_tokens to viralcast_serve;
grant select, insert on audit_log to viralcast_serve;
grant select, update on notifications to viralcast_serve;
