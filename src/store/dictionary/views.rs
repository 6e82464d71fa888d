//! The views of an archive in words: the public contract for analysts.

use super::{
    Object, people,
    tables::{
        DICTIONARY_COLUMN, DICTIONARY_MEANING, DICTIONARY_OBJECT, DICTIONARY_POSITION, RUN_COLUMNS,
    },
};

pub(super) const ALL: &[Object] = &[
    MESSAGES,
    people::MESSAGE_GAPS,
    CONVERSATIONS,
    people::COVERAGE,
    people::RESPONSE_TIMES,
    people::RESPONSE_TIMES_BY_DAY,
    people::DAILY_VOLUME,
    people::QUICK_REPLY_FUNNEL,
    MESSAGE_HISTORY,
    people::MESSAGE_CHANGES_VIEW,
    people::DELETED,
    QUICK_REPLY_OPTIONS,
    QUICK_REPLIES,
    ATTACHMENTS,
    LOCATIONS,
    SHARED_CONTACTS,
    TEMPLATE_VARIABLES,
    ANOMALIES,
    SENDERS,
    CONVERSATION_LINKS,
    RUNS,
    RUN_CONVERSATIONS,
    FAILURES,
    people::ARCHIVE_VIEW,
    DATA_DICTIONARY,
];

const MESSAGE_ID: (&str, &str) = ("message_id", "The message: v_messages.id.");
const CONVERSATION_ID: (&str, &str) = ("conversation_id", "The conversation: v_conversations.id.");
const FIRST_SEEN_RUN: (&str, &str) = ("first_seen_run", "The run that saw it first: v_runs.id.");

const MESSAGES: Object = Object {
    name: "v_messages",
    purpose: "Every message in its current state; deleted ones stay, with deleted_at set.",
    columns: &[
        (
            "id",
            "The message's id, or sha256: and a hash where the gateway gave none.",
        ),
        CONVERSATION_ID,
        (
            "organization_id",
            "The organisation that the message names.",
        ),
        (
            "business_unit_id",
            "The business unit that the message names.",
        ),
        ("sender_id", "Who sent it, as received: v_senders.id."),
        (
            "sender_kind",
            "contact (con_…: a customer), user (u_…: a person or a bot) or unknown.",
        ),
        (
            "direction",
            "inbound (from a contact), outbound (from a user) or unknown.",
        ),
        ("type", "The declared type exactly as received."),
        (
            "media_kind",
            "What its file seems to be: image, video, audio, sticker, pdf, csv or file; null without a file.",
        ),
        ("title", "The title, where there is one."),
        (
            "text",
            "The words of the message, wherever in the JSON they were; templates filled in.",
        ),
        (
            "is_mail",
            "Whether it is an e-mail; null where it does not say.",
        ),
        ("created_at", "When it was created, by the gateway's clock."),
        (
            "updated_at",
            "When it was last changed, by the gateway's clock.",
        ),
        (
            "version",
            "How many states of it were observed: v_message_history.version of the current one.",
        ),
        FIRST_SEEN_RUN,
        (
            "deleted_at",
            "The first time it was not listed any more, set once that was confirmed; null while it lives.",
        ),
        (
            "missing_since",
            "Since when the gateway does not list it, confirmed or not; null while it does.",
        ),
        (
            "stream_id",
            "What the chunks of one streamed answer have in common.",
        ),
        (
            "stream_sequence",
            "The place of a chunk in a streamed answer.",
        ),
        (
            "created_ms",
            "created_at in milliseconds since 1970, UTC: for sums that are the same on both engines.",
        ),
        people::LOCAL_DAY,
        ("local_hour", "Its hour in that zone, 0 to 23."),
        (
            "local_weekday",
            "Its day of the week in that zone, 1 for Monday to 7.",
        ),
        (
            "sender_name",
            "The sender's imported name; null until there is one.",
        ),
        ("sender_team", "The sender's imported team."),
        (
            "sender_is_bot",
            "Whether the sender is a bot; null where nobody has said so.",
        ),
    ],
    references: &[],
};

