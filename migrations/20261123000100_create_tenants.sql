-- People, stores, and who may act for which store.

create table users (
    id uuid primary key default gen_random_uuid(),
    email text not null,
    password_hash text, -- null: invited, no password chosen yet
    name text,
    role text not null default 'user',
    locale text not null default 'id',
    email_verified_at timestamptz,
    tokens_valid_from timestamptz not null default '-infinity', -- access tokens issued earlier are revoked
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint email_has_one_at_sign check (email ~ '^[^@\s]+@[^@\s]+$'),
    constraint platform_role_is_known check (role in ('user', 'operator')),
    constraint locale_is_known check (locale in ('id', 'en'))
);
create unique index one_account_per_email on users (lower(email));

create table profiles (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null,
    phone text,
    address text,
    avatar_url text,
    bio text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint one_profile_per_user unique (user_id),
    constraint profile_belongs_to_user foreign key (user_id) references users on delete cascade
);

create table stores (
    id uuid primary key default gen_random_uuid(),
    slug text not null,
    user_id uuid not null, -- the owner
    name text not null,
    description text,
    address text,
    phone text,
    time_zone text not null, -- IANA name, checked by the application
    business_day_cutoff time not null default '00:00', -- sales before it belong to the day before
    adm4 text, -- Kemendagri village code, the key of the weather
    calendar text not null default 'id', -- which national holidays apply
    sales_source text not null default 'imports',
    is_synthetic boolean not null default false,
    is_active boolean not null default true,
    opened_on date,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint store_slug_is_taken unique (slug),
    constraint store_has_an_owner foreign key (user_id) references users on delete cascade,
    constraint slug_is_lower_kebab check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    constraint store_name_is_not_blank check (btrim(name) <> ''),
    constraint time_zone_is_not_blank check (btrim(time_zone) <> ''),
    constraint adm4_has_four_parts check (adm4 ~ '^\d{2}\.\d{2}\.\d{2}\.\d{4}$'),
    constraint sales_source_is_known check (sales_source in ('orders', 'imports'))
);
create index stores_by_owner on stores (user_id);

create table store_members (
    id uuid primary key default gen_random_uuid(),
    store_id uuid not null,
    user_id uuid not null,
    role text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint one_membership_per_user_and_store unique (user_id, store_id),
    constraint membership_belongs_to_store foreign key (store_id) references stores on delete cascade,
    constraint membership_belongs_to_user foreign key (user_id) references users on delete cascade,
    constraint store_role_is_known check (role in ('admin', 'manager', 'user'))
);
create index store_members_by_store on store_members (store_id);

-- Membership, read past row-level security: it is what row-level security asks.
create function app.member_store_ids() returns uuid[]
    language sql stable security definer
    set search_path = pg_catalog, public, pg_temp
    as $$ select coalesce(array_agg(store_id), '{}') from public.store_members where user_id = app.user_id() $$;

create function app.is_member(wanted uuid) returns boolean
    language sql stable security definer
    set search_path = pg_catalog, public, pg_temp
    as $$ select exists (select from public.store_members where user_id = app.user_id() and store_id = wanted) $$;

create function app.colleague_ids() returns uuid[]
    language sql stable security definer
    set search_path = pg_catalog, public, pg_temp
    as $$
        select coalesce(array_agg(distinct other.user_id), '{}')
        from public.store_members mine
        join public.store_members other using (store_id)
        where mine.user_id = app.user_id()
    $$;

-- The owner is always an admin of the store: without it they could not see what they have just created.
create function app.add_owner_as_admin() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, public, pg_temp
    as $$
begin
    insert into public.store_members (store_id, user_id, role)
    values (new.id, new.user_id, 'admin')
    on conflict on constraint one_membership_per_user_and_store do update set role = 'admin';
    return null;
end
$$;
create trigger owner_is_admin after insert or update of user_id on stores
    for each row execute function app.add_owner_as_admin();

create trigger touch_updated_at before update on users for each row execute function app.touch_updated_at();
create trigger touch_updated_at before update on profiles for each row execute function app.touch_updated_at();
create trigger touch_updated_at before update on stores for each row execute function app.touch_updated_at();
create trigger touch_updated_at before update on store_members for each row execute function app.touch_updated_at();

-- Row-level security
call app.protect_personal('profiles');
call app.protect_tenant('store_members');
-- The owner's functions above read and write this table, and FORCE binds the owner too.
create policy membership_functions on store_members to current_user using (true) with check (true);

alter table stores enable row level security;
alter table stores force row level security;
create policy members_only on stores to viralcast_serve
    using ((select app.is_operator()) or user_id = (select app.user_id())
           or id = any ((select app.member_store_ids())::uuid[]))
    with check ((select app.is_operator()) or user_id = (select app.user_id())
                or id = any ((select app.member_store_ids())::uuid[]));

alter table users enable row level security;
alter table users force row level security;
create policy self_and_colleagues on users for select to viralcast_serve
    using ((select app.is_operator()) or id = (select app.user_id())
           or id = any ((select app.colleague_ids())::uuid[]));
create policy self_only on users for update to viralcast_serve
    using ((select app.is_operator()) or id = (select app.user_id()))
    with check ((select app.is_operator()) or (id = (select app.user_id()) and role = 'user'));

-- Password hashes are not for the serving role at large: sign-in gets a function of its own when accounts arrive.
grant select (id, email, name, role, locale, email_verified_at, tokens_valid_from, created_at, updated_at) on users to viralcast_serve;
grant update (name, locale) on users to viralcast_serve;
grant select, insert, update, delete on profiles, stores, store_members to viralcast_serve;
