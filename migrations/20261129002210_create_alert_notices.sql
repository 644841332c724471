-- When operators were last mailed about something that is wrong: of many programs that notice it one writes.

create table alert_notices (
    name text not null,
    told_at timestamptz not null,
    created_at timestamptz not null default now(),
    constraint one_notice_per_alert primary key (name)
);
