-- The tables of an archive. The Postgres file of the same name holds the same tables.
-- Times are ISO-8601 UTC text with milliseconds; booleans are 0 and 1; raw JSON is text.

create table archive (
    only_row        integer primary key check (only_row = 1),
    gateway_url     text,
    epoch           integer not null default 0,
    batch_seq       integer not null default 0,
    created_at      text not null
) strict;

create table runs (
    id                      integer primary key,
    command                 text not null,
    program_version         text not null,
    holder                  text not null,
    started_at              text not null,
    finished_at             text,
    outcome                 text,
    exit_code               integer,
    conversations_listed    integer not null default 0,
    conversations_complete  integer not null default 0,
    conversations_partial   integer not null default 0,
    conversations_gone      integer not null default 0,
    conversations_forbidden integer not null default 0,
    conversations_failed    integer not null default 0,
    conversations_waived    integer not null default 0,
    conversations_empty     integer not null default 0,
    conversations_not_reached integer not null default 0,
    messages_new            integer not null default 0,
    messages_changed        integer not null default 0,
    messages_deleted        integer not null default 0,
    messages_unchanged      integer not null default 0,
    messages_unrecognised   integer not null default 0,
    requests_total          integer not null default 0,
    requests_retried        integer not null default 0,
    requests_throttled      integer not null default 0
) strict;

create table conversations (
    key             integer primary key,
    id              text not null unique,
    organization_id text,
    business_unit_id text,
    state           text not null default 'pending',
    reason          text,
    state_since     text,
    first_listed_run integer not null references runs (id),
    last_run        integer references runs (id),
    live_count      integer not null default 0,
    unlisted        integer,
    tail_proof      text,
    full_since      text
) strict;

-- What the ledger proves, narrow and apart: it is rewritten at every run.
create table conversation_proofs (
    conversation_key integer primary key references conversations (key),
    checked_at      text,
    proven_at       text,
    horizon         text
) strict;

-- The interval ledger: open intervals (after_time, before_time) of created_at that are covered.
-- A null end is infinite. Layer 0 is the cover in force, layer 1 the one that --full builds.
create table coverage_pieces (
    conversation_key integer not null references conversations (key),
    layer           integer not null,
    position        integer not null,
    after_time      text,
    before_time     text,
    sent_at         text not null,
    settled         integer not null,
    primary key (conversation_key, layer, position)
) strict, without rowid;

create table messages (
    key             integer primary key,
    conversation_key integer not null references conversations (key),
    id              text not null,
    organization_id text,
    business_unit_id text,
    sender_id       text,
    type            text,
    media_kind      text,
    title           text,
    text            text,
    is_mail         integer,
    stream_id       text,
    stream_sequence integer,
    created_at      text,
    updated_at      text,
    version         integer not null,
    digest          blob not null,
    observed_at     text not null,
    first_seen_run  integer not null references runs (id),
    missing_since   text,
    missing_run     integer references runs (id),
    deleted_at      text,
    unique (conversation_key, id)
) strict;
create index messages_by_time on messages (conversation_key, created_at);
create index messages_missing on messages (conversation_key)
    where missing_since is not null and deleted_at is null;

create table message_versions (
    message_key     integer not null references messages (key),
    version         integer not null,
    event           text not null,
    observed_at     text not null,
    recorded_at     text not null,
    run_id          integer not null references runs (id),
    raw             text,
    sha256          blob,
    primary key (message_key, version)
) strict;

create table quick_replies (
    message_key     integer primary key references messages (key),
    title           text,
    payload         text,
    description     text
) strict;

create table quick_reply_options (
    message_key     integer not null references messages (key),
    position        integer not null,
    option_id       text,
    content_type    text,
    title           text,
    payload         text,
    description     text,
    answered        integer,
    primary key (message_key, position)
) strict, without rowid;

create table attachments (
    message_key     integer primary key references messages (key),
    url             text not null,
    host            text,
    declared_type   text,
    media_kind      text not null,
    caption         text
) strict;

create table locations (
    message_key     integer primary key references messages (key),
    latitude        real,
    longitude       real,
    name            text,
    address         text
) strict;

create table shared_contacts (
    message_key     integer not null references messages (key),
    position        integer not null,
    name            text,
    phone_number    text,
    email           text,
    primary key (message_key, position)
) strict, without rowid;

create table template_variables (
    message_key     integer not null references messages (key),
    position        integer not null,
    value           text,
    primary key (message_key, position)
) strict, without rowid;

create table senders (
    id              text primary key,
    kind            text not null,
    first_seen_run  integer not null references runs (id)
) strict;

create table conversation_links (
    key             integer primary key,
    phone_number    text not null,
    conversation_id text,
    link            text,
    created_at      text,
    first_seen_run  integer not null references runs (id),
    last_seen_run   integer not null references runs (id)
) strict;
create unique index conversation_links_once
    on conversation_links (phone_number, coalesce(conversation_id, ''));

-- The evidence of absence: strike 1 is the first page that did not hold the message, strike 2 the
-- one that confirmed it in a later run. A null end of the page's interval is infinite.
create table absences (
    message_key     integer not null references messages (key),
    strike          integer not null,
    run_id          integer not null references runs (id),
    sent_at         text not null,
    after_time      text,
    before_time     text,
    primary key (message_key, strike)
) strict, without rowid;

-- What was odd about a message, one row an oddity of one version.
create table anomalies (
    message_key     integer not null references messages (key),
    version         integer not null,
    position        integer not null,
    kind            text not null,
    path            text not null,
    detail          text not null,
    primary key (message_key, version, position)
) strict, without rowid;

create table failures (
    key             integer primary key,
    run_id          integer not null references runs (id),
    conversation_key integer references conversations (key),
    class           text not null,
    reason          text not null,
    occurred_at     text not null,
    resolved_run    integer references runs (id),
    waived_at       text,
    waived_reason   text,
    unlisted        integer
) strict;
create index failures_open on failures (conversation_key) where resolved_run is null;

-- Only conversations that changed or are not complete; runs counts the rest.
create table run_conversations (
    run_id          integer not null references runs (id),
    conversation_key integer not null references conversations (key),
    state           text not null,
    reason          text,
    messages_new    integer not null,
    messages_changed integer not null,
    messages_deleted integer not null,
    requests        integer not null,
    finished_at     text not null,
    primary key (run_id, conversation_key)
) strict, without rowid;
