//! Static SQL, written once for both engines.
//!
//! Both understand `$1`. What they spell differently is a token that each backend replaces:
//! `{in_ints:N}` and `{in_texts:N}` ask whether what stands before is in the list that is the N-th
//! argument, `{pairs:N}` is a table of it (`number`, `word`), `{for_update}` locks the row that was read where the engine
//! locks rows, `{bytewise}` after a text compares and orders it by its bytes. What concerns the index of words is told in [`search`]. Every statement is in
//! [`every`], so that one test prepares each on both engines.

pub(in crate::store) mod browse;
pub(in crate::store) mod export;
pub(in crate::store) mod people;
pub(in crate::store) mod search;

use std::borrow::Cow;

use super::value::Kind;

/// One statement: its text, the kinds of the columns it gives and the number of its arguments.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    /// What it does, for error messages ("whilst …").
    pub(super) purpose: &'static str,
    /// The text with its tokens.
    pub(super) text: Cow<'static, str>,
    /// The columns it gives.
    pub(super) columns: &'static [Kind],
    /// How many arguments it takes. A missing one would be null, so this is asserted.
    pub(super) arguments: usize,
}

/// How an engine spells the tokens.
pub(super) trait Dialect {
    /// What stands for a token with an argument: `kind` is `in_ints`, `in_texts` or `pairs`, or one
    /// of those of the index of words.
    fn list(kind: &str, argument: &str) -> String;
    /// What locks the rows that a query reads.
    const FOR_UPDATE: &'static str;
    /// What makes the text before it compared by its bytes, whatever the database's language.
    const BYTEWISE: &'static str;
}

impl Statement {
    /// The text as the engine reads it.
    pub(super) fn spelled<D: Dialect>(&self) -> String {
        let mut spelled = String::with_capacity(self.text.len() + 64);
        let mut rest = &*self.text;
        while let Some((before, after)) = rest.split_once('{') {
            let (token, tail) = after.split_once('}').expect("every token is closed");
            spelled.push_str(before);
            match token.split_once(':') {
                Some((kind, argument)) => spelled.push_str(&D::list(kind, argument)),
                None if token == "bytewise" => spelled.push_str(D::BYTEWISE),
                None => spelled.push_str(D::FOR_UPDATE),
            }
            rest = tail;
        }
        spelled.push_str(rest);
        spelled
    }
}

