//! SQL for looking at an archive page by page: each statement reads on from a place, and reads no
//! more rows than its page has.
//!
//! Long texts are cut by the database, so that a page of them fits into memory.

use std::borrow::Cow;

use super::{Statement, statements};
use crate::store::value::Kind;

statements! {
    /// After the time $5 and the key $6; $4 is 2 once only those without a message are left.
    CONVERSATIONS_BY_NEWEST (6) [Int Time] "listing conversations by their newest message"
    "select key, newest
     from (select c.key, (select max(m.created_at) from messages m
                          where m.conversation_key = c.key) as newest
           from conversations c
           where ($1 = '' or c.state = $1) and ($2 = '' or replace(c.id, $2, '') <> c.id)) l
     where ($4 = 1 and (newest < $5 or (newest = $5 and key < $6) or newest is null))
        or ($4 = 2 and newest is null and key < $6)
     order by newest desc nulls last, key desc limit $3"

    /// After the time $5 and the key $6; $4 is 2 while those without a proof are listed, which are
    /// first.
    CONVERSATIONS_BY_PROOF (6) [Int Time] "listing conversations by the age of their proof"
    "select c.key, p.proven_at
     from conversations c left join conversation_proofs p on p.conversation_key = c.key
     where ($1 = '' or c.state = $1) and ($2 = '' or replace(c.id, $2, '') <> c.id)
       and (($4 = 1 and (p.proven_at > $5 or (p.proven_at = $5 and c.key > $6)))
            or ($4 = 2 and (p.proven_at is not null or c.key > $6)))
     order by p.proven_at nulls first, c.key limit $3"

    /// After the number $4 and the key $5.
    CONVERSATIONS_BY_LENGTH (5) [Int Int] "listing conversations by their length"
    "select key, live_count from conversations c
     where ($1 = '' or state = $1) and ($2 = '' or replace(id, $2, '') <> id)
       and (live_count < $4 or (live_count = $4 and key < $5))
     order by live_count desc, key desc limit $3"

    /// After the key $4.
    CONVERSATIONS_BY_AGE (4) [Int Int] "listing conversations as they were first listed"
    "select key, 0 from conversations c
     where key > $4 and ($1 = '' or state = $1) and ($2 = '' or replace(id, $2, '') <> id)
     order by key limit $3"

    LISTED_CONVERSATIONS (1) [Int Text Text Text Int Time Time Int]
    "reading the conversations of a page"
    "select c.key, c.id, c.state, c.reason, c.live_count, p.checked_at, p.proven_at,
            (select count(*) from failures f where f.conversation_key = c.key
                and f.resolved_run is null and f.waived_at is null)
     from conversations c left join conversation_proofs p on p.conversation_key = c.key
     where c.key {in_ints:1}"

    NEWEST_MESSAGES (1) [Int Text Text Text Text Text Time Bool]
    "reading the newest messages of conversations"
    "select c.key, m.sender_id, m.type, m.media_kind, substr(m.title, 1, 200),
            substr(m.text, 1, 200), m.created_at, m.deleted_at is not null
     from conversations c
     join messages m on m.key = (select n.key from messages n
                                 where n.conversation_key = c.key and n.created_at is not null
                                 order by n.created_at desc, n.key desc limit 1)
     where c.key {in_ints:1}"

    /// The contact who wrote last, of the last 50 messages.
    CONTACTS (1) [Int Text] "reading who conversations are with"
    "select c.key, (select l.sender_id
                    from (select n.sender_id, n.created_at, n.key from messages n
                          where n.conversation_key = c.key and n.created_at is not null
                          order by n.created_at desc, n.key desc limit 50) l
                    where substr(l.sender_id, 1, 4) = 'con_'
                    order by l.created_at desc, l.key desc limit 1)
     from conversations c where c.key {in_ints:1}"

    CONVERSATION_HEAD (1)
    [Int Text Text Text Text Text Time Int Int Int Time Time Time Time Time Int Int]
    "reading a conversation"
    "select c.key, c.id, c.organization_id, c.business_unit_id, c.state, c.reason, c.state_since,
            c.live_count,
            (select count(*) from messages m where m.conversation_key = c.key
                and m.missing_since is not null and m.deleted_at is null),
            (select count(*) from messages m where m.conversation_key = c.key
                and m.deleted_at is not null),
            (select min(m.created_at) from messages m where m.conversation_key = c.key),
            (select max(m.created_at) from messages m where m.conversation_key = c.key),
            p.checked_at, p.proven_at, p.horizon,
            (select count(*) from failures f where f.conversation_key = c.key
                and f.resolved_run is null and f.waived_at is null),
            (select count(*) from failures f where f.conversation_key = c.key
                and f.resolved_run is null and f.waived_at is not null)
     from conversations c left join conversation_proofs p on p.conversation_key = c.key
     where c.id = $1"

    /// Older than the time $2, or as old and with a smaller key.
    MESSAGES_BEFORE (4)
    [Int Text Text Text Text Text Text Bool Time Time Int Time Time]
    "reading a page of a conversation"
    "select m.key, m.id, m.sender_id, m.type, m.media_kind, substr(m.title, 1, 1001),
            substr(m.text, 1, 10001), m.is_mail, m.created_at, m.updated_at, m.version,
            m.missing_since, m.deleted_at
     from messages m
     where m.conversation_key = $1 and m.created_at <= $2 and (m.created_at < $2 or m.key < $3)
     order by m.created_at desc, m.key desc limit $4"

    MESSAGES_AFTER (4)
    [Int Text Text Text Text Text Text Bool Time Time Int Time Time]
    "reading a page of a conversation"
    "select m.key, m.id, m.sender_id, m.type, m.media_kind, substr(m.title, 1, 1001),
            substr(m.text, 1, 10001), m.is_mail, m.created_at, m.updated_at, m.version,
            m.missing_since, m.deleted_at
     from messages m
     where m.conversation_key = $1 and m.created_at >= $2 and (m.created_at > $2 or m.key > $3)
     order by m.created_at, m.key limit $4"

    UNTIMED_BEFORE (3)
    [Int Text Text Text Text Text Text Bool Time Time Int Time Time]
    "reading the messages of a conversation that have no time"
    "select m.key, m.id, m.sender_id, m.type, m.media_kind, substr(m.title, 1, 1001),
            substr(m.text, 1, 10001), m.is_mail, m.created_at, m.updated_at, m.version,
            m.missing_since, m.deleted_at
     from messages m
     where m.conversation_key = $1 and m.created_at is null and m.key < $2
     order by m.key desc limit $3"

    UNTIMED_AFTER (3)
    [Int Text Text Text Text Text Text Bool Time Time Int Time Time]
    "reading the messages of a conversation that have no time"
    "select m.key, m.id, m.sender_id, m.type, m.media_kind, substr(m.title, 1, 1001),
            substr(m.text, 1, 10001), m.is_mail, m.created_at, m.updated_at, m.version,
            m.missing_since, m.deleted_at
     from messages m
     where m.conversation_key = $1 and m.created_at is null and m.key > $2
     order by m.key limit $3"

    MESSAGE_OF (2)
    [Int Text Text Text Text Text Text Bool Time Time Int Time Time]
    "reading a message"
    "select m.key, m.id, m.sender_id, m.type, m.media_kind, substr(m.title, 1, 1001),
            substr(m.text, 1, 100001), m.is_mail, m.created_at, m.updated_at, m.version,
            m.missing_since, m.deleted_at
     from messages m where m.conversation_key = $1 and m.id = $2"

    /// What was chosen among the 200 messages from a time on.
    CHOICES (2) [Int Text Time Text Text] "reading what was chosen"
    "select m.key, m.id, m.created_at, q.title, q.payload
     from (select n.key, n.id, n.created_at from messages n
           where n.conversation_key = $1 and n.created_at >= $2
           order by n.created_at, n.key limit 200) m
     join quick_replies q on q.message_key = m.key
     order by m.created_at, m.key"

    /// The last five versions of each message.
    LAST_VERSIONS (1) [Int Int Text Time Int] "reading the last versions of messages"
    "select v.message_key, v.version, v.event, v.observed_at, octet_length(v.raw)
     from messages m join message_versions v on v.message_key = m.key
     where m.key {in_ints:1} and v.version > m.version - 5
     order by v.message_key, v.version"

    VERSIONS_BELOW (3) [Int Text Time Time Int Bytes Int Text] "reading versions of a message"
    "select version, event, observed_at, recorded_at, run_id, sha256, octet_length(raw),
            substr(raw, 1, 100001)
     from message_versions where message_key = $1 and version < $2
     order by version desc limit $3"

    CHANGES_BETWEEN (3) [Int Text Text Text] "reading what versions of a message changed"
    "select version, path, substr(before, 1, 2001), substr(after, 1, 2001)
     from message_changes where message_key = $1 and version >= $2 and version <= $3
     order by version, position limit 1000"

    ABSENCES_OF (1) [Int Int Time] "reading the absences of a message"
    "select strike, run_id, sent_at from absences where message_key = $1 order by strike"

    RUNS_BELOW (2)
    [Int Text Text Text Time Time Text Int Int Int Int Int Int Int Int Int Int Int Int Int Int Int
     Int Int Int Int Int]
    "reading runs"
    "select id, command, program_version, holder, started_at, finished_at, outcome, exit_code,
            conversations_listed, conversations_complete, conversations_partial,
            conversations_gone, conversations_forbidden, conversations_failed,
            conversations_waived, conversations_empty, conversations_not_reached,
            messages_new, messages_changed, messages_deleted, messages_unchanged,
            messages_unrecognised, requests_total, requests_retried, requests_throttled,
            requests_planned, requests_swept
     from runs where id < $1 order by id desc limit $2"

    CONVERSATIONS_OF_RUN (3) [Int Text Text Text Int Int Int Int Time]
    "reading what a run did to conversations"
    "select r.conversation_key, c.id, r.state, r.reason, r.messages_new, r.messages_changed,
            r.messages_deleted, r.requests, r.finished_at
     from run_conversations r join conversations c on c.key = r.conversation_key
     where r.run_id = $1 and r.conversation_key > $2
     order by r.conversation_key limit $3"

    /// $1 is 1 for resolved and waived ones too; $3 is 0 for those of any run.
    FAILURES_BELOW (5) [Int Int Text Text Text Time Int Time Text Int] "reading failures"
    "select f.key, f.run_id, c.id, f.class, f.reason, f.occurred_at, f.resolved_run,
            f.waived_at, f.waived_reason, f.unlisted
     from failures f left join conversations c on c.key = f.conversation_key
     where ($1 = 1 or (f.resolved_run is null and f.waived_at is null))
       and ($2 = '' or f.class = $2) and ($3 < 0 or f.run_id = $3) and f.key < $4
     order by f.key desc limit $5"

    ANOMALIES_BELOW (5) [Int Int Int Text Text Text Text Text] "reading oddities"
    "select a.message_key, a.version, a.position, c.id, m.id, a.kind, a.path, a.detail
     from anomalies a join messages m on m.key = a.message_key
     join conversations c on c.key = m.conversation_key
     where (a.message_key, a.version, a.position) < ($1, $2, $3) and ($4 = '' or a.kind = $4)
     order by a.message_key desc, a.version desc, a.position desc limit $5"

    /// Local days from a time on.
    VOLUME (1) [Text Int Int Int] "counting the messages of each day"
    "select cast(local_day as text), count(*),
            count(case when direction = 'inbound' then 1 end),
            count(case when direction = 'outbound' then 1 end)
     from v_messages where created_at >= $1 and deleted_at is null
     group by local_day order by local_day"
}
