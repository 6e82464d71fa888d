//! Messages and pages to write.

use convault::{
    model::{
        Attachment, ConversationKey, ConversationState, Direction, Failure, FailureClass, Location,
        MediaKind, Message, MessageCounts, MessageId, Piece, QuickReply, QuickReplyOption,
        SenderKind, SharedContact, TemplateVariable,
    },
    store::{ConversationOutcome, PageWrite},
};
use sha2::{Digest as _, Sha256};

use super::place::time;

/// A message of type text whose raw JSON says `raw`.
pub(super) fn message(id: &str, created_ms: i64, raw: &str) -> Message {
    Message {
        id: MessageId::new(id),
        organization_id: Some("org_1".into()),
        business_unit_id: None,
        sender_id: Some("con_1".into()),
        sender_kind: SenderKind::Contact,
        direction: Direction::Inbound,
        kind: Some("text".into()),
        media_kind: None,
        title: None,
        text: Some("words".into()),
        is_mail: Some(false),
        stream_id: None,
        stream_sequence: None,
        created_at: Some(time(created_ms)),
        updated_at: None,
        raw: raw.into(),
        sha256: Sha256::digest(raw).into(),
        quick_reply: None,
        quick_reply_options: Vec::new(),
        attachment: None,
        location: None,
        shared_contacts: Vec::new(),
        template_variables: Vec::new(),
        anomalies: Vec::new(),
    }
}

/// A message that has a row in every table around it.
pub(super) fn with_children(mut message: Message) -> Message {
    message.quick_reply = Some(Box::new(QuickReply {
        title: Some("Yes".into()),
        payload: None,
        description: Some("it's \"fine\"".into()),
    }));
    message.quick_reply_options = (0..3)
        .map(|position| QuickReplyOption {
            position,
            option_id: Some(format!("{position}").into()),
            content_type: Some("text".into()),
            title: Some("選項 🙂".into()),
            payload: None,
            description: None,
            answered: [None, Some(false), Some(true)][position as usize],
        })
        .collect();
    message.attachment = Some(Box::new(Attachment {
        url: "https://example.org/a.png".into(),
        host: Some("example.org".into()),
        declared_type: Some("image".into()),
        media_kind: MediaKind::Image,
        caption: None,
    }));
    message.location = Some(Box::new(Location {
        latitude: Some(22.302_711),
        longitude: Some(-114.177_216_5),
        name: None,
        address: Some("1 Road".into()),
    }));
    message.shared_contacts = vec![SharedContact {
        position: 0,
        name: Some("A".into()),
        phone_number: Some("+852 1".into()),
        email: None,
    }];
    // Repeated positions must not stop a batch.
    message.template_variables = [(1, Some("one")), (2, None), (2, Some("again"))]
        .map(|(position, value)| TemplateVariable {
            position,
            value: value.map(Into::into),
        })
        .to_vec();
    message
}

pub(super) fn page(key: ConversationKey, observed_ms: i64, messages: Vec<Message>) -> PageWrite {
    PageWrite {
        messages,
        ..PageWrite::of(key, time(observed_ms))
    }
}

pub(super) fn absence(key: ConversationKey, observed_ms: i64, ids: &[&str]) -> PageWrite {
    PageWrite {
        absent: ids.iter().map(|id| MessageId::new(*id)).collect(),
        ..page(key, observed_ms, Vec::new())
    }
}

pub(super) fn piece(after: Option<i64>, before: Option<i64>, sent: i64) -> Piece {
    Piece {
        after: after.map(time),
        before: before.map(time),
        sent_at: time(sent),
        settled: sent % 2 == 0,
    }
}

pub(super) fn outcome(key: ConversationKey, state: ConversationState) -> ConversationOutcome {
    ConversationOutcome {
        conversation: key,
        state,
        reason: None,
        failure: None,
        checked_at: None,
        messages: MessageCounts::default(),
        requests: 1,
        finished_at: time(2_000_000),
    }
}

pub(super) fn failed(
    key: ConversationKey,
    state: ConversationState,
    class: FailureClass,
) -> ConversationOutcome {
    ConversationOutcome {
        reason: Some(format!("it was {}", class.as_str())),
        failure: Some(Failure {
            unlisted: None,
            class,
            reason: format!("it was {}", class.as_str()),
            occurred_at: time(2_000_000),
        }),
        ..outcome(key, state)
    }
}