macro_rules! statements {
    ($($(#[$meta:meta])* $name:ident ($arguments:literal) [$($kind:ident)*] $purpose:literal $text:literal)*) => {
        $(
            $(#[$meta])*
            pub(in crate::store) static $name: Statement = Statement {
                purpose: $purpose,
                text: Cow::Borrowed($text),
                columns: &[$(Kind::$kind),*],
                arguments: $arguments,
            };
        )*

        /// Every statement of this file.
        pub(in crate::store) static ALL: &[&Statement] = &[$(&$name),*];
    };
}

use statements;

statements! {
    ARCHIVE (0) [Int Int Text] "reading the archive's own row"
    "select epoch, batch_seq, gateway_url from archive where only_row = 1"

    ARCHIVE_LOCKED (0) [Int Int] "reading the archive's epoch"
    "select epoch, batch_seq from archive where only_row = 1 {for_update}"

    NEXT_KEYS (0) [Int Int Int Int Int] "reading the largest keys"
    "select (select coalesce(max(key), 0) from messages),
            (select coalesce(max(key), 0) from conversations),
            (select coalesce(max(key), 0) from failures),
            (select coalesce(max(key), 0) from conversation_links),
            (select coalesce(max(id), 0) from runs)"

    CREATE_ARCHIVE (1) [] "creating the archive's own row"
    "insert into archive (only_row, created_at) values (1, $1) on conflict do nothing"

    RAISE_EPOCH (0) [] "raising the archive's epoch"
    "update archive set epoch = epoch + 1, batch_seq = batch_seq + 1 where only_row = 1"

    FENCE (2) [] "asserting the archive's epoch and last transaction"
    "update archive set batch_seq = batch_seq + 1
     where only_row = 1 and epoch = $1 and batch_seq = $2"

    /// What a gateway has told: pages, and words about a conversation. A gateway that never
    /// answered has told nothing.
    TOLD (0) [Int] "looking for what the archive's gateway has told"
    "select (select count(*) from coverage_pieces)
          + (select count(*) from conversations where state not in ('pending', 'failed'))"

    SET_GATEWAY (1) [] "binding the archive to a gateway"
    "update archive set gateway_url = $1 where only_row = 1"

    CONVERSATION_KEYS_BY_ID (1) [Int Text] "looking conversations up by id"
    "select key, id from conversations where id {in_texts:1}"

    CONVERSATION_KEYS (2) [Int] "listing the conversations"
    "select key from conversations where key > $1 order by key limit $2"

    TARGETS (1) [Int Text Time Time Int Int] "reading what the order of work follows from"
    "select c.key, c.state, p.proven_at, c.full_since, coalesce(f.open, 0), coalesce(f.waived, 0)
     from conversations c
     left join conversation_proofs p on p.conversation_key = c.key
     left join (select conversation_key, count(*) as open, count(waived_at) as waived
                from failures
                where resolved_run is null and conversation_key {in_ints:1}
                group by conversation_key) f on f.conversation_key = c.key
     where c.key {in_ints:1}"

    RECORDS (1) [Int Text Text Int Int Int Text Time Int Int Time] "reading records of conversations"
    "select key, id, state, live_count,
            (select count(*) from messages m where m.conversation_key = c.key
                and m.missing_since is not null and m.deleted_at is null),
            unlisted, tail_proof, full_since, unlisted_moves, count_steady_runs, p.swept_below
     from conversations c left join conversation_proofs p on p.conversation_key = c.key
     where key {in_ints:1}"

    LEDGERS (1) [Int Int Time Time Time Bool] "reading ledgers"
    "select conversation_key, layer, after_time, before_time, sent_at, settled
     from coverage_pieces where conversation_key {in_ints:1}
     order by conversation_key, layer, position"

    SLICE_BETWEEN (3) [Text Bytes Time Time Int Time Bool Int] "reading a slice of a conversation by time"
    "select id, digest, created_at, missing_since, missing_run, deleted_at,
            older_since is not null, key
     from messages
     where conversation_key = $1 and created_at > $2 and created_at < $3 and deleted_at is null"

    SLICE_OF (2) [Text Bytes Time Time Int Time Bool Int] "reading a slice of a conversation by id"
    "select id, digest, created_at, missing_since, missing_run, deleted_at,
            older_since is not null, key
     from messages
     where conversation_key = $1 and id {in_texts:2}"

    MISSING (1) [Text Time Time Int] "reading the missing messages of a conversation"
    "select m.id, m.created_at, m.missing_since, a.strike
     from messages m
     left join absences a on a.message_key = m.key and a.strike = 2
     where m.conversation_key = $1 and m.missing_since is not null and m.deleted_at is null
     order by m.created_at, m.key"

    RUN_TIMES (1) [Int Time Time] "reading when the last runs were"
    "select id, started_at, finished_at from runs order by id desc limit $1"

    CLEAR_ABSENCES (1) [] "clearing absences of messages that are back"
    "delete from absences where message_key {in_ints:1}"

    LIVE_AFTER (2) [Int] "counting the live messages after a time"
    "select count(*) from messages
     where conversation_key = $1 and created_at > $2
       and deleted_at is null and missing_since is null"

    STORED_MESSAGES (1)
    [Int Int Text Int Bytes Time Time Time Int Time Int Time Bytes Time Int]
    "looking up the messages of a batch"
    "select m.key, m.conversation_key, m.id, m.version, m.digest, m.created_at, m.updated_at,
            m.observed_at, m.observed_run, m.missing_since, m.missing_run, m.deleted_at,
            m.older_digest, m.older_since, m.older_run
     from {pairs:1} wanted, messages m
     where m.conversation_key = wanted.number and m.id = wanted.word"

    STORED_VERSIONS (1) [Int Int Bytes Text] "looking up the versions of changed messages"
    "select v.message_key, v.version, v.sha256,
            case when v.version = m.version then v.raw end
     from message_versions v, messages m
     where v.message_key {in_ints:1} and m.key = v.message_key"

    STORED_CONVERSATIONS (1)
    [Int Text Text Text Text Time Int Int Int Text Time Int Int Time Time Time Time]
    "looking up the conversations of a batch"
    "select c.key, c.organization_id, c.business_unit_id, c.state, c.reason, c.state_since,
            c.last_run, c.live_count, c.unlisted, c.tail_proof, c.full_since,
            c.unlisted_moves, c.count_steady_runs,
            p.checked_at, p.proven_at, p.horizon, p.swept_below
     from conversations c left join conversation_proofs p on p.conversation_key = c.key
     where c.key {in_ints:1}"

    OPEN_FAILURES (1) [Int Int Text Time Int] "looking up open failures"
    "select key, conversation_key, class, waived_at, unlisted from failures
     where resolved_run is null and conversation_key {in_ints:1}"

    STORED_LINKS (1) [Int Text Text Int] "looking up links"
    "select key, phone_number, conversation_id, first_seen_run from conversation_links
     where phone_number {in_texts:1}"

    CLEAR_QUICK_REPLIES (1) [] "replacing quick replies"
    "delete from quick_replies where message_key {in_ints:1}"

    CLEAR_QUICK_REPLY_OPTIONS (1) [] "replacing quick reply options"
    "delete from quick_reply_options where message_key {in_ints:1}"

    CLEAR_ATTACHMENTS (1) [] "replacing attachments"
    "delete from attachments where message_key {in_ints:1}"

    CLEAR_LOCATIONS (1) [] "replacing locations"
    "delete from locations where message_key {in_ints:1}"

    CLEAR_SHARED_CONTACTS (1) [] "replacing shared contacts"
    "delete from shared_contacts where message_key {in_ints:1}"

    CLEAR_TEMPLATE_VARIABLES (1) [] "replacing template variables"
    "delete from template_variables where message_key {in_ints:1}"

    STATE_COUNTS (0) [Text Int] "counting conversations by state"
    "select state, count(*) from conversations group by state"

    OVERVIEW (0) [Int Int Int Int Time Time] "reading the overview of the archive"
    "select (select cast(coalesce(sum(live_count), 0) as bigint) from conversations),
            (select count(*) from messages where missing_since is not null and deleted_at is null),
            (select count(*) from anomalies),
            (select count(*) from (select conversation_key from failures
                where resolved_run is null and conversation_key is not null
                group by conversation_key having count(*) = count(waived_at)) w),
            (select min(p.proven_at) from conversations c
                join conversation_proofs p on p.conversation_key = c.key
                where c.state = 'complete'),
            (select max((select max(m.created_at) from messages m where m.conversation_key = c.key))
                from conversations c)"

    /// How far conversations are covered: what a plan follows from. Two pieces join if the upper
    /// one's open lower end is before the lower one's open upper end; points that are passed over
    /// (layer 2) are holes that no run fills.
    COVERAGE (1) [Int Text Text Int Int Int Int Int Int Int Int Int Int Int]
    "reading how far conversations are covered"
    "select c.key, c.id, c.state, c.live_count, coalesce(a.times, 0), c.unlisted,
            coalesce(l.pieces, 0),
            case when l.holes > l.points then l.holes - l.points else 0 end,
            coalesce(l.tails, 0),
            case when c.full_since is null then 0 else 1 end,
            coalesce(l.second_pieces, 0), coalesce(l.second_holes, 0), coalesce(l.second_tails, 0),
            case when c.full_since is null then 0 else
                (select count(*) from messages m
                 where m.conversation_key = c.key and m.created_at <= l.second_end
                   and m.deleted_at is null and m.missing_since is null) end
     from conversations c
     left join (select conversation_key,
                       count(case when layer = 0 then 1 end) as pieces,
                       count(case when layer = 0 and lower_end <= after_time then 1 end) as holes,
                       count(case when layer = 0 and after_time is null then 1 end) as tails,
                       count(case when layer = 1 then 1 end) as second_pieces,
                       count(case when layer = 1 and lower_end <= after_time then 1 end)
                           as second_holes,
                       count(case when layer = 1 and after_time is null then 1 end)
                           as second_tails,
                       min(case when layer = 1 then after_time end) as second_end,
                       count(case when layer = 2 then 1 end) as points
                from (select conversation_key, layer, after_time,
                             lag(before_time) over (partition by conversation_key, layer
                                                    order by position) as lower_end
                      from coverage_pieces where conversation_key {in_ints:1}) p
                group by conversation_key) l on l.conversation_key = c.key
     left join (select m.conversation_key, count(distinct m.created_at) as times
                from messages m
                where m.conversation_key {in_ints:1}
                  and m.missing_since is not null and m.deleted_at is null
                  and not exists (select 1 from absences s
                                  where s.message_key = m.key and s.strike = 2)
                group by m.conversation_key) a on a.conversation_key = c.key
     where c.key {in_ints:1}"

    SIZES (0) [Int Int] "counting complete conversations by their length"
    "select live_count, count(*) from conversations where state = 'complete' group by live_count"

    COUNT_SAMPLES (1) [Int Int] "reading what conversations count and do not list"
    "select live_count, unlisted from conversations
     where unlisted is not null and count_steady_runs is null order by key desc limit $1"

    FAILURE_COUNTS (0) [Text Int] "counting open failures by class"
    "select class, count(*) from failures
     where resolved_run is null and waived_at is null group by class"

    LAST_RUNS (1) [Int Text Time Time Text Int Int Int Int Int Int Int] "reading the last runs"
    "select id, command, started_at, finished_at, outcome, exit_code,
            conversations_listed, conversations_complete, messages_new, requests_total,
            requests_planned, requests_swept
     from runs order by id desc limit $1"

    CONVERSATION_DETAIL (1) [Int Text Time Time Time Time] "reading a conversation"
    "select c.key, c.reason, c.state_since, p.checked_at, p.proven_at, p.horizon
     from conversations c left join conversation_proofs p on p.conversation_key = c.key
     where c.id = $1"

    CONVERSATION_MESSAGES (1) [Int Int Int Time Time] "counting a conversation's messages"
    "select count(*),
            count(case when missing_since is not null and deleted_at is null then 1 end),
            count(deleted_at),
            min(case when deleted_at is null then created_at end),
            max(case when deleted_at is null then created_at end)
     from messages where conversation_key = $1"

    CONVERSATION_ANOMALIES (1) [Text Int] "counting a conversation's oddities"
    "select a.kind, count(*) from messages m, anomalies a
     where m.conversation_key = $1 and a.message_key = m.key group by a.kind"

    CONVERSATION_RUNS (2) [Int Text Text] "reading a conversation's runs"
    "select run_id, state, reason from run_conversations
     where conversation_key = $1 order by run_id desc limit $2"

    FAILURES (5) [Int Int Text Text Text Time Int Time Text Int] "reading failures"
    "select f.key, f.run_id, c.id, f.class, f.reason, f.occurred_at, f.resolved_run,
            f.waived_at, f.waived_reason, f.unlisted
     from failures f left join conversations c on c.key = f.conversation_key
     where ($1 = 1 or (f.resolved_run is null and f.waived_at is null))
       and ($2 = 0 or c.id {in_texts:3}) and ($4 = '' or f.class = $4)
     order by f.key desc limit $5"

    WAIVE (5) [] "waiving failures"
    "update failures set waived_at = $1, waived_reason = $2
     where resolved_run is null and waived_at is null
       and ($3 = 0 or conversation_key in (select key from conversations where id {in_texts:4}))
       and ($5 = '' or class = $5)"

    AUDIT_CONVERSATIONS (1)
    [Int Text Text Text Int Int Int Text Time Time Time Time Int Int Text]
    "reading conversations to check them"
    "select c.key, c.id, c.state, c.reason, c.live_count, coalesce(l.live, 0), c.unlisted,
            c.tail_proof, c.full_since, p.checked_at, p.proven_at, p.horizon,
            coalesce(f.open, 0), c.last_run, r.state
     from conversations c
     left join conversation_proofs p on p.conversation_key = c.key
     left join run_conversations r on r.run_id = c.last_run and r.conversation_key = c.key
     left join (select conversation_key, count(*) as live from messages
                where missing_since is null and deleted_at is null
                  and conversation_key {in_ints:1}
                group by conversation_key) l on l.conversation_key = c.key
     left join (select conversation_key, count(*) as open from failures
                where resolved_run is null and conversation_key {in_ints:1}
                group by conversation_key) f on f.conversation_key = c.key
     where c.key {in_ints:1}
     order by c.key"

    AUDIT_PIECES (1) [Int Int Int Time Time Time Bool Time Time] "reading ledgers to check them"
    "select p.conversation_key, p.layer, p.position, p.after_time, p.before_time, p.sent_at,
            p.settled,
            (select min(m.created_at) from messages m
                where m.conversation_key = p.conversation_key and m.created_at >= p.after_time),
            (select max(m.created_at) from messages m
                where m.conversation_key = p.conversation_key and m.created_at <= p.before_time)
     from coverage_pieces p where p.conversation_key {in_ints:1}
     order by p.conversation_key, p.layer, p.position"

    MOVED_MESSAGES (1) [Int] "looking for messages whose created time has changed"
    "select count(*) from messages m, anomalies a
     where m.conversation_key = $1 and a.message_key = m.key and a.kind = 'created_at_changed'"

    COUNT_MESSAGES (0) [Int] "counting the messages"
    "select count(*) from messages"

    COUNT_MESSAGES_AFTER (1) [Int] "counting the messages that are left"
    "select count(*) from messages where key > $1"

    COUNT_MESSAGES_OF (1) [Int] "counting the messages of conversations"
    "select count(*) from messages where conversation_key {in_ints:1}"

    AUDIT_MESSAGES (2) [Int Int Text Text Int Time Time Int Int Time Int Time]
    "reading messages to check them"
    "select m.key, m.conversation_key, c.id, m.id, m.version, m.created_at, m.observed_at,
            m.observed_run, m.first_seen_run, m.missing_since, m.missing_run, m.deleted_at
     from messages m left join conversations c on c.key = m.conversation_key
     where m.key > $1 order by m.key limit $2"

    AUDIT_MESSAGES_OF (3) [Int Int Text Text Int Time Time Int Int Time Int Time]
    "reading the messages of a conversation to check them"
    "select m.key, m.conversation_key, c.id, m.id, m.version, m.created_at, m.observed_at,
            m.observed_run, m.first_seen_run, m.missing_since, m.missing_run, m.deleted_at
     from messages m left join conversations c on c.key = m.conversation_key
     where m.conversation_key = $1 and m.id > $2 order by m.id limit $3"

    AUDIT_VERSIONS (1) [Int Int Text Time Time Int Bytes Int] "reading versions to check them"
    "select message_key, version, event, observed_at, recorded_at, run_id, sha256,
            octet_length(raw)
     from message_versions where message_key {in_ints:1} order by message_key, version"

    AUDIT_ABSENCES (1) [Int Int Int Time Time Time] "reading absences to check them"
    "select message_key, strike, run_id, sent_at, after_time, before_time
     from absences where message_key {in_ints:1} order by message_key, strike"

    RAWS (1) [Int Int Text] "reading raw messages"
    "select v.message_key, v.version, v.raw from {pairs:1} wanted, message_versions v
     where v.message_key = wanted.number and v.version = cast(wanted.word as bigint)"

    STATES (2) [Text Int Bool Time Time Text] "reading the states of messages"
    "select m.id, v.version, v.version = m.version, m.updated_at, m.observed_at, v.raw
     from messages m join message_versions v on v.message_key = m.key
     where m.conversation_key = $1 and m.id {in_texts:2} and v.raw is not null
     order by m.id, v.version"

    DERIVED_MESSAGES (1)
    [Int Text Text Text Text Text Text Text Bool Text Int Time Time Bytes]
    "reading the content of messages"
    "select key, organization_id, business_unit_id, sender_id, type, media_kind, title, text,
            is_mail, stream_id, stream_sequence, created_at, updated_at, digest
     from messages where key {in_ints:1}"

    DERIVED_QUICK_REPLIES (1) [Int Text Text Text] "reading quick replies"
    "select message_key, title, payload, description
     from quick_replies where message_key {in_ints:1}"

    DERIVED_QUICK_REPLY_OPTIONS (1) [Int Int Text Text Text Text Text Bool]
    "reading quick reply options"
    "select message_key, position, option_id, content_type, title, payload, description, answered
     from quick_reply_options where message_key {in_ints:1} order by message_key, position"

    DERIVED_ATTACHMENTS (1) [Int Text Text Text Text Text] "reading attachments"
    "select message_key, url, host, declared_type, media_kind, caption
     from attachments where message_key {in_ints:1}"

    DERIVED_LOCATIONS (1) [Int Real Real Text Text] "reading locations"
    "select message_key, latitude, longitude, name, address
     from locations where message_key {in_ints:1}"

    DERIVED_SHARED_CONTACTS (1) [Int Int Text Text Text] "reading shared contacts"
    "select message_key, position, name, phone_number, email
     from shared_contacts where message_key {in_ints:1} order by message_key, position"

    DERIVED_TEMPLATE_VARIABLES (1) [Int Int Text] "reading template variables"
    "select message_key, position, value
     from template_variables where message_key {in_ints:1} order by message_key, position"

    DERIVED_ANOMALIES (1) [Int Int Int Text Text Text] "reading anomalies"
    "select message_key, version, position, kind, path, detail
     from anomalies where message_key {in_ints:1} order by message_key, version, position"

    DERIVED_SENDERS (1) [Text Text Int] "reading senders"
    "select id, kind, first_seen_run from senders where id {in_texts:1}"

    ORPHANED_ANOMALIES (1) [Int Int] "looking for anomalies of no version"
    "select a.message_key, count(*) from anomalies a
     where not exists (select 1 from message_versions v
                       where v.message_key = a.message_key and v.version = a.version)
     group by a.message_key order by 1 limit $1"

    AUDIT_RUNS (2) [Int Text Time Time Text Int Int Int Int Int Int Int Int Int Int Int Int Int]
    "reading runs to check them"
    "select id, command, started_at, finished_at, outcome, exit_code, conversations_listed,
            conversations_complete, conversations_waived,
            conversations_partial + conversations_gone + conversations_forbidden
                + conversations_failed + conversations_not_reached,
            conversations_not_reached, conversations_empty, messages_new, messages_changed, messages_deleted,
            requests_total, requests_retried, requests_throttled
     from runs where id > $1 order by id limit $2"

    AUDIT_OUTCOMES (1) [Int Int Int Time Time] "reading what runs reported of conversations"
    "select r.run_id, count(case when r.state <> 'complete' then 1 end),
            count(case when coalesce(c.last_run, 0) < r.run_id then 1 end),
            min(r.finished_at), max(r.finished_at)
     from run_conversations r left join conversations c on c.key = r.conversation_key
     where r.run_id {in_ints:1} group by r.run_id"

    DERIVED_CHANGES (1) [Int Int Int Text Text Text] "reading what edits have changed"
    "select message_key, version, position, path, before, after
     from message_changes where message_key {in_ints:1}
     order by message_key, version, position"

    DICTIONARY (0) [Text Int Text Text] "reading the dictionary"
    "select object, position, column_name, meaning from data_dictionary"

    MIGRATIONS (0) [Int Text Bool Bytes] "reading which migrations were applied"
    "select version, description, success, checksum from _sqlx_migrations order by version"

    RENORMALIZED_TO (0) [Int] "reading how far an interrupted renormalize came"
    "select renormalized_to from archive where only_row = 1"

    SET_RENORMALIZED_TO (1) [] "keeping how far renormalize came"
    "update archive set renormalized_to = $1 where only_row = 1"

    LAST_VERSION_OF_COMMAND (1) [Text] "asking which program ran a command last"
    "select program_version from runs where command = $1 order by id desc limit 1"

    CLEAR_ANOMALIES (2) [] "replacing anomalies"
    "delete from anomalies where message_key {in_ints:1} and version = $2"

    RECOUNT_LIVE (1) [] "counting live messages again"
    "update conversations set live_count =
        (select count(*) from messages m where m.conversation_key = conversations.key
            and m.missing_since is null and m.deleted_at is null)
     where key {in_ints:1} and live_count <>
        (select count(*) from messages m where m.conversation_key = conversations.key
            and m.missing_since is null and m.deleted_at is null)"
}

/// Every statement.
pub(super) fn every() -> impl Iterator<Item = &'static Statement> {
    let more = [browse::ALL, export::ALL, people::ALL, search::ALL];
    ALL.iter().chain(more.into_iter().flatten()).copied()
}
