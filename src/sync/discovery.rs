//! From phone numbers to conversations, through the links endpoint, 50 numbers a request.

use std::collections::HashSet;

use super::{PhoneCounts, conversation::Broken, outcome, worker::Context};
use crate::{api::ApiErrorKind, model::ConversationId, store::LinkRow, wire::Links};

/// Numbers in one request.
pub(super) const PHONES_PER_REQUEST: usize = 50;

/// Asks for the conversations of each number; what the endpoint said is stored, also for
/// numbers without one. A chunk that fails is named and the others go on.
pub(super) async fn discover(
    context: &Context,
    phones: &[String],
) -> Result<(Vec<ConversationId>, PhoneCounts), Broken> {
    let organization_id = context
        .options
        .organization_id
        .as_deref()
        .unwrap_or_default();
    let mut ids = Vec::new();
    let mut counts = PhoneCounts {
        asked: phones.len() as u64,
        ..PhoneCounts::default()
    };
    for chunk in phones.chunks(PHONES_PER_REQUEST) {
        let asked = context.gateway.links(chunk, organization_id);
        let answer = tokio::select! {
            biased;
            () = context.shutdown.cancelled() => return Err(Broken::Stopped),
            answer = asked => answer,
        };
        let links = match answer {
            Ok(fetched) => fetched.value,
            // "No conversations found" may be a 404: then none of them has one (facts.md 5.2).
            Err(error) if error.kind == ApiErrorKind::Gone => Links::default(),
            Err(error) => {
                context.note_failure(&error);
                let lasting = matches!(
                    error.kind,
                    ApiErrorKind::Rejected | ApiErrorKind::Forbidden | ApiErrorKind::Systemic
                );
                let class =
                    outcome::class_of(error.kind).filter(|_| !lasting || context.has_succeeded());
                let Some(class) = class else {
                    return Err(Broken::Api(error));
                };
                counts.failed += chunk.len() as u64;
                let reason = format!(
                    "{} phone numbers from {} on: {}",
                    chunk.len(),
                    chunk[0],
                    error.message
                );
                context.tally.failure(None, class, reason);
                continue;
            }
        };
        context.note_success();
        if !links.unreadable.is_empty() {
            tracing::warn!(
                entries = links.unreadable.len(),
                "the links endpoint gave entries that name no conversation; they are left out"
            );
        }
        let rows = rows_of(chunk, &links);
        let found: HashSet<&str> = rows
            .iter()
            .filter(|row| row.conversation_id.is_some())
            .map(|row| row.phone_number.as_str())
            .collect();
        counts.found += found.len() as u64;
        counts.not_found += (chunk.len() - found.len()) as u64;
        ids.extend(
            rows.iter()
                .filter_map(|row| row.conversation_id.as_deref().map(ConversationId::new)),
        );
        context.queue.links(rows).await?;
    }
    Ok((ids, counts))
}

/// A row for each link of a number that was asked for, and one for each number without any.
pub(super) fn rows_of(asked: &[String], links: &Links) -> Vec<LinkRow> {
    let mut rows = Vec::new();
    let mut seen = HashSet::new();
    for phone_number in asked {
        let mut any = false;
        for link in links
            .links
            .iter()
            .filter(|link| digits(&link.phone_number) == *phone_number)
        {
            any = true;
            if seen.insert((phone_number, &link.conversation_id)) {
                rows.push(LinkRow {
                    phone_number: phone_number.clone(),
                    conversation_id: Some(link.conversation_id.clone()),
                    link: link.link.clone(),
                    created_at: link
                        .created_at
                        .as_deref()
                        .and_then(|time| time.parse().ok()),
                });
            }
        }
        if !any {
            rows.push(LinkRow {
                phone_number: phone_number.clone(),
                conversation_id: None,
                link: None,
                created_at: None,
            });
        }
    }
    rows
}

fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Link;

    #[test]
    fn every_number_asked_for_has_a_row_and_no_link_stands_twice() {
        let link = |phone: &str, id: &str| Link {
            phone_number: phone.to_owned(),
            conversation_id: id.to_owned(),
            link: None,
            created_at: Some("2024-08-16T09:53:34.868Z".to_owned()),
        };
        let links = Links {
            links: vec![
                link("+111", "conv_a"),
                link("111", "conv_b"),
                link("111", "conv_a"),
            ],
            not_found: vec!["222".to_owned()],
            ..Links::default()
        };
        let rows = rows_of(&["111".to_owned(), "222".to_owned()], &links);
        let ids: Vec<_> = rows
            .iter()
            .map(|row| (row.phone_number.as_str(), row.conversation_id.as_deref()))
            .collect();
        assert_eq!(
            ids,
            [
                ("111", Some("conv_a")),
                ("111", Some("conv_b")),
                ("222", None)
            ]
        );
    }
}