const CONVERSATIONS: Object = Object {
    name: "v_conversations",
    purpose: "Every conversation that was ever listed, with how much of it is proven.",
    columns: &[
        ("id", "The conversation's id as it was listed."),
        ("organization_id", "The organisation, as its messages say."),
        (
            "business_unit_id",
            "The business unit, as its messages say.",
        ),
        (
            "state",
            "The outcome of the last run that attempted it: pending (never attempted), complete, partial, gone, forbidden or failed.",
        ),
        (
            "reason",
            "Why it is in that state; null where it is complete.",
        ),
        ("message_count", "Archived messages that are not deleted."),
        ("first_message_at", "created_at of the oldest of them."),
        ("last_message_at", "created_at of the newest of them."),
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
        ("state_since", "Since when it is in that state."),
        (
            "tail_proof",
            "How its beginning was proven: count, empty_page, or short_page, the weaker one.",
        ),
        (
            "first_listed_run",
            "The run that listed it first: v_runs.id.",
        ),
        ("last_run", "The last run that attempted it: v_runs.id."),
        (
            "inbound_count",
            "Of the message_count, those from contacts.",
        ),
        ("outbound_count", "Those from users."),
        ("text_count", "Those of type text without a file."),
        ("media_count", "Those with a file, of any type."),
        (
            "response_count",
            "Those of type response: offers of options.",
        ),
        ("quick_reply_count", "Those of type quick_reply: choices."),
        (
            "other_count",
            "Those of other types without a file; the five add up.",
        ),
        ("deleted_count", "Archived messages that are deleted."),
        (
            "first_response_ms",
            "Milliseconds from the contact's first message to the first one of a user after it.",
        ),
    ],
    references: &[],
};

const MESSAGE_HISTORY: Object = Object {
    name: "v_message_history",
    purpose: "Every state of every message that was ever observed, with the JSON as received.",
    columns: &[
        MESSAGE_ID,
        CONVERSATION_ID,
        ("version", "The number of the version, from 1."),
        (
            "event",
            "What happened: created (first seen), edited, restored (an older state that counts again), deleted or reappeared.",
        ),
        (
            "observed_at",
            "When the page was requested that showed it, on the gateway's clock.",
        ),
        (
            "recorded_at",
            "When it was committed, by the clock of the run's machine.",
        ),
        ("run_id", "The run that recorded it: v_runs.id."),
        (
            "raw",
            "The message's JSON exactly as received; null where the event brought none.",
        ),
        ("sha256", "The SHA-256 of raw in lower-case hexadecimal."),
        (
            "changed",
            "What differs from the version before, as places in the JSON: v_message_changes.path; null where nothing does, or it is not looked at yet.",
        ),
    ],
    references: &[],
};

const QUICK_REPLY_OPTIONS: Object = Object {
    name: "v_quick_reply_options",
    purpose: "The options that messages of type response offer, one row an option.",
    columns: &[
        MESSAGE_ID,
        ("position", "The place in the list, from 0."),
        (
            "option_id",
            "The option's id; a number or a string as received.",
        ),
        ("content_type", "The kind of option."),
        ("title", "The caption."),
        (
            "payload",
            "What it sends when it is pressed: joins v_quick_replies.payload in the same conversation.",
        ),
        ("description", "A longer description, where there is one."),
        CONVERSATION_ID,
        (
            "answered",
            "Whether this option was answered with; null where nothing is answered.",
        ),
    ],
    references: &[],
};

const QUICK_REPLIES: Object = Object {
    name: "v_quick_replies",
    purpose: "The option that a contact chose, one row a message of type quick_reply.",
    columns: &[
        MESSAGE_ID,
        ("title", "The caption of the button."),
        (
            "payload",
            "What the button sends; repeats the option's payload.",
        ),
        ("description", "A longer description, where there was one."),
        CONVERSATION_ID,
    ],
    references: &[],
};

const ATTACHMENTS: Object = Object {
    name: "v_attachments",
    purpose: "The files that messages carry, at most one a message.",
    columns: &[
        MESSAGE_ID,
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
        CONVERSATION_ID,
        ("sender_id", "Who sent it, as received: v_senders.id."),
        (
            "direction",
            "inbound (from a contact), outbound (from a user) or unknown.",
        ),
        ("created_at", "When the message was created."),
        (
            "deleted_at",
            "When the message was gone from the gateway; null while it lives.",
        ),
    ],
    references: &[],
};

