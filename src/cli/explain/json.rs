//! What `explain --json` says of one conversation.

use serde_json::{Value, json};

use super::{holes, passed_over_at, why};
use crate::{
    model::{TailProof, Timestamp},
    store::ConversationDetail,
};

/// The same facts as the tables, by name. Times are ISO-8601 UTC; an end that is null is open.
pub(super) fn as_json(detail: &ConversationDetail) -> Value {
    let record = &detail.record;
    let iso = |time: Option<Timestamp>| time.map(|time| time.to_string());
    let holes: Vec<Value> = holes(&record.ledger)
        .into_iter()
        .map(|(after, before)| json!({ "after": iso(after), "before": iso(before) }))
        .collect();
    let passed_over = record.tie_points.iter().map(passed_over_at).map(iso);
    let runs: Vec<Value> = detail
        .runs
        .iter()
        .map(|(run, state, reason)| {
            json!({ "run": run.0, "state": state.as_str(), "reason": reason })
        })
        .collect();
    let anomalies: serde_json::Map<String, Value> = detail
        .anomalies
        .iter()
        .map(|(kind, number)| (kind.clone(), json!(number)))
        .collect();
    json!({
        "id": record.id.as_str(),
        "state": record.state.as_str(),
        "why": why(detail),
        "reason": detail.reason,
        "state_since": iso(detail.state_since),
        "checked_at": iso(detail.checked_at),
        "proven_at": iso(detail.proven_at),
        "horizon": iso(detail.horizon),
        "messages": detail.messages,
        "missing": detail.missing,
        "deleted": detail.deleted,
        "first_message_at": iso(detail.first_message_at),
        "last_message_at": iso(detail.last_message_at),
        "tail_proof": record.tail_proof.map(TailProof::as_str),
        "unlisted": record.unlisted,
        "holes": holes,
        "passed_over": passed_over.collect::<Vec<_>>(),
        "swept_below": iso(record.swept_below),
        "full_since": iso(record.full_since),
        "anomalies": anomalies,
        "failures": detail.failures,
        "runs": runs,
    })
}
