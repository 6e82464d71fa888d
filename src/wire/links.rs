//! Conversation links by phone number, in both documented shapes.
//!
//! The vendor's page shows a bare array with `conversation_links`, and describes an object with
//! `data`, `found` and `not_found` (facts.md 5.2). Any mixture of the two is read.

use std::collections::HashSet;

use bytes::Bytes;
use url::Url;

use super::{Json, Malformed, body_text};

/// What the links endpoint said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Links {
    /// The links, in the order received, each conversation of a number once.
    pub links: Vec<Link>,
    /// Numbers that the gateway says have no conversation, each once.
    pub not_found: Vec<String>,
    /// The numbers of entries from which no conversation could be read, one each; empty text
    /// where even the number could not. A number here may be in `links` with another entry.
    pub unreadable: Vec<String>,
}

/// One conversation of one phone number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The number, as the gateway gives it.
    pub phone_number: String,
    /// The conversation's id: the field of that name, or `conv_id` of the link.
    pub conversation_id: String,
    /// The link to the web application, where one was given.
    pub link: Option<String>,
    /// When the link was made, as received.
    pub created_at: Option<String>,
}

impl Links {
    /// Reads a body in either shape (facts.md 5.2).
    ///
    /// # Errors
    /// [`Malformed`] if it is neither shape.
    pub fn parse(body: &Bytes) -> Result<Self, Malformed> {
        let document = Json::parse(body_text(body)?)?;
        let mut links = Self::default();
        match &document.value {
            Json::Array(entries) => links.read_entries(entries),
            answer @ Json::Object(_) => links.read_object(answer)?,
            other => {
                return Err(Malformed(format!(
                    "the JSON is {}, not a list of links",
                    other.describe()
                )));
            }
        }
        links.fold_duplicates();
        Ok(links)
    }

    fn read_object(&mut self, answer: &Json<'_>) -> Result<(), Malformed> {
        let data = answer.get("data").filter(|data| **data != Json::Null);
        let not_found = answer.get("not_found").and_then(Json::as_array);
        match (data, not_found) {
            (Some(Json::Array(entries)), _) => self.read_entries(entries),
            (None, Some(_)) => {}
            (Some(_), _) => {
                return Err(Malformed("`data` of the JSON is not an array".to_owned()));
            }
            (None, None) => {
                return Err(Malformed(
                    "the JSON has neither `data` nor `not_found`".to_owned(),
                ));
            }
        }
        for number in not_found.unwrap_or_default() {
            match scalar(Some(number)).or_else(|| scalar(number.get("phone_number"))) {
                Some(number) => self.not_found.push(number),
                None => self.unreadable.push(String::new()),
            }
        }
        Ok(())
    }

