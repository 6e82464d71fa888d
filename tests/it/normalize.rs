//! What each type of message becomes in rows: one snapshot a fixture.

use std::fmt::Write as _;

use bytes::Bytes;
use convault::{
    model::{ConversationId, Message},
    normalize,
    wire::Page,
};

const CONVERSATION: &str = "conv_5d1f9c0a-7f10-4b0c-8a55-0d9e7d1c0001";
const VENDORS_CONVERSATION: &str = "conv_f262dad4-dcb1-44b9-8d7e-407b022dc4b7";

/// The rows of a message, as a person would want to compare them.
fn rows(message: &Message) -> String {
    let mut text = format!(
        "messages
  id {:?}
  organization_id {:?}, business_unit_id {:?}
  sender {:?} {}, {}
  type {:?}, media_kind {:?}
  title {:?}
  text {:?}
  is_mail {:?}, stream {:?} {:?}
  created_at {:?}, updated_at {:?}\n",
        message.id,
        message.organization_id,
        message.business_unit_id,
        message.sender_id,
        message.sender_kind.as_str(),
        message.direction.as_str(),
        message.kind,
        message.media_kind.map(convault::model::MediaKind::as_str),
        message.title,
        message.text,
        message.is_mail,
        message.stream_id,
        message.stream_sequence,
        message.created_at,
        message.updated_at,
    );
    let mut row = |table: &str, value: &dyn std::fmt::Debug| {
        writeln!(text, "{table} {value:#?}").expect("a String takes all");
    };
    message
        .quick_reply
        .iter()
        .for_each(|r| row("quick_replies", r));
    message
        .quick_reply_options
        .iter()
        .for_each(|r| row("quick_reply_options", r));
    message
        .attachment
        .iter()
        .for_each(|r| row("attachments", r));
    message.location.iter().for_each(|r| row("locations", r));
    message
        .shared_contacts
        .iter()
        .for_each(|r| row("shared_contacts", r));
    message
        .template_variables
        .iter()
        .for_each(|r| row("template_variables", r));
    message.anomalies.iter().for_each(|r| row("anomalies", r));
    text
}

fn read(raw: &str) -> Message {
    normalize::message(raw.trim_end(), &ConversationId::new(CONVERSATION))
}

macro_rules! snapshot_of_each {
    ($($test:ident: $path:literal, odd: $odd:literal;)*) => {$(
        #[test]
        fn $test() {
            let raw = include_str!(concat!("fixtures/", $path, ".json"));
            let message = read(raw);
            insta::assert_snapshot!(stringify!($test), rows(&message));
            assert_eq!(&*message.raw, raw.trim_end());
            assert_eq!(message.anomalies.len(), $odd);
        }
    )*};
}

snapshot_of_each! {
    text: "observed/text", odd: 0;
    text_without_is_mail: "observed/text-without-is-mail", odd: 0;
    text_from_widget: "observed/text-from-widget", odd: 0;
    text_from_bot: "observed/text-from-bot", odd: 0;
    text_mail: "observed/text-mail", odd: 0;
    text_nested: "observed/text-nested", odd: 1;
    text_title_only: "observed/text-title-only", odd: 0;
    text_web_application: "observed/text-web-application", odd: 0;
    quick_reply: "observed/quick-reply", odd: 0;
    response_number_ids: "observed/response-number-ids", odd: 0;
    response_string_ids_answered: "observed/response-string-ids-answered", odd: 0;
    image: "observed/image", odd: 0;
    image_that_is_a_pdf: "observed/image-that-is-a-pdf", odd: 0;
    pdf: "observed/pdf", odd: 0;
    csv: "observed/csv", odd: 0;
    audio: "observed/audio", odd: 0;
    video: "observed/video", odd: 0;
    whatsapp_sticker: "observed/whatsapp-sticker", odd: 0;
    whatsapp_template: "observed/whatsapp-template", odd: 0;
    message_template: "observed/message-template", odd: 0;
    jaas_conference: "observed/jaas-conference", odd: 0;
    file: "guessed/file", odd: 0;
    text_csv: "guessed/text-csv", odd: 0;
    emoji: "guessed/emoji", odd: 0;
    location: "guessed/location", odd: 0;
    location_text_coordinates: "guessed/location-text-coordinates", odd: 0;
    location_unknown_shape: "guessed/location-unknown-shape", odd: 1;
    contact: "guessed/contact", odd: 0;
    contact_whatsapp: "guessed/contact-whatsapp", odd: 0;
    unknown_type: "guessed/unknown-type", odd: 1;
}

#[test]
fn the_vendors_page_becomes_rows_without_an_anomaly() {
    let body = Bytes::from_static(include_bytes!("fixtures/vendor/messages.json"));
    let page = Page::parse(body).expect("a page");
    let asked = ConversationId::new(VENDORS_CONVERSATION);
    let all: Vec<String> = page
        .items()
        .map(|raw| {
            let message = normalize::message(raw, &asked);
            assert_eq!(message.anomalies, []);
            assert_eq!(&*message.raw, raw);
            rows(&message)
        })
        .collect();
    insta::assert_snapshot!("vendor_messages", all.join("\n"));
}
