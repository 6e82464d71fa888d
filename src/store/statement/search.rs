//! SQL for the index of words.
//!
//! Its tokens: `{matching:N}` is a table of the messages that the query matches which is the N-th
//! argument (`key`), `{matching_first:N}` the same before anything else is looked at; `{index:N}`
//! and `{unindex:N}` are statements that add and take away the entries of the N-th argument;
//! `{clear:search_index}` is one that empties the index.

use std::borrow::Cow;

use super::{Statement, statements};
use crate::store::value::Kind;

statements! {
    INDEX_STATE (0) [Int Int Int] "reading how far the index of words is"
    "select indexed_to, terms_version, (select coalesce(max(key), 0) from messages)
     from archive where only_row = 1"

    SET_INDEXED_TO (2) [] "keeping how far the index of words is"
    "update archive set indexed_to = $1, terms_version = $2 where only_row = 1"

    INDEX (1) [] "adding to the index of words" "{index:1}"

    UNINDEX (1) [] "taking from the index of words" "{unindex:1}"

    CLEAR_INDEX (0) [] "emptying the index of words" "{clear:search_index}"

    CLEAR_LONG_MESSAGES (0) [] "forgetting the messages that the index of words does not hold"
    "delete from search_long_messages"

    FORGET_LONG_MESSAGES (1) [] "forgetting messages that the index of words does not hold"
    "delete from search_long_messages where message_key {in_ints:1}"

    SIZES_AFTER (2) [Int Int] "looking for messages to index"
    "select key, coalesce(octet_length(title), 0) + coalesce(octet_length(text), 0)
     from messages where key > $1 order by key limit $2"

    SIZES_UP_TO (3) [Int Int] "looking for messages to check the index of words"
    "select key, coalesce(octet_length(title), 0) + coalesce(octet_length(text), 0)
     from messages where key > $1 and key <= $2 order by key limit $3"

    /// The term left out is what stands between two texts of a message (SQLite).
    INDEX_SUMS (0) [Int Int Int] "adding up the index of words"
    "select count(*), cast(coalesce(sum(doc % 1000003), 0) as bigint),
            cast(coalesce(sum(doc % 99991 * (\"offset\" % 1009 + 1) * octet_length(term)
                              % 1000003), 0) as bigint)
     from search_index_vocabulary where term <> '\u{e000}'"

    LONG_MESSAGES_SUMS (0) [Int Int] "adding up the messages that are too long for the index"
    "select count(*), cast(coalesce(sum(message_key), 0) as bigint) from search_long_messages"

    WORDS (1) [Int Text Text Text] "reading the words of messages"
    "select m.key, m.title, m.text, a.caption
     from messages m left join attachments a on a.message_key = m.key
     where m.key {in_ints:1} order by m.key"

    COUNT_MATCHES (1) [Int] "counting what the index of words matches"
    "select count(*) from {matching:1} i"

    HITS (1) [Int Text Text Text Text Text Text Time Time Text Text Text]
    "reading what was found"
    "select m.key, c.id, m.id, m.sender_id, n.name, m.type, m.media_kind,
            m.created_at, m.deleted_at, m.title, m.text, a.caption
     from messages m
     join conversations c on c.key = m.conversation_key
     left join sender_names n on n.id = m.sender_id
     left join attachments a on a.message_key = m.key
     where m.key {in_ints:1}"
}
