//! The routes: messages, links, health; and what stands before them.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde_json::json;
use tokio::time::Instant;
use url::form_urlencoded;

use super::{
    Answer, Gateway,
    page::page,
    reply::{Reply, Request},
    trouble::{answer_reply, instead, is_instead, spoil, too_many},
};
use crate::simulator::{faults::Faults, mutations::Mutations, schedule::Occasion};

/// Requests that are of no conversation of the corpus are counted together.
const ELSEWHERE: u64 = u32::MAX as u64 + 1;

/// The decoded parameters of a request.
pub(super) type Query<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

impl Gateway {
    /// Finds the route and answers.
    pub(super) fn route(&self, request: &Request<'_>) -> Reply {
        let (path, query) = match request.target.split_once('?') {
            Some((path, query)) => (path, query),
            None => (request.target, ""),
        };
        let query: Query<'_> = form_urlencoded::parse(query.as_bytes()).collect();
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let faults = self.live().faults.clone();
        let mut reply = match (request.method, parts.as_slice()) {
            _ if faults.down.is_some() => self.down(request, &faults),
            ("GET", [""]) => {
                let mut reply = self.rated(|| self.health());
                reply.route = "health";
                reply
            }
            ("GET", ["3rd", "conversations", "links"]) => {
                let mut reply = self.rated(|| self.guarded(request, &query, None));
                reply.route = "links";
                reply
            }
            ("GET", ["3rd", "conversations", id, "messages"]) => {
                let id = percent_decode_str(id).decode_utf8_lossy();
                let mut reply = self.rated(|| self.guarded(request, &query, Some(&id)));
                reply.route = "messages";
                reply
            }
            _ => self.rated(|| Reply::no_route(request.method, path)),
        };
        if reply.now_ms == 0 {
            reply.now_ms = self.now_ms(0);
        }
        if let Some(id) = request
            .header("x-request-id")
            .filter(|id| is_request_id(id))
        {
            reply.headers.push(("x-request-id", id.to_owned()));
        }
        let accepts = request.header("accept-encoding").unwrap_or("");
        if self.options.gzip && accepts.contains("gzip") {
            reply.compress();
        }
        reply
    }

    /// The answer of a gateway that is not there.
    fn down(&self, request: &Request<'_>, faults: &Faults) -> Reply {
        match faults.down {
            Some(fault) if is_instead(fault) => instead(fault, faults, request, self.now_ms(0)),
            fault => {
                let at = self.occasion_elsewhere();
                let dice = &mut Faults::dice(self.corpus.seed(), at);
                spoil(self.health(), fault, faults, dice)
            }
        }
    }

    /// Takes a token from the bucket, if there is one, before answering.
    fn rated(&self, answer: impl FnOnce() -> Reply) -> Reply {
        let mut live = self.live();
        if let Some(bucket) = &mut live.bucket
            && let Err(wait) = bucket.take(Instant::now())
        {
            let form = bucket.retry_after();
            drop(live);
            let secs = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            return too_many(form, secs.max(1), self.now_ms(0));
        }
        drop(live);
        answer()
    }

    fn health(&self) -> Reply {
        let body = json!({
            "name": "App Gateway Public Server",
            "version": env!("CARGO_PKG_VERSION"),
            "env": "simulator",
            "seed": self.corpus.seed(),
        });
        Reply::json(200, body.to_string())
    }

    /// Looks at token and organisation, then answers.
    fn guarded(&self, request: &Request<'_>, query: &Query<'_>, id: Option<&str>) -> Reply {
        let given = request.header("x-access-token").unwrap_or("");
        if given.is_empty() {
            return Reply::message(401, "Unauthorized - missing x-access-token");
        }
        if given != self.live().token {
            return Reply::message(401, "Unauthorized - Invalid third party token");
        }
        let own = self.corpus.organization_id();
        let named = query
            .iter()
            .find(|(key, _)| key == "organization_id" || key == "org_id");
        if let Some((_, other)) = named.filter(|(_, value)| !value.is_empty() && value != own) {
            let body = json!({
                "message": "Forbidden - organization mismatch",
                "details": { "expected": own, "received": other },
            });
            return Reply::json(403, body.to_string());
        }
        let faults = self.live().faults.clone();
        match id.map(|id| (id, self.corpus.conversation_of_id(id))) {
            Some((id, Some(index))) => self.conversation(request, query, id, index, &faults),
            other => {
                let at = self.occasion_elsewhere();
                let delay = faults.delay(self.corpus.seed(), at);
                let now_ms = self.now_ms(at.request);
                let reply = match (faults.strike(self.corpus.seed(), at), other) {
                    (Some(fault), _) if is_instead(fault) => {
                        instead(fault, &faults, request, now_ms)
                    }
                    (fault, other) => {
                        let reply = match other {
                            Some((id, _)) => self.settled(request, id),
                            None => self.links(query),
                        };
                        let dice = &mut Faults::dice(self.corpus.seed(), at);
                        spoil(reply, fault, &faults, dice)
                    }
                };
                Reply {
                    delay,
                    now_ms: faults.date_ms(self.corpus.seed(), at, now_ms),
                    ..reply
                }
            }
        }
    }

    fn occasion_elsewhere(&self) -> Occasion {
        let mut live = self.live();
        live.elsewhere += 1;
        Occasion {
            conversation: ELSEWHERE,
            request: live.elsewhere,
        }
    }

    /// The answer for an id that is not of the corpus.
    fn settled(&self, request: &Request<'_>, id: &str) -> Reply {
        let answer = self.live().answers.get(id).copied();
        answer_reply(answer.unwrap_or(Answer::NotFound), request)
    }

    /// Answers about a conversation of the corpus, and lets it change afterwards.
    fn conversation(
        &self,
        request: &Request<'_>,
        query: &Query<'_>,
        id: &str,
        index: u32,
        faults: &Faults,
    ) -> Reply {
        let seed = self.corpus.seed();
        let live = self.live();
        let settled = live.answers.get(id).copied();
        let mutations = live.mutations.clone();
        drop(live);
        self.with_conversation(index, |conversation| {
            let at = Occasion {
                conversation: u64::from(index),
                request: conversation.begin_request(),
            };
            let now_ms = self.now_ms(at.request);
            let reply = match (faults.strike(seed, at), settled) {
                (Some(fault), _) if is_instead(fault) => instead(fault, faults, request, now_ms),
                (_, Some(answer)) => answer_reply(answer, request),
                (fault, None) => {
                    let asked = (query, at, self.options.record);
                    let (reply, poison) = page(conversation, faults, asked);
                    match fault.or(poison) {
                        Some(fault) if is_instead(fault) => instead(fault, faults, request, now_ms),
                        fault => spoil(reply, fault, faults, &mut Faults::dice(seed, at)),
                    }
                }
            };
            mutations.strike(seed, at, conversation, now_ms);
            Mutations::keep_plan(conversation, at.request);
            Reply {
                delay: faults.delay(seed, at),
                now_ms: faults.date_ms(seed, at, now_ms),
                ..reply
            }
        })
    }
}

/// The gateway echoes ids of 1 to 64 characters.
fn is_request_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}
