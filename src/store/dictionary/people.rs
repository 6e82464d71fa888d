//! What people ask of an archive, in words: answers, choices, volume, coverage, deletions, edits,
//! and the tables of names and of the local time.

use super::{Many, Object, Reference, tables::any};

const CONVERSATION_ID: (&str, &str) = ("conversation_id", "The conversation: v_conversations.id.");
const MESSAGE_ID: (&str, &str) = ("message_id", "The message: v_messages.id.");
/// Of a view whose rows are messages or begin with one.
pub(super) const LOCAL_DAY: (&str, &str) = (
    "local_day",
    "Its day in the archive's zone: v_archive.time_zone.",
);
const DIRECTION: (&str, &str) = (
    "direction",
    "inbound (from a contact), outbound (from a user) or unknown.",
);

const NONE: &[Reference] = &[];

pub(super) const MESSAGE_GAPS: Object = Object {
    name: "v_message_gaps",
    purpose: "Each message that is not deleted with the one before it in its conversation, by time.",
    columns: &[
        MESSAGE_ID,
        CONVERSATION_ID,
        ("created_at", "When it was created, by the gateway's clock."),
        ("sender_id", "Who sent it, as received: v_senders.id."),
        DIRECTION,
        (
            "previous_message_id",
            "The message before it; null for the first.",
        ),
        ("previous_created_at", "When that one was created."),
        ("previous_sender_id", "Who sent that one."),
        ("previous_direction", "The direction of that one."),
        (
            "gap_ms",
            "Milliseconds between the two; null for the first.",
        ),
    ],
    references: NONE,
};

pub(super) const RESPONSE_TIMES: Object = Object {
    name: "v_response_times",
    purpose: "Each turn of a contact (what it says until somebody answers) with the answer to it. Deleted messages and senders of unknown kind are left out.",
    columns: &[
        CONVERSATION_ID,
        (
            "turn",
            "The number of the turn in its conversation, from 1.",
        ),
        ("message_id", "The turn's first message: v_messages.id."),
        ("message_count", "How many messages the contact sent in it."),
        ("started_at", "When its first message was created."),
        ("ended_at", "When its last message was created."),
        (
            "answer_message_id",
            "The first message of a user after it; null while nobody has answered.",
        ),
        ("answered_by", "Who answered: v_senders.id."),
        ("answered_by_name", "The imported name of who answered."),
        (
            "answered_by_bot",
            "Whether that is a bot; null where nobody has said so.",
        ),
        ("answered_at", "When the answer was created."),
        (
            "answer_ms",
            "Milliseconds from the turn's first message to the answer.",
        ),
        (
            "answer_after_last_ms",
            "Milliseconds from the turn's last message to the answer.",
        ),
        (
            "local_day",
            "The day the turn began, in the archive's zone: v_archive.time_zone.",
        ),
        ("local_hour", "The hour it began, 0 to 23, in that zone."),
    ],
    references: NONE,
};

pub(super) const RESPONSE_TIMES_BY_DAY: Object = Object {
    name: "v_response_times_by_day",
    purpose: "The turns of v_response_times by the local day they began, with medians.",
    columns: &[
        (
            "local_day",
            "The day in the archive's zone: v_archive.time_zone.",
        ),
        ("turns", "Turns of contacts that began on that day."),
        ("answered", "Of these, answered, whenever that was."),
        (
            "median_answer_ms",
            "The median of v_response_times.answer_ms over these, rounded down.",
        ),
        ("slowest_answer_ms", "The longest of them."),
        (
            "first_turns",
            "Conversations whose first turn began on that day.",
        ),
        ("first_answered", "Of these, answered."),
        (
            "median_first_answer_ms",
            "The median time to the first answer over these, rounded down.",
        ),
    ],
    references: NONE,
};

