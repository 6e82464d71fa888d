//! What a link says: parameters in and out. Ids are opaque, so they are parameters and never parts
//! of a path, where `/`, `.` and `%` would mean something.

use axum::{
    extract::FromRequestParts,
    http::{Uri, request::Parts},
};
use url::form_urlencoded;

use super::refusal::Refusal;
use crate::{
    model::{ConversationKey, Timestamp},
    store::{AnomalyPlace, ConversationPlace, MessagePlace},
};

/// The parameters of a request. Of a name that is there twice the first counts.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked(Vec<(String, String)>);

impl Asked {
    pub(super) fn of(uri: &Uri) -> Self {
        let query = uri.query().unwrap_or_default();
        let pairs = form_urlencoded::parse(query.as_bytes());
        Self(pairs.into_owned().collect())
    }

    /// A parameter that is not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// A parameter without which there is nothing to show.
    pub(super) fn must(&self, name: &'static str) -> Result<&str, Refusal> {
        self.get(name).ok_or(Refusal::Missing(name))
    }

    /// A parameter that stands for something else; `None` where it is not there.
    pub(super) fn read<T>(
        &self,
        name: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Refusal> {
        match self.get(name) {
            None => Ok(None),
            Some(text) => read(text).map(Some).ok_or(Refusal::Unreadable(name)),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        Ok(Self::of(&parts.uri))
    }
}

/// A link to a page of this site; parameters that are empty are left out.
pub(super) fn link(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    match query.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

/// A link to a conversation.
pub(super) fn conversation_link(id: &str) -> String {
    link("/conversation", &[("id", id)])
}

/// A link to a message with its versions.
pub(super) fn message_link(conversation: &str, id: &str) -> String {
    link("/message", &[("conversation", conversation), ("id", id)])
}

/// A link to a message among those around it.
pub(super) fn message_in_place(conversation: &str, id: &str) -> String {
    let parameters = [("id", conversation), ("message", id)];
    format!("{}#here", link("/conversation", &parameters))
}

/// The number of a run, of a failure.
pub(super) fn number(text: &str) -> Option<i64> {
    text.parse().ok()
}

const NONE: &str = "none";

fn at_and_key(text: &str) -> Option<(Option<i64>, i64)> {
    let (at, key) = text.split_once('_')?;
    let at = match at {
        NONE => None,
        number => Some(number.parse().ok()?),
    };
    Some((at, key.parse().ok()?))
}

fn spelled(at: Option<i64>, key: i64) -> String {
    match at {
        Some(at) => format!("{at}_{key}"),
        None => format!("{NONE}_{key}"),
    }
}

/// A place in a conversation.
pub(super) fn message_place(text: &str) -> Option<MessagePlace> {
    let (at, key) = at_and_key(text)?;
    Some(MessagePlace {
        created_at: at.map(Timestamp::from_millis),
        key,
    })
}

/// The same as a parameter.
pub(super) fn message_place_text(place: MessagePlace) -> String {
    spelled(place.created_at.map(Timestamp::as_millis), place.key)
}

/// A place in the list of conversations.
pub(super) fn conversation_place(text: &str) -> Option<ConversationPlace> {
    let (at, key) = at_and_key(text)?;
    Some(ConversationPlace {
        at,
        key: ConversationKey(key),
    })
}

/// The same as a parameter.
pub(super) fn conversation_place_text(place: ConversationPlace) -> String {
    spelled(place.at, place.key.0)
}

/// A place in the list of oddities.
pub(super) fn anomaly_place(text: &str) -> Option<AnomalyPlace> {
    let mut parts = text.split('_').map(str::parse);
    let mut next = || parts.next()?.ok();
    Some(AnomalyPlace {
        message_key: next()?,
        version: next()?,
        position: next()?,
    })
}

/// The same as a parameter.
pub(super) fn anomaly_place_text(place: AnomalyPlace) -> String {
    format!("{}_{}_{}", place.message_key, place.version, place.position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_link_says_is_what_is_asked() {
        for id in [
            "a/b",
            "..",
            "100%",
            "\"'<>",
            "a+b c",
            "退款",
            "🙂",
            "a=b&c=d#e",
        ] {
            let uri: Uri = conversation_link(id).parse().unwrap();
            assert_eq!(uri.path(), "/conversation");
            assert_eq!(Asked::of(&uri).get("id"), Some(id));
        }
    }

    #[test]
    fn places_are_read_as_they_are_spelled_and_nonsense_is_none() {
        for at in [None, Some(-5), Some(0), Some(i64::MAX)] {
            let place = MessagePlace {
                created_at: at.map(Timestamp::from_millis),
                key: 7,
            };
            assert_eq!(message_place(&message_place_text(place)), Some(place));
            let place = ConversationPlace {
                at,
                key: ConversationKey(-1),
            };
            let text = conversation_place_text(place);
            assert_eq!(conversation_place(&text), Some(place));
        }
        let place = AnomalyPlace {
            message_key: 1,
            version: 2,
            position: 3,
        };
        assert_eq!(anomaly_place(&anomaly_place_text(place)), Some(place));
        for nonsense in [
            "",
            "_",
            "1",
            "1_",
            "_1",
            "x_1",
            "1_2x",
            "99999999999999999999_1",
        ] {
            assert_eq!(message_place(nonsense), None, "{nonsense}");
            assert_eq!(anomaly_place(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_asked_for_all_the_same() {
        let uri: Uri = "/conversation?id=%FF%00a&id=b".parse().unwrap();
        assert_eq!(Asked::of(&uri).get("id"), Some("\u{FFFD}\0a"));
    }
}