    fn read_entries(&mut self, entries: &[Json<'_>]) {
        for entry in entries {
            let number = scalar(entry.get("phone_number"));
            match (number, entry.get("conversation_links")) {
                (Some(number), Some(Json::Array(list))) if !list.is_empty() => {
                    for item in list {
                        self.read_link(&number, item);
                    }
                }
                (Some(number), Some(Json::Array(_) | Json::Null))
                    if conversation_of(entry).is_none() =>
                {
                    self.not_found.push(number);
                }
                (Some(number), _) => self.read_link(&number, entry),
                (None, _) => self.unreadable.push(String::new()),
            }
        }
    }

    fn read_link(&mut self, number: &str, item: &Json<'_>) {
        let Some(conversation_id) = conversation_of(item) else {
            self.unreadable.push(number.to_owned());
            return;
        };
        self.links.push(Link {
            phone_number: number.to_owned(),
            conversation_id,
            link: item
                .get("link")
                .or(Some(item))
                .and_then(Json::as_str)
                .map(str::to_owned),
            created_at: scalar(item.get("created_at")),
        });
    }

    fn fold_duplicates(&mut self) {
        let mut seen = HashSet::new();
        self.links
            .retain(|link| seen.insert((link.phone_number.clone(), link.conversation_id.clone())));
        let mut found: HashSet<String> = seen.into_iter().map(|(number, _)| number).collect();
        self.not_found.retain(|number| found.insert(number.clone()));
    }
}

/// A string that is not empty, or a number, as text.
fn scalar(value: Option<&Json<'_>>) -> Option<String> {
    match value? {
        Json::String(text) if !text.is_empty() => Some(text.to_string()),
        Json::Number(number) => Some((*number).to_owned()),
        _ => None,
    }
}

/// The conversation that an entry names: by id, by link, or by being a link.
fn conversation_of(item: &Json<'_>) -> Option<String> {
    scalar(item.get("conversation_id")).or_else(|| {
        let link = item.get("link").unwrap_or(item);
        link.as_str().and_then(conversation_id_of_link)
    })
}

/// The conversation's id in a link to the web application: its `conv_id` parameter, in the query
/// or behind a `#`, whatever the host. `None` if there is none or it is no link; an id has no
/// control characters, however they are escaped.
pub fn conversation_id_of_link(link: &str) -> Option<String> {
    const KEY: &str = "conv_id";
    let link = link.trim();
    let url = match Url::parse(link) {
        Ok(url) => url,
        Err(url::ParseError::RelativeUrlWithoutBase) if link.starts_with('/') => {
            Url::parse("https://relative.invalid/")
                .ok()?
                .join(link)
                .ok()?
        }
        Err(_) => return None,
    };
    let is_id =
        |key: &str, id: &str| key == KEY && !id.is_empty() && !id.contains(char::is_control);
    let in_query = url.query_pairs().find(|(key, id)| is_id(key, id));
    if let Some((_, id)) = in_query {
        return Some(id.into_owned());
    }
    let (_, query) = url.fragment()?.split_once('?')?;
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(key, id)| is_id(key, id))
        .map(|(_, id)| id.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(body: &str) -> Links {
        Links::parse(&Bytes::copy_from_slice(body.as_bytes())).expect("links")
    }

    fn pairs(links: &Links) -> Vec<(&str, &str)> {
        links
            .links
            .iter()
            .map(|link| (&*link.phone_number, &*link.conversation_id))
            .collect()
    }

    #[test]
    fn the_described_shape_is_read() {
        let links = links(
            r#"{"data":[{"phone_number":"1","conversation_id":"conv_a","contact_id":"con_x",
                "organization_id":"org","created_at":"2024-08-16T09:53:34.868Z","updated_at":null},
                {"phone_number":2,"conversation_id":"conv_b"}],
                "count":2,"found":2,"not_found":["3",4,{"phone_number":"5"}]}"#,
        );
        assert_eq!(pairs(&links), [("1", "conv_a"), ("2", "conv_b")]);
        assert_eq!(links.not_found, ["3", "4", "5"]);
        assert_eq!(links.links[0].link, None);
        let created_at = links.links[0].created_at.as_deref();
        assert_eq!(created_at, Some("2024-08-16T09:53:34.868Z"));
    }

    #[test]
    fn mixtures_of_the_shapes_are_read() {
        let links = links(
            r#"{"data":[
                {"phone_number":"1","conversation_links":[{"link":"https://x.example/?conv_id=a"},
                    {"conversation_id":"b"},"https://x.example/?conv_id=c"]},
                {"phone_number":"2","link":"https://x.example/?conv_id=d"},
                {"phone_number":"3","conversation_links":null},
                {"phone_number":"4","conversation_links":[],"conversation_id":"e"}]}"#,
        );
        assert_eq!(
            pairs(&links),
            [("1", "a"), ("1", "b"), ("1", "c"), ("2", "d"), ("4", "e")]
        );
        assert_eq!(links.not_found, ["3"]);
        assert_eq!(
            links.links[2].link.as_deref(),
            Some("https://x.example/?conv_id=c")
        );
    }

    #[test]
    fn nothing_found_is_not_malformed() {
        for body in [
            "[]",
            r#"{"data":[]}"#,
            r#"{"not_found":[]}"#,
            r#"{"data":null,"not_found":[]}"#,
        ] {
            assert_eq!(links(body), Links::default(), "{body}");
        }
    }

    #[test]
    fn what_names_no_conversation_is_kept_apart() {
        let links = links(
            r#"[{"phone_number":"1","conversation_links":[{"link":"https://x.example/"}]},
                {"phone_number":"2"}, {}, 7, null]"#,
        );
        assert_eq!(links.links, []);
        assert_eq!(links.not_found, [""; 0]);
        assert_eq!(links.unreadable, ["1", "2", "", "", ""]);
    }

    #[test]
    fn a_conversation_of_a_number_is_there_once() {
        let links = links(
            r#"{"data":[{"phone_number":"1","conversation_id":"a"},
                {"phone_number":"1","conversation_id":"a"},{"phone_number":"2","conversation_id":"a"}],
                "not_found":["1","3","3"]}"#,
        );
        assert_eq!(pairs(&links), [("1", "a"), ("2", "a")]);
        assert_eq!(links.not_found, ["3"]);
    }

    #[test]
    fn neither_shape_is_malformed_without_its_text() {
        for (body, says) in [
            (
                r#"{"message":"secret"}"#,
                "the JSON has neither `data` nor `not_found`",
            ),
            (r#"{"data":"secret"}"#, "`data` of the JSON is not an array"),
            (r#""secret""#, "the JSON is a string, not a list of links"),
            (
                "[{",
                "the body is not JSON: it ends at byte 2, where a key is missing",
            ),
        ] {
            let error = Links::parse(&Bytes::copy_from_slice(body.as_bytes())).unwrap_err();
            assert_eq!(error.to_string(), says);
        }
    }

    #[test]
    fn a_link_is_parsed_as_a_url() {
        for (link, id) in [
            (
                "https://webapp.example.co/chatroom-routing?conv_id=conv_1",
                Some("conv_1"),
            ),
            (
                "https://any.host/x?a=1&conv_id=conv%201&b=2#top",
                Some("conv 1"),
            ),
            ("https://any.host/#/chatroom?conv_id=conv_1", Some("conv_1")),
            ("/chatroom-routing?conv_id=conv_1", Some("conv_1")),
            (" https://any.host/?conv_id=conv_1\n", Some("conv_1")),
            ("https://any.host/?xconv_id=conv_1", None),
            ("https://any.host/?conv_id=", None),
            ("https://any.host/?conv_id=a%00b", None),
            ("https://any.host/#/?conv_id=%0A", None),
            ("https://any.host/conv_id=conv_1", None),
            ("conv_1", None),
            ("conv_id=conv_1", None),
            ("", None),
        ] {
            assert_eq!(conversation_id_of_link(link).as_deref(), id, "{link}");
        }
    }
}