pub(super) const QUICK_REPLY_FUNNEL: Object = Object {
    name: "v_quick_reply_funnel",
    purpose: "Each offer of options that is not deleted, and which option was chosen. A choice belongs to the last offer before it in its conversation that had its payload (its title where there is none); of several the first counts.",
    columns: &[
        CONVERSATION_ID,
        ("message_id", "The message that offers: v_messages.id."),
        ("offered_at", "When it was created."),
        ("offered_by", "Who offered: v_senders.id."),
        ("title", "The title of the offer."),
        ("text", "The words of the offer."),
        ("option_count", "How many options it offers."),
        ("is_chosen", "Whether the contact chose one of them."),
        (
            "choice_message_id",
            "The message that chose: v_messages.id; null where none did.",
        ),
        ("chosen_at", "When that was created."),
        ("choice_ms", "Milliseconds from the offer to the choice."),
        ("chosen_position", "The place of the chosen option, from 0."),
        ("chosen_option_id", "The id of the chosen option."),
        ("chosen_title", "The caption of the chosen option."),
        ("chosen_payload", "The payload of the chosen option."),
        (
            "answered_position",
            "The place of the option that the gateway itself calls answered; null where it says nothing.",
        ),
        LOCAL_DAY,
    ],
    references: NONE,
};

pub(super) const DAILY_VOLUME: Object = Object {
    name: "v_daily_volume",
    purpose: "How much was sent on each day; deleted messages and those without a time are left out.",
    columns: &[
        (
            "local_day",
            "The day in the archive's zone: v_archive.time_zone.",
        ),
        ("message_count", "Messages of that day."),
        ("inbound_count", "Of these, from contacts."),
        ("outbound_count", "Of these, from users."),
        ("unknown_count", "Of these, from senders of unknown kind."),
        ("media_count", "Of these, with a file."),
        ("conversation_count", "Conversations that had a message."),
        ("contact_count", "Contacts that sent one."),
        ("user_count", "Users that sent one."),
    ],
    references: NONE,
};

pub(super) const COVERAGE: Object = Object {
    name: "v_coverage",
    purpose: "How much of each conversation is proven to be archived, and what is in the way.",
    columns: &[
        CONVERSATION_ID,
        (
            "state",
            "The outcome of the last run that attempted it: pending (never attempted), complete, partial, gone, forbidden or failed.",
        ),
        (
            "reason",
            "Why it is in that state; null where it is complete.",
        ),
        ("state_since", "Since when it is in that state."),
        (
            "checked_at",
            "The last time that the newest page and the gateway's count agreed with the archive.",
        ),
        (
            "proven_at",
            "How old the oldest page is that the proof rests on; null while there is a hole.",
        ),
        (
            "horizon",
            "Every message created before it and not deleted is proven to be archived.",
        ),
        (
            "tail_proof",
            "How its beginning was proven: count, empty_page, or short_page, the weaker one.",
        ),
        ("piece_count", "Stretches of time that are proven."),
        (
            "hole_count",
            "Holes between them, those passed over included.",
        ),
        (
            "passed_over_count",
            "Times that more messages share than fit a page: holes that no run can fill.",
        ),
        (
            "reaches_the_beginning",
            "Whether the lowest stretch reaches the conversation's first message.",
        ),
        (
            "live_count",
            "Archived messages that are neither missing nor deleted.",
        ),
        (
            "missing_count",
            "Archived messages that one page did not list; a later run confirms or lifts it.",
        ),
        (
            "deleted_count",
            "Archived messages that are gone from the gateway.",
        ),
        (
            "unlisted",
            "How many more the gateway counts than it lists; null until it is learnt.",
        ),
        (
            "open_failure_count",
            "Failures that are neither resolved nor waived.",
        ),
        ("waived_failure_count", "Failures that somebody waived."),
        (
            "full_since",
            "When a second cover was begun that is not whole yet.",
        ),
        (
            "first_listed_run",
            "The run that listed it first: v_runs.id.",
        ),
        ("last_run", "The last run that attempted it: v_runs.id."),
    ],
    references: NONE,
};

pub(super) const MESSAGE_CHANGES_VIEW: Object = Object {
    name: "v_message_changes",
    purpose: "What each later version of a message changed, one row a place in its JSON.",
    columns: &[
        MESSAGE_ID,
        CONVERSATION_ID,
        (
            "version",
            "The version that brought it: v_message_history.version.",
        ),
        PATH,
        BEFORE,
        AFTER,
        (
            "position",
            "The order of the changes of one version, from 0.",
        ),
        ("event", "What happened: edited, restored or reappeared."),
        (
            "observed_at",
            "When the page was requested that showed it, on the gateway's clock.",
        ),
        ("run_id", "The run that recorded it: v_runs.id."),
    ],
    references: NONE,
};

