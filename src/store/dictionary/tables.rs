//! The tables of an archive in words. Internals: the views are the contract.

use super::{Many, Object, Reference, people};

pub(super) const ALL: &[Object] = &[
    ARCHIVE,
    RUNS,
    CONVERSATIONS,
    CONVERSATION_PROOFS,
    COVERAGE_PIECES,
    MESSAGES,
    MESSAGE_VERSIONS,
    QUICK_REPLIES,
    QUICK_REPLY_OPTIONS,
    ATTACHMENTS,
    LOCATIONS,
    SHARED_CONTACTS,
    TEMPLATE_VARIABLES,
    SENDERS,
    CONVERSATION_LINKS,
    ABSENCES,
    ANOMALIES,
    FAILURES,
    RUN_CONVERSATIONS,
    DATA_DICTIONARY,
    people::TIME_ZONE_OFFSETS,
    people::SENDER_NAMES,
    people::MESSAGE_CHANGES,
    people::SEARCH_LONG_MESSAGES,
];

const OWN_KEY: (&str, &str) = ("key", "The row's number in this archive.");
const CONVERSATION_KEY: (&str, &str) = ("conversation_key", "The conversation: conversations.key.");
const MESSAGE_KEY: (&str, &str) = ("message_key", "The message: messages.key.");
const FIRST_SEEN_RUN: (&str, &str) = ("first_seen_run", "The run that saw it first.");

pub(super) const fn any(column: &'static str, table: &'static str) -> Reference {
    Reference {
        column,
        table,
        many: Many::Any,
    }
}

const fn at_most_one(column: &'static str, table: &'static str) -> Reference {
    Reference {
        column,
        table,
        many: Many::AtMostOne,
    }
}

const ARCHIVE: Object = Object {
    name: "archive",
    purpose: "One row: which gateway this archive belongs to, and who may write it.",
    columns: &[
        ("only_row", "Always 1: there is one row."),
        (
            "gateway_url",
            "The gateway whose conversations these are; null until the first run.",
        ),
        (
            "epoch",
            "Raised by each holder of the lock; a writer with an older one is refused.",
        ),
        (
            "batch_seq",
            "Raised by each committed batch, so that a commit whose answer was lost can be told.",
        ),
        ("created_at", "When the archive was made."),
        (
            "renormalized_to",
            "The last messages.key that an interrupted renormalize rebuilt; null when none is under way.",
        ),
        (
            "time_zone",
            "The zone of local days, a name of the IANA database; null is UTC.",
        ),
        (
            "indexed_to",
            "Messages up to this messages.key are in search_index; a search reads the others itself.",
        ),
        (
            "terms_version",
            "By which rules their words were cut into terms; by others, the index is made anew.",
        ),
    ],
    references: &[],
};

/// The columns of `runs`, the same in `v_runs`.
pub(super) const RUN_COLUMNS: &[(&str, &str)] = &[
    ("id", "The number of the run in this archive, from 1."),
    ("command", "The command, such as sync."),
    ("program_version", "The version of convault that ran."),
    ("holder", "Who ran it: process and host."),
    (
        "started_at",
        "When it started, by the clock of its machine.",
    ),
    (
        "finished_at",
        "When it finished; null while it runs, and for ever if it was killed.",
    ),
    (
        "outcome",
        "How it ended: complete, incomplete, or the reason it stopped early.",
    ),
    ("exit_code", "The exit code of the process."),
    (
        "conversations_listed",
        "Conversations in its list, duplicates folded.",
    ),
    ("conversations_complete", "Of these, proven complete."),
    ("conversations_partial", "Of these, read in part."),
    (
        "conversations_gone",
        "Of these, gone by the gateway's word, and not waived.",
    ),
    (
        "conversations_forbidden",
        "Of these, forbidden by the gateway, and not waived.",
    ),
    (
        "conversations_failed",
        "Of these, not read for another reason, and not waived.",
    ),
    (
        "conversations_waived",
        "Of these, not complete, and waived by somebody.",
    ),
    (
        "conversations_empty",
        "Of the complete ones, those without a message at first sight: check the id.",
    ),
    (
        "conversations_not_reached",
        "Of these, not attempted or not finished before the run stopped.",
    ),
    ("messages_new", "Messages seen for the first time."),
    ("messages_changed", "Known messages with different content."),
    ("messages_deleted", "Messages newly marked as deleted."),
    (
        "messages_unchanged",
        "Known and equal messages, counted once for each page they were on.",
    ),
    (
        "messages_unrecognised",
        "New or changed messages of a type or shape that is not known.",
    ),
    ("requests_total", "Requests sent, retries included."),
    ("requests_retried", "Requests that repeated an earlier one."),
    ("requests_throttled", "Requests that were answered 429."),
    (
        "requests_planned",
        "Requests planned before the first one; null where nothing could be planned.",
    ),
    (
        "requests_swept",
        "Requests spent on looking again at what was proven before.",
    ),
];

