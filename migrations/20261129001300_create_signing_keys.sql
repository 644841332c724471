-- Keys that access tokens are signed with, sealed with the secret of the installation: a copy of the database signs nothing.
create table signing_keys (
    kid text primary key,
    sealed_key bytea not null, -- PKCS#8 of an RSA key, AES-256-GCM
    signs_from timestamptz not null, -- known to every server before the first token that it signs
    retired_at timestamptz, -- from then on what it signed is refused
    created_at timestamptz not null default now(),
    constraint kid_is_not_blank check (btrim(kid) <> '')
);
grant select on signing_keys to viralcast_serve;
