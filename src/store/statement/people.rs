//! SQL for what people bring and ask: the zone, names, what an edit changed.

use std::borrow::Cow;

use super::{Statement, statements};
use crate::store::value::Kind;

statements! {
    TIME_ZONE (0) [Text] "reading the archive's time zone"
    "select time_zone from archive where only_row = 1"

    SET_TIME_ZONE (1) [] "keeping the archive's time zone"
    "update archive set time_zone = $1 where only_row = 1"

    TIME_ZONE_OFFSETS (0) [Time Int] "reading the offsets of the archive's time zone"
    "select since, offset_seconds from time_zone_offsets order by since"

    CLEAR_TIME_ZONE_OFFSETS (0) [] "replacing the offsets of the archive's time zone"
    "delete from time_zone_offsets"

    /// Later versions with JSON that differs from the last one before that had any. Those that say
    /// the same after all are found again each time; they are few.
    UNDESCRIBED_VERSIONS (3) [Int Int Text Text] "looking for versions to describe"
    "select v.message_key, v.version, v.raw, p.raw
     from message_versions v
     left join message_versions p
       on p.message_key = v.message_key
      and p.version = (select max(e.version) from message_versions e
                       where e.message_key = v.message_key and e.version < v.version
                         and e.raw is not null)
     where v.version > 1 and (v.message_key, v.version) > ($1, $2) and v.raw is not null
       and (p.sha256 is null or p.sha256 <> v.sha256)
       and not exists (select 1 from message_changes c
                       where c.message_key = v.message_key and c.version = v.version)
     order by v.message_key, v.version limit $3"

    CLEAR_CHANGES (0) [] "taking descriptions of changes away"
    "delete from message_changes"

    NAMES (1) [Text Text Bool Text] "reading names of senders"
    "select id, name, is_bot, team from sender_names where id {in_texts:1}"

    SEEN_SENDERS (1) [Int] "counting the senders that messages are from"
    "select count(*) from senders where id {in_texts:1}"

    SENDERS_WITH_NAMES (2) [Text Text Bool Text Text Int Time] "reading senders and their names"
    "select s.id, n.name, n.is_bot, n.team, s.kind, coalesce(m.messages, 0), m.newest
     from senders s
     left join sender_names n on n.id = s.id
     left join (select sender_id, count(*) as messages, max(created_at) as newest
                from messages where sender_id is not null and deleted_at is null
                group by sender_id) m on m.sender_id = s.id
     where ($1 = 1 or n.id is null) and ($2 = '' or s.kind = $2)"
}