const RUNS: Object = Object {
    name: "runs",
    purpose: "One row a run of the program on this archive.",
    columns: RUN_COLUMNS,
    references: &[],
};

const CONVERSATIONS: Object = Object {
    name: "conversations",
    purpose: "One row a conversation that was ever listed.",
    columns: &[
        OWN_KEY,
        ("id", "The conversation's id as it was listed."),
        ("organization_id", "The organisation, as its messages say."),
        (
            "business_unit_id",
            "The business unit, as its messages say.",
        ),
        (
            "state",
            "The outcome of the last run that attempted it: pending, complete, partial, gone, forbidden or failed.",
        ),
        (
            "reason",
            "Why it is in that state; null where it is complete.",
        ),
        ("state_since", "Since when it is in that state."),
        ("first_listed_run", "The run that listed it first."),
        ("last_run", "The last run that attempted it."),
        (
            "live_count",
            "Archived messages that are neither missing nor deleted.",
        ),
        (
            "unlisted",
            "How many more the gateway counts than it lists; null until it is learnt.",
        ),
        (
            "tail_proof",
            "How its beginning was proven: count, empty_page or short_page (the weaker one).",
        ),
        (
            "full_since",
            "When a second cover was begun that is not whole yet.",
        ),
        (
            "unlisted_moves",
            "Runs in a row in which the number of unlisted messages came out different.",
        ),
        (
            "count_steady_runs",
            "Null while the gateway's count is trusted; else runs in a row with one difference since it was not.",
        ),
    ],
    references: &[any("first_listed_run", "runs"), any("last_run", "runs")],
};

const CONVERSATION_PROOFS: Object = Object {
    name: "conversation_proofs",
    purpose: "What is proven of a conversation; apart, because it is rewritten at every run.",
    columns: &[
        CONVERSATION_KEY,
        (
            "checked_at",
            "The last time that head and count agreed with the archive.",
        ),
        (
            "proven_at",
            "How old the oldest page is that the proof rests on; null while there is a hole.",
        ),
        (
            "horizon",
            "Everything created before it is proven to be archived.",
        ),
        (
            "swept_below",
            "Where the sweep goes on, below this time; null: at the newest message.",
        ),
    ],
    references: &[at_most_one("conversation_key", "conversations")],
};

const COVERAGE_PIECES: Object = Object {
    name: "coverage_pieces",
    purpose: "The ledger: open intervals of created_at that are proven; the gaps are the holes.",
    columns: &[
        CONVERSATION_KEY,
        (
            "layer",
            "0: the cover in force; 1: the one that --full is building; 2: times passed over, which more messages share than fit a page.",
        ),
        ("position", "The order of the pieces, oldest first, from 0."),
        ("after_time", "The open lower end; null is the beginning."),
        (
            "before_time",
            "The open upper end; null is the newest message.",
        ),
        (
            "sent_at",
            "When the oldest page was requested that the piece rests on.",
        ),
        (
            "settled",
            "Whether the piece is cut back to what is final: the next run does that to it.",
        ),
    ],
    references: &[any("conversation_key", "conversations")],
};

const MESSAGES: Object = Object {
    name: "messages",
    purpose: "The current state of each message, one row a message of a conversation.",
    columns: &[
        OWN_KEY,
        CONVERSATION_KEY,
        (
            "id",
            "The message's id, or sha256: and a hash where the gateway gave none.",
        ),
        (
            "organization_id",
            "The organisation that the message names.",
        ),
        (
            "business_unit_id",
            "The business unit that the message names.",
        ),
        ("sender_id", "Who sent it, as received: senders.id."),
        ("type", "The declared type exactly as received."),
        (
            "media_kind",
            "What its file seems to be: image, video, audio, sticker, pdf, csv or file.",
        ),
        ("title", "The title, where there is one."),
        (
            "text",
            "The words of the message, wherever in the JSON they were.",
        ),
        (
            "is_mail",
            "Whether it is an e-mail; null where it does not say.",
        ),
        (
            "stream_id",
            "What the chunks of one streamed answer have in common.",
        ),
        (
            "stream_sequence",
            "The place of a chunk in a streamed answer.",
        ),
        ("created_at", "When it was created, by the gateway's clock."),
        (
            "updated_at",
            "When it was last changed, by the gateway's clock.",
        ),
        (
            "version",
            "The number of the current version in message_versions.",
        ),
        (
            "digest",
            "The first 16 bytes of the SHA-256 of the current raw JSON.",
        ),
        (
            "observed_at",
            "When the page was requested that the current state is from.",
        ),
        FIRST_SEEN_RUN,
        (
            "missing_since",
            "When a page first showed that it is not listed any more; null while it is.",
        ),
        ("missing_run", "The run that missed it first."),
        (
            "deleted_at",
            "The first absence, set once a second one confirmed it; null while it lives.",
        ),
        (
            "observed_run",
            "The run of observed_at; null where an older program wrote the row.",
        ),
        (
            "older_digest",
            "The first 16 bytes of the SHA-256 of a state with an older updated_at that the gateway showed later; null while there is none.",
        ),
        (
            "older_since",
            "When the first page was requested that showed that older state.",
        ),
        ("older_run", "The run of older_since."),
    ],
    references: &[
        any("conversation_key", "conversations"),
        any("first_seen_run", "runs"),
        any("missing_run", "runs"),
    ],
};