const LOCATIONS: Object = Object {
    name: "v_locations",
    purpose: "The places that messages share.",
    columns: &[
        MESSAGE_ID,
        ("latitude", "Degrees north."),
        ("longitude", "Degrees east."),
        ("name", "The name of the place."),
        ("address", "The address of the place."),
        CONVERSATION_ID,
    ],
    references: &[],
};

const SHARED_CONTACTS: Object = Object {
    name: "v_shared_contacts",
    purpose: "The contact cards that messages share, one row a card.",
    columns: &[
        MESSAGE_ID,
        ("position", "The place in the list, from 0."),
        ("name", "The person's name."),
        ("phone_number", "The first phone number."),
        ("email", "The first e-mail address."),
        CONVERSATION_ID,
    ],
    references: &[],
};

const TEMPLATE_VARIABLES: Object = Object {
    name: "v_template_variables",
    purpose: "What was filled into the placeholders of templates.",
    columns: &[
        MESSAGE_ID,
        ("position", "The number in the placeholder, from 1."),
        ("value", "What was filled in."),
        CONVERSATION_ID,
    ],
    references: &[],
};

const ANOMALIES: Object = Object {
    name: "v_anomalies",
    purpose: "What was odd about messages: stored whole all the same, and worth a look.",
    columns: &[
        CONVERSATION_ID,
        MESSAGE_ID,
        (
            "version",
            "The version that was odd: v_message_history.version.",
        ),
        ("kind", "What kind of oddity, such as unknown_type."),
        ("path", "Where in the JSON; empty for the message itself."),
        ("detail", "What was found, without any text of the message."),
        (
            "position",
            "The order of the oddities of one version, from 0.",
        ),
    ],
    references: &[],
};

const SENDERS: Object = Object {
    name: "v_senders",
    purpose: "Everybody who sent an archived message; the gateway gives no names, so they are imported.",
    columns: &[
        ("id", "The sender's id as received."),
        (
            "kind",
            "contact (con_…: a customer), user (u_…: a person or a bot) or unknown.",
        ),
        FIRST_SEEN_RUN,
        people::NAME,
        people::IS_BOT,
        people::TEAM,
        people::IMPORTED_AT,
    ],
    references: &[],
};

const CONVERSATION_LINKS: Object = Object {
    name: "v_conversation_links",
    purpose: "What the gateway said about phone numbers, unmatched ones too.",
    columns: &[
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
        ("last_seen_run", "The run that saw it last: v_runs.id."),
    ],
    references: &[],
};

const RUNS: Object = Object {
    name: "v_runs",
    purpose: "Every run of the program on this archive: the same facts as its report.",
    columns: RUN_COLUMNS,
    references: &[],
};

const RUN_CONVERSATIONS: Object = Object {
    name: "v_run_conversations",
    purpose: "What a run did to a conversation that changed or is not complete; v_runs counts the rest.",
    columns: &[
        ("run_id", "The run: v_runs.id."),
        CONVERSATION_ID,
        ("state", "The outcome, as v_conversations.state."),
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
    references: &[],
};

const FAILURES: Object = Object {
    name: "v_failures",
    purpose: "Why conversations were not complete, one row each time it happened.",
    columns: &[
        (
            "conversation_id",
            "The conversation: v_conversations.id; null where it is the run's own failure.",
        ),
        ("run_id", "The run that met it: v_runs.id."),
        ("class", "What class of trouble, such as gone or timeout."),
        ("reason", "What happened, in words."),
        ("occurred_at", "When, by the clock of the run's machine."),
        (
            "resolved_run",
            "The run that completed the conversation later; null while it is not.",
        ),
        ("waived_at", "When somebody waived it; null if nobody did."),
        ("waived_reason", "Why it was waived."),
        ("key", "The number of the failure in this archive."),
        ("is_open", "Whether it is neither resolved nor waived."),
    ],
    references: &[],
};

const DATA_DICTIONARY: Object = Object {
    name: "v_data_dictionary",
    purpose: "What each table, view and column of this archive means.",
    columns: &[
        DICTIONARY_OBJECT,
        DICTIONARY_COLUMN,
        DICTIONARY_MEANING,
        DICTIONARY_POSITION,
    ],
    references: &[],
};
