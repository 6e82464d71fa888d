//! Answers that are not what was asked for: the faults, and the vendor's words for each error.

use super::{
    Answer,
    reply::{Delivery, Reply, Request, bomb, http_date},
};
use crate::simulator::{
    dice::Dice,
    faults::{Fault, Faults, RetryAfter},
};

const NGINX_502: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
                         <center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx/1.24.0\
                         </center>\r\n</body>\r\n</html>\r\n";
const HTML_200: &str = "<!DOCTYPE html><html><head><title>Maintenance</title></head>\
                        <body>We will be back soon.</body></html>";

/// An answer in place of the right one.
pub(super) fn instead(fault: Fault, faults: &Faults, request: &Request<'_>, now_ms: i64) -> Reply {
    let upstream = "Error occurred while trying to proxy: backend.internal/v1/conversations";
    match fault {
        Fault::TooManyRequests => too_many(faults.retry_after, faults.retry_after_secs, now_ms),
        Fault::Unauthorized => Reply::message(401, "Unauthorized - Invalid third party token"),
        Fault::ServerError => Reply::plain(500, upstream),
        Fault::BadGateway => Reply::html(502, NGINX_502),
        Fault::Unavailable => Reply::json(503, r#"{"code":99999,"message":"Service Unavailable"}"#),
        Fault::Html => Reply::html(200, HTML_200),
        Fault::Redirect => {
            let mark = if request.target.contains('?') {
                '&'
            } else {
                '?'
            };
            let target = format!("{}{mark}moved=1", request.target);
            Reply::plain(302, "Found").with("Location", target)
        }
        Fault::RedirectAway => {
            let target = format!("{}{}", faults.redirect_to, request.target);
            Reply::plain(302, "Found").with("Location", target)
        }
        Fault::Bomb => Reply::json(200, bomb(faults.bomb_bytes)).with("Content-Encoding", "gzip"),
        Fault::EmptyBody => Reply::json(200, ""),
        // The rest leaves the answer as it is and spoils its way to the client.
        _ => Reply::plain(504, upstream),
    }
}

pub(super) fn too_many(form: RetryAfter, secs: u64, now_ms: i64) -> Reply {
    let reply = Reply::html(429, "Too many requests. Please try again later.");
    let reply = Reply { now_ms, ..reply };
    match form {
        RetryAfter::Missing => reply,
        RetryAfter::Seconds => reply.with("Retry-After", secs.to_string()),
        RetryAfter::Date => {
            let wait_ms = i64::try_from(secs.saturating_mul(1_000)).unwrap_or(i64::MAX);
            reply.with("Retry-After", http_date(now_ms.saturating_add(wait_ms)))
        }
    }
}

/// Whether the fault replaces the answer; the others spoil its way to the client.
pub(super) const fn is_instead(fault: Fault) -> bool {
    !matches!(
        fault,
        Fault::Truncated | Fault::WrongLength | Fault::Reset | Fault::Slow
    )
}

pub(super) fn spoil(
    mut reply: Reply,
    fault: Option<Fault>,
    faults: &Faults,
    dice: &mut Dice,
) -> Reply {
    let length = reply.body.len();
    match fault {
        Some(Fault::Truncated) => {
            reply.body.truncate(dice.index(length.max(1)));
            reply
        }
        Some(Fault::Reset) => reply.delivered(Delivery::ResetAfter(dice.index(length))),
        Some(Fault::Slow) => reply.delivered(Delivery::ByteEvery(faults.byte_every)),
        Some(Fault::WrongLength) => {
            let declared = if dice.percent(50) {
                length + 1 + dice.index(200)
            } else {
                length - 1 - dice.index(length / 2)
            };
            reply.delivered(Delivery::Declaring(declared))
        }
        _ => reply,
    }
}

pub(super) fn answer_reply(answer: Answer, request: &Request<'_>) -> Reply {
    match answer {
        Answer::NotFound => Reply::message(404, "Conversation not found"),
        Answer::NoRoute => {
            let path = request.target.split('?').next().unwrap_or("");
            Reply::no_route(request.method, path)
        }
        Answer::Forbidden => Reply::message(403, "Forbidden"),
        Answer::Unlicensed => Reply::json(
            403,
            r#"{"error":"License required","message":"No valid license","code":"LICENSE_INVALID"}"#,
        ),
        Answer::BadRequest => Reply::message(400, "conversation_id is required"),
        Answer::Unauthorized => Reply::message(401, "Unauthorized"),
        Answer::Empty => Reply::json(200, r#"{"items":[],"count":0,"total":0,"has_more":false}"#),
        Answer::Withheld(count) => {
            let body = format!(r#"{{"items":[],"count":{count},"total":0,"has_more":true}}"#);
            Reply::json(200, body)
        }
    }
}