const MESSAGE_VERSIONS: Object = Object {
    name: "message_versions",
    purpose: "Every state of a message that was ever observed; only ever appended to.",
    columns: &[
        MESSAGE_KEY,
        ("version", "The number of the version, from 1."),
        (
            "event",
            "What happened: created (first seen), edited, restored (an older state that counts again), deleted or reappeared.",
        ),
        ("observed_at", "When the page was requested that showed it."),
        ("recorded_at", "When it was committed to the archive."),
        ("run_id", "The run that recorded it."),
        (
            "raw",
            "The message's JSON exactly as received; null where the event brought none.",
        ),
        ("sha256", "The SHA-256 of raw, as bytes."),
    ],
    references: &[any("message_key", "messages"), any("run_id", "runs")],
};

const QUICK_REPLIES: Object = Object {
    name: "quick_replies",
    purpose: "What a contact chose, for messages of type quick_reply.",
    columns: &[
        MESSAGE_KEY,
        ("title", "The caption of the button."),
        (
            "payload",
            "What the button sends; repeats the option's payload.",
        ),
        ("description", "A longer description, where there was one."),
    ],
    references: &[at_most_one("message_key", "messages")],
};

const QUICK_REPLY_OPTIONS: Object = Object {
    name: "quick_reply_options",
    purpose: "The options that a message of type response offers, in order.",
    columns: &[
        MESSAGE_KEY,
        ("position", "The place in the list, from 0."),
        (
            "option_id",
            "The option's id; a number or a string as received.",
        ),
        ("content_type", "The kind of option."),
        ("title", "The caption."),
        ("payload", "What it sends when it is pressed."),
        ("description", "A longer description, where there is one."),
        (
            "answered",
            "Whether this option was answered with; null where nothing is answered.",
        ),
    ],
    references: &[any("message_key", "messages")],
};

const ATTACHMENTS: Object = Object {
    name: "attachments",
    purpose: "The file that a message carries, at most one.",
    columns: &[
        MESSAGE_KEY,
        (
            "url",
            "Where the file is, as received; the file itself is not archived.",
        ),
        (
            "host",
            "The host of the URL; null where it cannot be parsed.",
        ),
        (
            "declared_type",
            "The message's type as received; not reliable.",
        ),
        (
            "media_kind",
            "What it seems to be: image, video, audio, sticker, pdf, csv or file.",
        ),
        ("caption", "The caption, where it is not empty."),
    ],
    references: &[at_most_one("message_key", "messages")],
};

const LOCATIONS: Object = Object {
    name: "locations",
    purpose: "The place that a message shares.",
    columns: &[
        MESSAGE_KEY,
        ("latitude", "Degrees north."),
        ("longitude", "Degrees east."),
        ("name", "The name of the place."),
        ("address", "The address of the place."),
    ],
    references: &[at_most_one("message_key", "messages")],
};

const SHARED_CONTACTS: Object = Object {
    name: "shared_contacts",
    purpose: "The contact cards that a message shares, in order.",
    columns: &[
        MESSAGE_KEY,
        ("position", "The place in the list, from 0."),
        ("name", "The person's name."),
        ("phone_number", "The first phone number."),
        ("email", "The first e-mail address."),
    ],
    references: &[any("message_key", "messages")],
};

const TEMPLATE_VARIABLES: Object = Object {
    name: "template_variables",
    purpose: "What was filled into the placeholders of a template.",
    columns: &[
        MESSAGE_KEY,
        ("position", "The number in the placeholder, from 1."),
        ("value", "What was filled in."),
    ],
    references: &[any("message_key", "messages")],
};

