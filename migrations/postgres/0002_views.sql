-- The views: what analysts query, and what changes only with a major version. The SQLite file
-- of the same name gives the same answers.
-- Columns that product.md promises come first; later ones are appended, never inserted.

-- Senders are told apart by the prefix of the id alone, so that no join is paid for;
-- senders.kind holds the same word.
create view v_messages as
select
    m.id,
    c.id as conversation_id,
    m.organization_id,
    m.business_unit_id,
    m.sender_id,
    case
        when substr(m.sender_id, 1, 4) = 'con_' then 'contact'
        when substr(m.sender_id, 1, 2) = 'u_' then 'user'
        else 'unknown'
    end as sender_kind,
    case
        when substr(m.sender_id, 1, 4) = 'con_' then 'inbound'
        when substr(m.sender_id, 1, 2) = 'u_' then 'outbound'
        else 'unknown'
    end as direction,
    m.type,
    m.media_kind,
    m.title,
    m.text,
    m.is_mail,
    m.created_at,
    m.updated_at,
    m.version,
    m.first_seen_run,
    m.deleted_at,
    m.missing_since,
    m.stream_id,
    m.stream_sequence
from messages m
join conversations c on c.key = m.conversation_key;

-- Subqueries rather than a join with a group, so that one conversation costs one index range
-- and a column that is not asked for costs nothing.
create view v_conversations as
select
    c.id,
    c.organization_id,
    c.business_unit_id,
    c.state,
    c.reason,
    (select count(*) from messages m
        where m.conversation_key = c.key and m.deleted_at is null) as message_count,
    (select min(m.created_at) from messages m
        where m.conversation_key = c.key and m.deleted_at is null) as first_message_at,
    (select max(m.created_at) from messages m
        where m.conversation_key = c.key and m.deleted_at is null) as last_message_at,
    p.checked_at,
    p.proven_at,
    p.horizon,
    c.state_since,
    c.tail_proof,
    c.first_listed_run,
    c.last_run
from conversations c
left join conversation_proofs p on p.conversation_key = c.key;

create view v_message_history as
select
    m.id as message_id,
    c.id as conversation_id,
    v.version,
    v.event,
    v.observed_at,
    v.recorded_at,
    v.run_id,
    v.raw,
    encode(v.sha256, 'hex') as sha256
from message_versions v
join messages m on m.key = v.message_key
join conversations c on c.key = m.conversation_key;

-- What hangs on a message. The same message id may be in two conversations, so each of these
-- views names the conversation too.
create view v_quick_reply_options as
select
    m.id as message_id,
    t.position,
    t.option_id,
    t.content_type,
    t.title,
    t.payload,
    t.description,
    c.id as conversation_id,
    t.answered
from quick_reply_options t
join messages m on m.key = t.message_key
join conversations c on c.key = m.conversation_key;

create view v_quick_replies as
select
    m.id as message_id,
    t.title,
    t.payload,
    t.description,
    c.id as conversation_id
from quick_replies t
join messages m on m.key = t.message_key
join conversations c on c.key = m.conversation_key;

create view v_attachments as
select
    m.id as message_id,
    t.url,
    t.host,
    t.declared_type,
    t.media_kind,
    t.caption,
    c.id as conversation_id
from attachments t
join messages m on m.key = t.message_key
join conversations c on c.key = m.conversation_key;

create view v_locations as
select
    m.id as message_id,
    t.latitude,
    t.longitude,
    t.name,
    t.address,
    c.id as conversation_id
from locations t
join messages m on m.key = t.message_key
join conversations c on c.key = m.conversation_key;

create view v_shared_contacts as
select
    m.id as message_id,
    t.position,
    t.name,
    t.phone_number,
    t.email,
    c.id as conversation_id
from shared_contacts t
join messages m on m.key = t.message_key
join conversations c on c.key = m.conversation_key;

create view v_template_variables as
select
    m.id as message_id,
    t.position,
    t.value,
    c.id as conversation_id
from template_variables t
join messages m on m.key = t.message_key
join conversations c on c.key = m.conversation_key;

create view v_anomalies as
select
    c.id as conversation_id,
    m.id as message_id,
    t.version,
    t.kind,
    t.path,
    t.detail,
    t.position
from anomalies t
join messages m on m.key = t.message_key
join conversations c on c.key = m.conversation_key;

create view v_senders as
select id, kind, first_seen_run from senders;

create view v_conversation_links as
select
    phone_number,
    conversation_id,
    link,
    created_at,
    first_seen_run,
    last_seen_run
from conversation_links;

create view v_runs as
select
    id,
    command,
    program_version,
    holder,
    started_at,
    finished_at,
    outcome,
    exit_code,
    conversations_listed,
    conversations_complete,
    conversations_partial,
    conversations_gone,
    conversations_forbidden,
    conversations_failed,
    conversations_waived,
    conversations_empty,
    conversations_not_reached,
    messages_new,
    messages_changed,
    messages_deleted,
    messages_unchanged,
    messages_unrecognised,
    requests_total,
    requests_retried,
    requests_throttled
from runs;

create view v_run_conversations as
select
    r.run_id,
    c.id as conversation_id,
    r.state,
    r.reason,
    r.messages_new,
    r.messages_changed,
    r.messages_deleted,
    r.requests,
    r.finished_at
from run_conversations r
join conversations c on c.key = r.conversation_key;

-- A failure of a whole run, rather than of one conversation, has no conversation.
create view v_failures as
select
    c.id as conversation_id,
    f.run_id,
    f.class,
    f.reason,
    f.occurred_at,
    f.resolved_run,
    f.waived_at,
    f.waived_reason,
    f.key,
    (f.resolved_run is null and f.waived_at is null) as is_open
from failures f
left join conversations c on c.key = f.conversation_key;

-- What each table, view and column means, for whoever opens an archive without this repository.
-- The next migration fills it; it is generated from src/store/dictionary.rs.
create table data_dictionary (
    object          text not null,
    position        integer not null,
    column_name     text,
    meaning         text not null,
    primary key (object, position)
);

-- Position 0 is the object itself and has no column.
create view v_data_dictionary as
select
    object,
    column_name,
    meaning,
    position
from data_dictionary;
