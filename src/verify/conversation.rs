//! A conversation's row, ledger and proof.
//!
//! Which ends of a piece are times of archived messages: a page claims the open interval between
//! its last and its first row, so both ends are rows. A newer page cuts an older piece at its own
//! ends, a millisecond outside of them, so such an end is a row's time plus or minus one. Only
//! settling cuts elsewhere: it sets the upper end of a settled piece to T less a lag that is not
//! stored. So the lower ends are asserted, and the upper ends of pieces that are not settled; but
//! not where they touch a settled piece with a later T (the gateway's clock went back), which has
//! cut them where it was cut itself. Pieces that were merged keep the smaller T: a ledger that is
//! long enough to be merged is excused there.

#[cfg(test)]
mod tests;

use std::time::Duration;

use super::{Check, Findings, Place};
use crate::{
    model::{ConversationState, Piece, Proof, TailProof, Timestamp},
    store::{ArchivedConversation, ArchivedPiece},
    walk::Ledger,
};

/// The cover in force, the one that `--full` builds, and the times that are passed over.
const IN_FORCE: i64 = 0;
const SECOND: i64 = 1;
const TIE_POINTS: i64 = 2;

const PIECES: &str = "coverage_pieces";

/// The end of a piece that no message stands at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unbacked {
    layer: i64,
    position: i64,
    column: &'static str,
    end: Timestamp,
}

/// Checks one conversation; gives the ends of pieces that no archived message stands at, which
/// mean something only if no message of it has ever changed its time.
pub(super) fn check(
    conversation: &ArchivedConversation,
    lag: Option<Duration>,
    findings: &mut Findings,
) -> Vec<Unbacked> {
    check_state(conversation, findings);
    if conversation.live_count != conversation.live_messages {
        findings.add(
            Check::LiveCount,
            place(conversation).column("conversations", "live_count"),
            conversation.live_messages.to_string(),
            conversation.live_count.to_string(),
        );
    }
    if !has_shape(conversation, findings) {
        return Vec::new();
    }
    if is_covered(conversation, findings) {
        check_proof(conversation, lag, findings);
    }
    unbacked(conversation)
}

/// Tells of the ends that no message stands at.
pub(super) fn note_unbacked(
    conversation: &ArchivedConversation,
    unbacked: &[Unbacked],
    findings: &mut Findings,
) {
    for end in unbacked {
        let layer = match end.layer {
            IN_FORCE => "",
            _ => " of the second cover",
        };
        findings.add(
            Check::LedgerRows,
            place(conversation)
                .column(PIECES, end.column)
                .at(end.position),
            format!("an archived message at the end of the piece{layer}"),
            format!("none at {}", end.end),
        );
    }
}

fn place(conversation: &ArchivedConversation) -> Place {
    Place::conversation(&conversation.id)
}

/// What its last run reported of it, where that is another state: a run that reported trouble
/// leaves no conversation complete.
fn contradicted(conversation: &ArchivedConversation) -> Option<String> {
    let reported = conversation.last_outcome.as_deref()?;
    let is_complete = |state: &str| state == ConversationState::Complete.as_str();
    let agrees = reported == conversation.state || is_complete(reported);
    (!agrees).then(|| format!("{reported}, as its last run reported"))
}

fn check_state(conversation: &ArchivedConversation, findings: &mut Findings) {
    let mut flaw = |column, expected: &str, found: String| {
        let place = place(conversation).column("conversations", column);
        findings.add(Check::State, place, expected, found);
    };
    let Some(state) = ConversationState::parse(&conversation.state) else {
        return flaw("state", "a state that is known", "another word".to_owned());
    };
    let has_reason = conversation.reason.is_some();
    let open = conversation.open_failures;
    match state {
        _ if let Some(reported) = contradicted(conversation) => {
            flaw("state", &reported, state.as_str().to_owned());
        }
        ConversationState::Complete if open > 0 => {
            flaw(
                "state",
                "no open failure of a complete conversation",
                format!("{open} open"),
            );
        }
        ConversationState::Complete if has_reason => {
            flaw(
                "reason",
                "none for a complete conversation",
                "a reason".to_owned(),
            );
        }
        ConversationState::Pending if !conversation.pieces.is_empty() => flaw(
            "state",
            "no ledger of a conversation that was never attempted",
            format!("{} pieces", conversation.pieces.len()),
        ),
        ConversationState::Partial
        | ConversationState::Gone
        | ConversationState::Forbidden
        | ConversationState::Failed
            if !has_reason =>
        {
            flaw(
                "reason",
                "a reason for what is not complete",
                "none".to_owned(),
            );
        }
        ConversationState::Gone | ConversationState::Forbidden | ConversationState::Failed
            if open == 0 =>
        {
            flaw(
                "state",
                "an open failure, waived or not, that says why",
                "none".to_owned(),
            );
        }
        _ => {}
    }
}