const SENDERS: Object = Object {
    name: "senders",
    purpose: "Everybody who sent an archived message.",
    columns: &[
        ("id", "The sender's id as received."),
        (
            "kind",
            "contact (con_…), user (u_…: a person or a bot) or unknown.",
        ),
        FIRST_SEEN_RUN,
    ],
    references: &[any("first_seen_run", "runs")],
};

const CONVERSATION_LINKS: Object = Object {
    name: "conversation_links",
    purpose: "What the gateway said about phone numbers, unmatched ones too.",
    columns: &[
        OWN_KEY,
        ("phone_number", "The number as it was asked for."),
        (
            "conversation_id",
            "A conversation of that number; null where it has none.",
        ),
        ("link", "The link as received."),
        (
            "created_at",
            "When the link was made, by the gateway's clock.",
        ),
        FIRST_SEEN_RUN,
        ("last_seen_run", "The run that saw it last."),
    ],
    references: &[any("first_seen_run", "runs"), any("last_seen_run", "runs")],
};

const ABSENCES: Object = Object {
    name: "absences",
    purpose: "The evidence that a message is gone: the pages of its place that did not hold it.",
    columns: &[
        MESSAGE_KEY,
        (
            "strike",
            "1 for the first absence, 2 for the one that confirmed it in a later run.",
        ),
        ("run_id", "The run whose page it was."),
        (
            "sent_at",
            "When the page was requested, on the gateway's clock.",
        ),
        (
            "after_time",
            "The open lower end of what the page speaks for; null is the oldest message.",
        ),
        (
            "before_time",
            "The open upper end; null is the newest message.",
        ),
    ],
    references: &[any("message_key", "messages"), any("run_id", "runs")],
};

const ANOMALIES: Object = Object {
    name: "anomalies",
    purpose: "What was odd about a version of a message, one row an oddity.",
    columns: &[
        MESSAGE_KEY,
        ("version", "The version that was odd."),
        (
            "position",
            "The order of the oddities of one version, from 0.",
        ),
        ("kind", "What kind of oddity, such as unknown_type."),
        ("path", "Where in the JSON; empty for the message itself."),
        ("detail", "What was found, without any text of the message."),
    ],
    references: &[any("message_key", "messages")],
};

const FAILURES: Object = Object {
    name: "failures",
    purpose: "Why a conversation was not complete, one row each time it happened.",
    columns: &[
        OWN_KEY,
        ("run_id", "The run that met it."),
        (
            "conversation_key",
            "The conversation: conversations.key; null where it is the run's own.",
        ),
        ("class", "What class of trouble, such as gone or timeout."),
        ("reason", "What happened, in words."),
        ("occurred_at", "When, by the clock of the run's machine."),
        (
            "resolved_run",
            "The run that completed the conversation; null while open.",
        ),
        ("waived_at", "When somebody waived it."),
        ("waived_reason", "Why it was waived."),
        (
            "unlisted",
            "Messages counted and not listed then, for a count_deficit; a waiver is good for so many.",
        ),
    ],
    references: &[
        any("run_id", "runs"),
        any("conversation_key", "conversations"),
        any("resolved_run", "runs"),
    ],
};

const RUN_CONVERSATIONS: Object = Object {
    name: "run_conversations",
    purpose: "What a run did to a conversation that changed or is not complete.",
    columns: &[
        ("run_id", "The run."),
        CONVERSATION_KEY,
        ("state", "The outcome, as conversations.state."),
        ("reason", "Why; null where it is complete."),
        ("messages_new", "Messages of it seen for the first time."),
        (
            "messages_changed",
            "Known messages of it with different content.",
        ),
        (
            "messages_deleted",
            "Messages of it newly marked as deleted.",
        ),
        ("requests", "Requests spent on it, retries not counted."),
        (
            "finished_at",
            "When it was done, by the clock of the run's machine.",
        ),
    ],
    references: &[
        any("run_id", "runs"),
        any("conversation_key", "conversations"),
    ],
};

/// The columns of `data_dictionary`, which `v_data_dictionary` shows in another order.
pub(super) const DICTIONARY_OBJECT: (&str, &str) = ("object", "The table or view.");
pub(super) const DICTIONARY_POSITION: (&str, &str) = (
    "position",
    "The place of the column, from 1; 0 for the object itself.",
);
pub(super) const DICTIONARY_COLUMN: (&str, &str) =
    ("column_name", "The column; null for the object itself.");
pub(super) const DICTIONARY_MEANING: (&str, &str) = ("meaning", "What it means.");

const DATA_DICTIONARY: Object = Object {
    name: "data_dictionary",
    purpose: "This description, inside the archive.",
    columns: &[
        DICTIONARY_OBJECT,
        DICTIONARY_POSITION,
        DICTIONARY_COLUMN,
        DICTIONARY_MEANING,
    ],
    references: &[],
};
