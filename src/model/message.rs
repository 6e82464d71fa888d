//! A message as rows: what normalising one raw item gives.

use super::{MessageId, Timestamp};

/// Text of a message: a part of its raw JSON wherever nothing was escaped there, so that it is neither
/// allocated nor copied. It keeps the whole of what it is a part of in memory.
pub use bytestring::ByteString as Text;

/// One message, decoded: the row of `messages` and the rows of the tables around it.
///
/// Every decoded string has passed one function: U+0000 and lone surrogates are U+FFFD.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The gateway's id, or `sha256:` and the hash of [`Message::raw`] where it gave none.
    pub id: MessageId,
    /// The organisation that the message says it belongs to.
    pub organization_id: Option<Text>,
    /// The business unit that the message says it belongs to.
    pub business_unit_id: Option<Text>,
    /// `from` as received: `con_…`, `u_…` or anything else.
    pub sender_id: Option<Text>,
    /// What the prefix of the sender's id says.
    pub sender_kind: SenderKind,
    /// From the contact or to the contact, derived from the kind of sender.
    pub direction: Direction,
    /// The declared type exactly as received; `None` where it is missing or not a string.
    pub kind: Option<Text>,
    /// What the attachment really seems to be, derived from its URL and the declared type.
    pub media_kind: Option<MediaKind>,
    /// The title, where the content has one that is not empty.
    pub title: Option<Text>,
    /// The words of the message, wherever they were; filled for every type that has words.
    pub text: Option<Text>,
    /// `content.is_mail`.
    pub is_mail: Option<bool>,
    /// `content.message_id`: shared by the chunks of one streamed answer (facts.md 1.3).
    pub stream_id: Option<Text>,
    /// `content.sequence_number` of a streamed answer.
    pub stream_sequence: Option<i64>,
    /// When the message was created, by the gateway's clock; `None` where it is unreadable.
    pub created_at: Option<Timestamp>,
    /// When the message was last changed, by the gateway's clock.
    pub updated_at: Option<Timestamp>,
    /// The JSON of the message exactly as received.
    pub raw: Text,
    /// SHA-256 of the bytes of [`Message::raw`].
    pub sha256: [u8; 32],
    /// Which option a contact chose, for `quick_reply`.
    pub quick_reply: Option<Box<QuickReply>>,
    /// The options that a `response` offers, in order.
    pub quick_reply_options: Vec<QuickReplyOption>,
    /// The file, for types that carry one.
    pub attachment: Option<Box<Attachment>>,
    /// The place, for `location`.
    pub location: Option<Box<Location>>,
    /// The contacts shared, for `contact`, in order.
    pub shared_contacts: Vec<SharedContact>,
    /// The variables of a template, in order, the first is `{{1}}`.
    pub template_variables: Vec<TemplateVariable>,
    /// What was odd about the message.
    pub anomalies: Vec<Anomaly>,
}

/// Who sent a message, as far as the id tells (facts.md section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SenderKind {
    /// `con_…`: a customer.
    Contact,
    /// `u_…`: a person of the organisation or a bot; the id does not say which.
    User,
    /// Any other id, or none.
    Unknown,
}

impl SenderKind {
    /// The word stored in the archive: `contact`, `user` or `unknown`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::User => "user",
            Self::Unknown => "unknown",
        }
    }
}

/// Which way a message went, seen from the organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From a contact.
    Inbound,
    /// From a user or a bot.
    Outbound,
    /// The sender does not tell.
    Unknown,
}

impl Direction {
    /// The word stored in the archive: `inbound`, `outbound` or `unknown`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
            Self::Unknown => "unknown",
        }
    }
}

/// What an attachment seems to be. The declared type is kept apart, it is not reliable
/// (facts.md 1.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// A picture.
    Image,
    /// A film.
    Video,
    /// Sound, voice notes included.
    Audio,
    /// A sticker.
    Sticker,
    /// A PDF.
    Pdf,
    /// A CSV table.
    Csv,
    /// Any other file.
    File,
}

