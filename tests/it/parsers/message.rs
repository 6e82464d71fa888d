//! Claims about one raw message and the rows that it becomes.

use convault::{
    model::{ConversationId, Message},
    normalize,
    wire::{Json, Page},
};
use sha2::{Digest as _, Sha256};

pub(super) fn message(bytes: &[u8]) {
    let Ok(raw) = std::str::from_utf8(bytes) else {
        return;
    };
    let conversation = ConversationId::new("conv_1");
    let message = normalize::message(raw, &conversation);
    assert_eq!(
        message,
        normalize::message(raw, &conversation),
        "twice the same"
    );
    let glance = normalize::glance(raw);
    assert_eq!(glance.id, message.id);
    assert_eq!(glance.created_at, message.created_at);
    assert_eq!(glance.sha256, message.sha256);
    assert_eq!(&*message.raw, raw, "kept to the byte");
    assert_eq!(message.sha256, <[u8; 32]>::from(Sha256::digest(bytes)));
    assert!(!message.id.as_str().is_empty());
    for text in texts(&message) {
        assert!(!text.contains('\0'), "U+0000 in {text:?}");
    }
    let options = &message.quick_reply_options;
    assert!(
        options
            .windows(2)
            .all(|pair| pair[0].position < pair[1].position),
        "each has its own place in the list"
    );
    if let Some(location) = &message.location {
        for degrees in [location.latitude, location.longitude]
            .into_iter()
            .flatten()
        {
            assert!(degrees.is_finite());
        }
    }
    // A page of it alone normalises to it: so nothing outside of the item counts.
    if Json::parse(raw).is_ok() {
        let page = Page::parse(format!(r#"{{"items":[{raw}]}}"#).into()).expect("a page of one");
        let item = page.items().next().expect("one item");
        assert_eq!(item, raw.trim_matches([' ', '\n', '\r', '\t']));
        assert_eq!(normalize::message(item, &conversation).text, message.text);
    }
}

/// Every string of every row.
fn texts(message: &Message) -> Vec<&str> {
    let maybe = [
        &message.organization_id,
        &message.business_unit_id,
        &message.sender_id,
        &message.kind,
        &message.title,
        &message.text,
        &message.stream_id,
    ];
    let mut texts: Vec<&str> = maybe.into_iter().flatten().map(|text| &**text).collect();
    texts.push(message.id.as_str());
    if let Some(reply) = &message.quick_reply {
        texts.extend(
            [&reply.title, &reply.payload, &reply.description]
                .into_iter()
                .flatten()
                .map(|text| &**text),
        );
    }
    for option in &message.quick_reply_options {
        let parts = [
            &option.option_id,
            &option.content_type,
            &option.title,
            &option.payload,
            &option.description,
        ];
        texts.extend(parts.into_iter().flatten().map(|text| &**text));
    }
    if let Some(file) = &message.attachment {
        texts.push(&file.url);
        texts.extend(
            [&file.host, &file.declared_type, &file.caption]
                .into_iter()
                .flatten()
                .map(|text| &**text),
        );
    }
    if let Some(place) = &message.location {
        texts.extend(
            [&place.name, &place.address]
                .into_iter()
                .flatten()
                .map(|text| &**text),
        );
    }
    for contact in &message.shared_contacts {
        let parts = [&contact.name, &contact.phone_number, &contact.email];
        texts.extend(parts.into_iter().flatten().map(|text| &**text));
    }
    texts.extend(
        message
            .template_variables
            .iter()
            .filter_map(|variable| variable.value.as_deref()),
    );
    for anomaly in &message.anomalies {
        texts.extend([anomaly.path.as_str(), anomaly.detail.as_str()]);
    }
    texts
}