fn layer(conversation: &ArchivedConversation, layer: i64) -> impl Iterator<Item = &ArchivedPiece> {
    conversation
        .pieces
        .iter()
        .filter(move |piece| piece.layer == layer)
}

/// Whether the ledger can be read as one at all.
fn has_shape(conversation: &ArchivedConversation, findings: &mut Findings) -> bool {
    let known = [IN_FORCE, SECOND, TIE_POINTS];
    let mut flaws = Vec::new();
    for piece in &conversation.pieces {
        if !known.contains(&piece.layer) {
            flaws.push((
                piece,
                "layer",
                "a layer from 0 to 2",
                piece.layer.to_string(),
            ));
        }
    }
    for layer in known {
        let pieces: Vec<&ArchivedPiece> = self::layer(conversation, layer).collect();
        for (number, piece) in (0..).zip(&pieces) {
            if piece.position != number {
                let found = piece.position.to_string();
                flaws.push((*piece, "position", "positions from 0 without a gap", found));
            }
            if let Some((column, expected)) = flaw_of(layer, piece.piece) {
                flaws.push((*piece, column, expected, shown(piece.piece)));
            }
        }
        // Skipped points stand in no order, side by side where they must.
        let ordered = if layer == TIE_POINTS {
            &[][..]
        } else {
            &pieces
        };
        for pair in ordered.windows(2) {
            if !is_above(pair[1].piece, pair[0].piece) {
                let expected = "a lower end that is not below the piece before";
                flaws.push((pair[1], "after_time", expected, shown(pair[1].piece)));
            }
        }
    }
    if conversation.full_since.is_none()
        && let Some(piece) = layer(conversation, SECOND).next()
    {
        let expected = "no second cover, or a time since when --full builds it";
        flaws.push((piece, "layer", expected, shown(piece.piece)));
    }
    for (piece, column, expected, found) in &flaws {
        let place = place(conversation)
            .column(PIECES, column)
            .at(piece.position);
        findings.add(Check::LedgerShape, place, *expected, found.as_str());
    }
    flaws.is_empty()
}

/// What is wrong with a piece by itself.
fn flaw_of(layer: i64, piece: Piece) -> Option<(&'static str, &'static str)> {
    if layer == TIE_POINTS && (piece.after.is_none() || piece.before.is_none()) {
        return Some(("after_time", "two ends around a time that is passed over"));
    }
    if layer != TIE_POINTS && piece.settled && piece.before.is_none() {
        return Some(("settled", "an upper end of a piece that is settled"));
    }
    // An open interval of whole milliseconds holds one at least.
    let is_empty = match (piece.after, piece.before) {
        (Some(after), Some(before)) => after.as_millis().saturating_add(1) >= before.as_millis(),
        _ => false,
    };
    is_empty.then_some(("before_time", "an upper end above the lower end"))
}

/// Whether a piece lies above another, sharing no millisecond.
fn is_above(above: Piece, below: Piece) -> bool {
    match (above.after, below.before) {
        (Some(after), Some(before)) => before.as_millis() <= after.as_millis().saturating_add(1),
        _ => false,
    }
}

fn shown(piece: Piece) -> String {
    let end = |time: Option<Timestamp>| time.map_or("infinity".to_owned(), |time| time.to_string());
    format!("{} to {}", end(piece.after), end(piece.before))
}

fn ledger(conversation: &ArchivedConversation) -> Ledger {
    let pieces: Vec<Piece> = layer(conversation, IN_FORCE)
        .map(|piece| piece.piece)
        .collect();
    Ledger::from_pieces(&pieces)
}