impl MediaKind {
    /// The word stored in the archive: `image`, `video`, `audio`, `sticker`, `pdf`, `csv`, `file`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Sticker => "sticker",
            Self::Pdf => "pdf",
            Self::Csv => "csv",
            Self::File => "file",
        }
    }
}

/// The option that a contact pressed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct QuickReply {
    /// The caption of the button.
    pub title: Option<Text>,
    /// What the button sends; repeats the payload of the option in the earlier `response`.
    pub payload: Option<Text>,
    /// A longer description, where the option had one.
    pub description: Option<Text>,
}

/// One option that a `response` offers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct QuickReplyOption {
    /// Place in the list, from 0.
    pub position: u32,
    /// The id, a number or a string on the wire, text here.
    pub option_id: Option<Text>,
    /// The kind of option, `text` in every sample.
    pub content_type: Option<Text>,
    /// The caption.
    pub title: Option<Text>,
    /// What it sends when it is pressed.
    pub payload: Option<Text>,
    /// A longer description.
    pub description: Option<Text>,
    /// Whether the message's `answered` names this option; `None` where nothing is answered.
    pub answered: Option<bool>,
}

/// A file that a message carries.
#[derive(Debug, Clone, PartialEq)]
pub struct Attachment {
    /// Where the file is, as received.
    pub url: Text,
    /// The host of the URL, lower case; `None` where the URL cannot be parsed.
    pub host: Option<Text>,
    /// The message's type as received.
    pub declared_type: Option<Text>,
    /// What the file seems to be.
    pub media_kind: MediaKind,
    /// The caption, where it is not empty.
    pub caption: Option<Text>,
}

/// A place that was shared.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Location {
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
    /// The name of the place.
    pub name: Option<Text>,
    /// The address of the place.
    pub address: Option<Text>,
}

/// A contact card that was shared.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SharedContact {
    /// Place in the list, from 0.
    pub position: u32,
    /// The person's name.
    pub name: Option<Text>,
    /// The first phone number.
    pub phone_number: Option<Text>,
    /// The first e-mail address.
    pub email: Option<Text>,
}

/// One variable of a template.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateVariable {
    /// The number in the placeholder, from 1.
    pub position: u32,
    /// What is filled in.
    pub value: Option<Text>,
}

/// Something odd about data from the gateway: kept as a value, counted, stored, reported.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Anomaly {
    /// What kind of oddity.
    pub kind: AnomalyKind,
    /// Where: a path such as `content.quick_replies[2].id`; empty for the message itself.
    pub path: String,
    /// What was found, in a few words and without any text of the message.
    pub detail: String,
}

/// The kinds of oddities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AnomalyKind {
    /// The type is not one that is known.
    UnknownType,
    /// The type is known, the shape of its content is not.
    UnknownShape,
    /// A field that is always there is missing or null.
    MissingField,
    /// A field has another JSON type than it should.
    WrongType,
    /// A time that cannot be read.
    UnreadableTime,
    /// A string that held U+0000 or a lone surrogate.
    ReplacedCharacters,
    /// The same key twice in one object; the last one counts.
    DuplicateKey,
    /// Nested deeper than is decoded; kept raw.
    TooDeep,
    /// A field that names another conversation than the one asked for.
    ForeignConversation,
    /// The created time of a known message changed.
    CreatedAtChanged,
}

impl AnomalyKind {
    /// The word stored in the archive.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownType => "unknown_type",
            Self::UnknownShape => "unknown_shape",
            Self::MissingField => "missing_field",
            Self::WrongType => "wrong_type",
            Self::UnreadableTime => "unreadable_time",
            Self::ReplacedCharacters => "replaced_characters",
            Self::DuplicateKey => "duplicate_key",
            Self::TooDeep => "too_deep",
            Self::ForeignConversation => "foreign_conversation",
            Self::CreatedAtChanged => "created_at_changed",
        }
    }
}

impl Message {
    /// Whether the type or the shape is one that convault does not know: counted as
    /// `messages.unrecognised` in the report.
    pub fn is_unrecognised(&self) -> bool {
        self.anomalies.iter().any(|anomaly| {
            matches!(
                anomaly.kind,
                AnomalyKind::UnknownType | AnomalyKind::UnknownShape
            )
        })
    }
}