pub(super) const DELETED: Object = Object {
    name: "v_deleted",
    purpose: "Each message that is gone from the gateway, as it last was, with the evidence: two pages of two runs that should have held it.",
    columns: &[
        MESSAGE_ID,
        CONVERSATION_ID,
        ("sender_id", "Who sent it, as received: v_senders.id."),
        DIRECTION,
        ("type", "The declared type exactly as received."),
        ("title", "The title, where there was one."),
        ("text", "The words of the message."),
        ("created_at", "When it was created, by the gateway's clock."),
        ("deleted_at", "The first time it was not listed any more."),
        (
            "first_missed_run",
            "The run whose page lacked it first: v_runs.id.",
        ),
        (
            "first_missed_at",
            "When that page was requested, on the gateway's clock.",
        ),
        (
            "confirmed_run",
            "The later run whose page lacked it too: v_runs.id.",
        ),
        ("confirmed_at", "When that page was requested."),
        (
            "recorded_at",
            "When the deletion was committed to the archive.",
        ),
        (
            "last_version",
            "The last version with its JSON: v_message_history.version.",
        ),
        ("sender_name", "The sender's imported name."),
    ],
    references: NONE,
};

pub(super) const ARCHIVE_VIEW: Object = Object {
    name: "v_archive",
    purpose: "One row: what this archive is.",
    columns: &[
        (
            "gateway_url",
            "The gateway whose conversations these are; null until the first run.",
        ),
        (
            "time_zone",
            "The zone of local days and hours, a name of the IANA database.",
        ),
        ("created_at", "When the archive was made."),
    ],
    references: NONE,
};

/// The columns of `sender_names` that `v_senders` and others show too.
pub(super) const NAME: (&str, &str) = (
    "name",
    "What people call the sender, as imported by convault senders import; null until then.",
);
pub(super) const IS_BOT: (&str, &str) = (
    "is_bot",
    "Whether it is a bot; null where nobody has said so.",
);
pub(super) const TEAM: (&str, &str) = ("team", "The team, as imported.");
pub(super) const IMPORTED_AT: (&str, &str) = (
    "imported_at",
    "When the name was last changed by an import.",
);

pub(super) const TIME_ZONE_OFFSETS: Object = Object {
    name: "time_zone_offsets",
    purpose: "The archive's zone, 1970 to 2099: how far local time is ahead of UTC, and since when. Kept by the program.",
    columns: &[
        (
            "since",
            "From when on, until the next row; the first row begins before every time.",
        ),
        (
            "offset_seconds",
            "Seconds that local time is ahead of UTC; less than 0 in the west.",
        ),
    ],
    references: NONE,
};

pub(super) const SENDER_NAMES: Object = Object {
    name: "sender_names",
    purpose: "What people call the senders; also of senders that no message came from yet.",
    columns: &[
        (
            "id",
            "The sender's id as received: senders.id, once a message came.",
        ),
        NAME,
        IS_BOT,
        TEAM,
        IMPORTED_AT,
    ],
    references: NONE,
};

const PATH: (&str, &str) = (
    "path",
    "Where in the JSON, such as content.text; empty for the whole message.",
);
const BEFORE: (&str, &str) = (
    "before",
    "What stood there in the version before; null where there was nothing.",
);
const AFTER: (&str, &str) = (
    "after",
    "What stands there since; null where there is nothing any more.",
);

/// Beside the index itself, which is each engine's own and so is described in words alone.
pub(super) const SEARCH_LONG_MESSAGES: Object = Object {
    name: "search_long_messages",
    purpose: "A message too long for search_index; a search reads it itself.",
    columns: &[("message_key", "The message: messages.key.")],
    references: &[Reference {
        column: "message_key",
        table: "messages",
        many: Many::AtMostOne,
    }],
};

pub(super) const MESSAGE_CHANGES: Object = Object {
    name: "message_changes",
    purpose: "What differs between the JSON of a version and of the last one before it that had any.",
    columns: &[
        ("message_key", "The message: messages.key."),
        ("version", "The later version: message_versions.version."),
        (
            "position",
            "The order of the changes of one version, from 0.",
        ),
        PATH,
        BEFORE,
        AFTER,
    ],
    references: &[any("message_key", "messages")],
};