fn is_covered(conversation: &ArchivedConversation, findings: &mut Findings) -> bool {
    if conversation.state != ConversationState::Complete.as_str() {
        return true;
    }
    let ledger = ledger(conversation);
    if !ledger.covers_all() {
        let holes = ledger.holes();
        let first = holes.first().map_or_else(String::new, |hole| {
            format!(
                " (the newest from {})",
                hole.after
                    .map_or("the beginning".to_owned(), |time| time.to_string())
            )
        });
        findings.add(
            Check::LedgerCover,
            place(conversation).table(PIECES),
            "pieces that cover the whole line, since it is complete",
            match holes.len() {
                1 => format!("a hole{first}"),
                number => format!("{number} holes{first}"),
            },
        );
        return false;
    }
    let proof = conversation.tail_proof.as_deref();
    if proof.and_then(TailProof::parse).is_none() {
        findings.add(
            Check::LedgerCover,
            place(conversation).column("conversations", "tail_proof"),
            "how the tail was proven, since it is complete",
            proof.map_or("nothing", |_| "a word that is not known"),
        );
    }
    true
}

fn check_proof(
    conversation: &ArchivedConversation,
    lag: Option<Duration>,
    findings: &mut Findings,
) {
    let ledger = ledger(conversation);
    let given = ledger.proof(lag.unwrap_or_default());
    let mut flaw = |column, expected: Option<Timestamp>, found: Option<Timestamp>| {
        let time = |time: Option<Timestamp>| time.map_or("null".to_owned(), |t| t.to_string());
        let place = place(conversation).column("conversation_proofs", column);
        findings.add(Check::LedgerProof, place, time(expected), time(found));
    };
    if given.proven_at != conversation.proven_at {
        flaw("proven_at", given.proven_at, conversation.proven_at);
    }
    let possible = match lag {
        Some(_) => given.horizon == conversation.horizon,
        None => is_possible(&ledger, conversation),
    };
    if !possible {
        flaw("horizon", given.horizon, conversation.horizon);
    }
}

/// Whether the stored horizon follows from the ledger for any lag at all: the lag of the run that
/// stored it is not kept. A lag moves the horizon only by cutting a piece at its T less the lag,
/// so those that would cut one just there are all that can give it; or one that cuts nothing, or
/// everything that can be cut.
fn is_possible(ledger: &Ledger, conversation: &ArchivedConversation) -> bool {
    const EVERYTHING: Duration = Duration::from_hours(24 * 365 * 1_000);
    let gives = |proof: Proof| proof.horizon == conversation.horizon;
    let cuts = conversation.horizon.into_iter().flat_map(|horizon| {
        layer(conversation, IN_FORCE)
            .filter(move |piece| piece.piece.sent_at >= horizon)
            .map(move |piece| piece.piece.sent_at.since(horizon))
    });
    [Duration::ZERO, EVERYTHING]
        .into_iter()
        .chain(cuts)
        .any(|lag| gives(ledger.proof(lag)))
}

fn unbacked(conversation: &ArchivedConversation) -> Vec<Unbacked> {
    let mut found = Vec::new();
    for number in [IN_FORCE, SECOND] {
        let pieces: Vec<&ArchivedPiece> = layer(conversation, number).collect();
        let merged = pieces.len() >= Ledger::SETTLED_MAX;
        let may_cut = |settled: Piece, piece: Piece| {
            settled.settled && (merged || settled.sent_at >= piece.sent_at)
        };
        for (place, &archived) in pieces.iter().enumerate() {
            let piece = archived.piece;
            let below = place.checked_sub(1).map(|below| pieces[below].piece);
            let above = pieces.get(place + 1).map(|above| above.piece);
            if let Some(end) = piece.after
                && !is_near(archived.message_from, end)
                && !below.is_some_and(|below| touch(below, piece) && may_cut(below, piece))
            {
                found.push((archived, "after_time", end));
            }
            if let Some(end) = piece.before
                && !piece.settled
                && !is_near(archived.message_to, end)
                && !above.is_some_and(|above| touch(piece, above) && may_cut(above, piece))
            {
                found.push((archived, "before_time", end));
            }
        }
    }
    found
        .into_iter()
        .map(|(archived, column, end)| Unbacked {
            layer: archived.layer,
            position: archived.position,
            column,
            end,
        })
        .collect()
}

/// Whether a message stands at the end or a millisecond inside of it.
fn is_near(message: Option<Timestamp>, end: Timestamp) -> bool {
    message.is_some_and(|time| time.as_millis().abs_diff(end.as_millis()) <= 1)
}

fn touch(below: Piece, above: Piece) -> bool {
    match (below.before, above.after) {
        (Some(before), Some(after)) => before.as_millis() == after.as_millis().saturating_add(1),
        _ => false,
    }
}
