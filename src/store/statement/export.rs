//! SQL for what is taken out beside the messages themselves.

use std::borrow::Cow;

use super::{Statement, statements};
use crate::store::value::Kind;

statements! {
    VERSIONS (1) [Int Int Text Time Time Int Int] "reading versions to export"
    "select message_key, version, event, observed_at, recorded_at, run_id, octet_length(raw)
     from message_versions where message_key {in_ints:1} order by message_key, version"

    LAST_RUN (0) [Int Time] "reading the last run"
    "select id, finished_at from runs order by id desc limit 1"

    FIRST_RUN_AFTER (1) [Int] "reading which run recorded later than a time"
    "select min(run_id) from message_versions where recorded_at > $1"

    CONVERSATIONS (1) [Int Text Time] "reading conversations to export"
    "select c.key, c.state, p.proven_at
     from conversations c left join conversation_proofs p on p.conversation_key = c.key
     where c.key {in_ints:1}"
}
