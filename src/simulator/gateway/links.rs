//! The links route: conversations by phone number, in both documented shapes (facts.md 5.2).

use serde_json::json;

use super::{Gateway, LinksShape, reply::Reply, routes::Query};
use crate::simulator::corpus::write_time;

const WEBAPP: &str = "https://webapp.demo-shop.example/chatroom-routing?conv_id=";
impl Gateway {
    /// Conversations by phone number.
    pub(super) fn links(&self, query: &Query<'_>) -> Reply {
        let phones: Vec<&str> = query
            .iter()
            .filter(|(key, phone)| key == "phone_numbers" && !phone.is_empty())
            .map(|(_, phone)| phone.as_ref())
            .collect();
        if phones.is_empty() {
            return Reply::message(400, "phone_numbers is required");
        }
        if !query.iter().any(|(key, _)| key == "organization_id") {
            return Reply::message(400, "organization_id is required");
        }
        let found: Vec<(&str, Vec<(i64, u32)>)> = phones
            .into_iter()
            .map(|phone| (phone, self.linked(phone)))
            .collect();
        if self.options.links_not_found && found.iter().all(|(_, links)| links.is_empty()) {
            let message = "No conversations found for the provided phone numbers";
            return Reply::message(404, message);
        }
        let body = match self.options.links_shape {
            LinksShape::Array => found
                .iter()
                .map(|(phone, links)| {
                    let links = links.iter().map(|&(created_ms, index)| {
                        let link = format!("{WEBAPP}{}", self.corpus.conversation_id(index));
                        json!({ "link": link, "created_at": time(created_ms) })
                    });
                    json!({
                        "phone_number": phone,
                        "conversation_links": links.collect::<Vec<_>>(),
                    })
                })
                .collect(),
            LinksShape::Object => self.links_object(&found),
        };
        Reply::json(200, body.to_string())
    }

    fn links_object(&self, found: &[(&str, Vec<(i64, u32)>)]) -> serde_json::Value {
        let mut data = Vec::new();
        let mut not_found = Vec::new();
        for (phone, links) in found {
            if links.is_empty() {
                not_found.push(*phone);
            }
            data.extend(links.iter().map(|&(created_ms, index)| {
                json!({
                    "phone_number": phone,
                    "conversation_id": self.corpus.conversation_id(index),
                    "contact_id": self.corpus.plan(index).contact_id(),
                    "organization_id": self.corpus.organization_id(),
                    "created_at": time(created_ms),
                    "updated_at": time(created_ms),
                })
            }));
        }
        json!({
            "count": data.len(),
            "data": data,
            "found": found.len() - not_found.len(),
            "not_found": not_found,
        })
    }

    /// The conversations of a number with their beginnings, newest first.
    fn linked(&self, phone: &str) -> Vec<(i64, u32)> {
        let mut links: Vec<(i64, u32)> = self
            .corpus
            .conversations_of_phone(phone)
            .into_iter()
            .map(|index| (self.corpus.plan(index).started_ms(), index))
            .collect();
        links.sort_unstable_by(|one, other| other.cmp(one));
        links
    }
}

fn time(millis: i64) -> String {
    let mut out = Vec::new();
    write_time(&mut out, millis);
    String::from_utf8(out).expect("digits are ASCII")
}
