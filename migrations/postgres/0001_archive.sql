-- The tables of an archive. The SQLite file of the same name holds the same tables.
-- Raw JSON is text: it is kept exactly as received, which jsonb would not do.

create table archive (
    only_row        integer primary key check (only_row = 1),
    gateway_url     text,
    epoch           bigint not null default 0,
    batch_seq       bigint not null default 0,
    created_at      timestamptz not null
);

create table runs (
    id                      bigint primary key,
    command                 text not null,
    program_version         text not null,
    holder                  text not null,
    started_at              timestamptz not null,
    finished_at             timestamptz,
    outcome                 text,
    exit_code               integer,
    conversations_listed    bigint not null default 0,
    conversations_complete  bigint not null default 0,
    conversations_partial   bigint not null default 0,
    conversations_gone      bigint not null default 0,
    conversations_forbidden bigint not null default 0,
    conversations_failed    bigint not null default 0,
    conversations_waived    bigint not null default 0,
    conversations_empty     bigint not null default 0,
    conversations_not_reached bigint not null default 0,
    messages_new            bigint not null default 0,
    messages_changed        bigint not null default 0,
    messages_deleted        bigint not null default 0,
    messages_unchanged      bigint not null default 0,
    messages_unrecognised   bigint not null default 0,
    requests_total          bigint not null default 0,
    requests_retried        bigint not null default 0,
    requests_throttled      bigint not null default 0
);

create table conversations (
    key             bigint primary key,
    id              text not null unique,
    organization_id text,
    business_unit_id text,
    state           text not null default 'pending',
    reason          text,
    state_since     timestamptz,
    first_listed_run bigint not null references runs (id),
    last_run        bigint references runs (id),
    live_count      bigint not null default 0,
    unlisted        bigint,
    tail_proof      text,
    full_since      timestamptz
);

-- What the ledger proves, narrow and apart: it is rewritten at every run.
create table conversation_proofs (
    conversation_key bigint primary key references conversations (key),
    checked_at      timestamptz,
    proven_at       timestamptz,
    horizon         timestamptz
);

-- The interval ledger: open intervals (after_time, before_time) of created_at that are covered.
-- A null end is infinite. Layer 0 is the cover in force, layer 1 the one that --full builds.
create table coverage_pieces (
    conversation_key bigint not null references conversations (key),
    layer           integer not null,
    position        integer not null,
    after_time      timestamptz,
    before_time     timestamptz,
    sent_at         timestamptz not null,
    settled         boolean not null,
    primary key (conversation_key, layer, position)
);

create table messages (
    key             bigint primary key,
    conversation_key bigint not null references conversations (key),
    id              text not null,
    organization_id text,
    business_unit_id text,
    sender_id       text,
    type            text,
    media_kind      text,
    title           text,
    text            text,
    is_mail         boolean,
    stream_id       text,
    stream_sequence bigint,
    created_at      timestamptz,
    updated_at      timestamptz,
    version         integer not null,
    digest          bytea not null,
    observed_at     timestamptz not null,
    first_seen_run  bigint not null references runs (id),
    missing_since   timestamptz,
    missing_run     bigint references runs (id),
    deleted_at      timestamptz,
    unique (conversation_key, id)
);
create index messages_by_time on messages (conversation_key, created_at);
create index messages_missing on messages (conversation_key)
    where missing_since is not null and deleted_at is null;

create table message_versions (
    message_key     bigint not null references messages (key),
    version         integer not null,
    event           text not null,
    observed_at     timestamptz not null,
    recorded_at     timestamptz not null,
    run_id          bigint not null references runs (id),
    raw             text,
    sha256          bytea,
    primary key (message_key, version)
);

create table quick_replies (
    message_key     bigint primary key references messages (key),
    title           text,
    payload         text,
    description     text
);

create table quick_reply_options (
    message_key     bigint not null references messages (key),
    position        integer not null,
    option_id       text,
    content_type    text,
    title           text,
    payload         text,
    description     text,
    answered        boolean,
    primary key (message_key, position)
);

create table attachments (
    message_key     bigint primary key references messages (key),
    url             text not null,
    host            text,
    declared_type   text,
    media_kind      text not null,
    caption         text
);

create table locations (
    message_key     bigint primary key references messages (key),
    latitude        double precision,
    longitude       double precision,
    name            text,
    address         text
);

create table shared_contacts (
    message_key     bigint not null references messages (key),
    position        integer not null,
    name            text,
    phone_number    text,
    email           text,
    primary key (message_key, position)
);

create table template_variables (
    message_key     bigint not null references messages (key),
    position        integer not null,
    value           text,
    primary key (message_key, position)
);

create table senders (
    id              text primary key,
    kind            text not null,
    first_seen_run  bigint not null references runs (id)
);

create table conversation_links (
    key             bigint primary key,
    phone_number    text not null,
    conversation_id text,
    link            text,
    created_at      timestamptz,
    first_seen_run  bigint not null references runs (id),
    last_seen_run   bigint not null references runs (id)
);
create unique index conversation_links_once
    on conversation_links (phone_number, coalesce(conversation_id, ''));

-- The evidence of absence: strike 1 is the first page that did not hold the message, strike 2 the
-- one that confirmed it in a later run. A null end of the page's interval is infinite.
create table absences (
    message_key     bigint not null references messages (key),
    strike          integer not null,
    run_id          bigint not null references runs (id),
    sent_at         timestamptz not null,
    after_time      timestamptz,
    before_time     timestamptz,
    primary key (message_key, strike)
);

-- What was odd about a message, one row an oddity of one version.
create table anomalies (
    message_key     bigint not null references messages (key),
    version         integer not null,
    position        integer not null,
    kind            text not null,
    path            text not null,
    detail          text not null,
    primary key (message_key, version, position)
);

create table failures (
    key             bigint primary key,
    run_id          bigint not null references runs (id),
    conversation_key bigint references conversations (key),
    class           text not null,
    reason          text not null,
    occurred_at     timestamptz not null,
    resolved_run    bigint references runs (id),
    waived_at       timestamptz,
    waived_reason   text,
    unlisted        bigint
);
create index failures_open on failures (conversation_key) where resolved_run is null;

-- Only conversations that changed or are not complete; runs counts the rest.
create table run_conversations (
    run_id          bigint not null references runs (id),
    conversation_key bigint not null references conversations (key),
    state           text not null,
    reason          text,
    messages_new    bigint not null,
    messages_changed bigint not null,
    messages_deleted bigint not null,
    requests        bigint not null,
    finished_at     timestamptz not null,
    primary key (run_id, conversation_key)
);
