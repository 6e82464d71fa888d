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
        for pair in pieces.windows(2) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ConversationKey;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn piece(after: Option<i64>, before: Option<i64>, sent_at: i64, settled: bool) -> Piece {
        Piece {
            after: after.map(at),
            before: before.map(at),
            sent_at: at(sent_at),
            settled,
        }
    }

    /// A complete conversation of these pieces, each end of which is a message's time.
    fn complete(pieces: &[Piece], lag_ms: u64) -> ArchivedConversation {
        let proof = Ledger::from_pieces(pieces).proof(Duration::from_millis(lag_ms));
        ArchivedConversation {
            key: ConversationKey(1),
            id: "conv_1".to_owned(),
            state: "complete".to_owned(),
            reason: None,
            live_count: 3,
            live_messages: 3,
            unlisted: Some(0),
            tail_proof: Some("count".to_owned()),
            full_since: None,
            proven_at: proof.proven_at,
            horizon: proof.horizon,
            open_failures: 0,
            pieces: (0..)
                .zip(pieces)
                .map(|(position, piece)| ArchivedPiece {
                    layer: 0,
                    position,
                    piece: *piece,
                    message_from: piece.after,
                    message_to: piece.before,
                })
                .collect(),
        }
    }

    fn found(conversation: &ArchivedConversation, lag: Option<u64>) -> Vec<Check> {
        let mut findings = Findings::keeping(100);
        let unbacked = check(conversation, lag.map(Duration::from_millis), &mut findings);
        note_unbacked(conversation, &unbacked, &mut findings);
        findings
            .kept()
            .iter()
            .map(|finding| finding.check)
            .collect()
    }

    fn sound() -> Vec<Piece> {
        vec![
            piece(None, Some(900), 1_000, true),
            piece(Some(850), None, 2_000, false),
        ]
    }

    /// The upper piece cuts the lower one, as the ledger does.
    fn cut() -> Vec<Piece> {
        vec![
            piece(None, Some(851), 1_000, true),
            piece(Some(850), None, 2_000, false),
        ]
    }

    #[test]
    fn a_sound_ledger_has_no_flaw_whatever_the_lag_that_wrote_it() {
        for lag in [0, 1, 100, 600, 1_149, 1_151, 5_000] {
            let conversation = complete(&cut(), lag);
            assert_eq!(found(&conversation, None), [], "lag {lag}");
            assert_eq!(found(&conversation, Some(lag)), [], "lag {lag}");
        }
        assert_eq!(
            found(&complete(&cut(), 100), Some(101)),
            [Check::LedgerProof]
        );
    }

    #[test]
    fn pieces_that_overlap_or_stand_in_disorder_are_no_ledger() {
        assert_eq!(found(&complete(&sound(), 100), None), [Check::LedgerShape]);
        let mut reversed = cut();
        reversed.reverse();
        assert_eq!(
            found(&complete(&reversed, 100), None)[0],
            Check::LedgerShape
        );
        let empty = piece(Some(850), Some(851), 2_000, false);
        assert_eq!(found(&complete(&[empty], 100), None), [Check::LedgerShape]);
        let mut gap = complete(&cut(), 100);
        gap.pieces[1].position = 2;
        assert_eq!(found(&gap, None), [Check::LedgerShape]);
        gap.pieces[1].position = 1;
        gap.pieces[1].layer = 7;
        assert!(found(&gap, None).contains(&Check::LedgerShape));
        gap.pieces[1].layer = SECOND;
        gap.pieces[1].position = 0;
        assert!(found(&gap, None).contains(&Check::LedgerShape));
    }

    #[test]
    fn a_settled_piece_has_an_upper_end_and_a_tie_point_two() {
        let endless = piece(Some(850), None, 2_000, true);
        assert_eq!(
            found(&complete(&[cut()[0], endless], 100), None),
            [Check::LedgerShape]
        );
        let mut tied = complete(&cut(), 100);
        let mut point = tied.pieces[1];
        (point.layer, point.position) = (TIE_POINTS, 0);
        point.piece = piece(Some(839), Some(841), 2_000, false);
        tied.pieces.push(point);
        assert_eq!(found(&tied, None), []);
        tied.pieces[2].piece.before = None;
        assert_eq!(found(&tied, None), [Check::LedgerShape]);
    }

    #[test]
    fn a_complete_conversation_has_no_hole_and_a_proven_tail() {
        let mut hole = cut();
        hole[0].before = Some(at(800));
        assert_eq!(found(&complete(&hole, 100), None), [Check::LedgerCover]);
        let mut partial = complete(&hole, 100);
        partial.state = "partial".to_owned();
        partial.reason = Some("x".to_owned());
        assert_eq!(found(&partial, None), [], "holes are what partial means");
        for word in [None, Some("by heart".to_owned())] {
            let mut unproven = complete(&cut(), 100);
            unproven.tail_proof = word;
            assert_eq!(found(&unproven, None), [Check::LedgerCover]);
        }
    }

    #[test]
    fn a_proof_that_the_ledger_does_not_give_is_found() {
        let mut later = complete(&cut(), 100);
        later.proven_at = Some(at(1_001));
        assert_eq!(found(&later, None), [Check::LedgerProof]);
        let mut above = complete(&cut(), 100);
        above.horizon = Some(at(2_001));
        assert_eq!(found(&above, None), [Check::LedgerProof]);
        above.horizon = None;
        assert_eq!(found(&above, None), [Check::LedgerProof]);
    }

    #[test]
    fn an_end_without_a_message_is_found_where_only_a_message_can_have_made_it() {
        let mut conversation = complete(
            &[
                piece(None, Some(851), 1_000, false),
                piece(Some(850), Some(1_500), 2_000, true),
            ],
            0,
        );
        conversation.state = "partial".to_owned();
        conversation.reason = Some("x".to_owned());
        assert_eq!(found(&conversation, None), []);
        conversation.pieces[1].message_to = Some(at(1_200));
        assert_eq!(found(&conversation, None), [], "settled at T less the lag");
        conversation.pieces[0].message_to = Some(at(840));
        assert_eq!(found(&conversation, None), [], "cut by a settled piece");
        conversation.pieces[1].message_from = Some(at(860));
        assert_eq!(found(&conversation, None), [Check::LedgerRows]);
        conversation.pieces[1].message_from = Some(at(851));
        assert_eq!(found(&conversation, None), []);
        conversation.pieces[0].piece.sent_at = at(2_001);
        assert_eq!(
            found(&conversation, None)[0],
            Check::LedgerRows,
            "cut by none that is older"
        );
        conversation.pieces[0].piece.sent_at = at(1_000);
        conversation.pieces[1].piece.settled = false;
        assert_eq!(found(&conversation, None), [Check::LedgerRows; 2]);
    }

    #[test]
    fn a_state_agrees_with_its_reason_and_its_failures() {
        let with = |state: &str, reason: Option<&str>, open_failures| {
            let mut conversation = complete(&cut(), 100);
            conversation.state = state.to_owned();
            conversation.reason = reason.map(ToOwned::to_owned);
            conversation.open_failures = open_failures;
            found(&conversation, None)
        };
        assert_eq!(with("complete", None, 1), [Check::State]);
        assert_eq!(with("complete", Some("x"), 0), [Check::State]);
        assert_eq!(with("partial", None, 1), [Check::State]);
        assert_eq!(with("partial", Some("x"), 0), []);
        assert_eq!(with("gone", Some("x"), 0), [Check::State]);
        assert_eq!(with("gone", Some("x"), 1), []);
        assert_eq!(with("pending", None, 0), [Check::State]);
        assert_eq!(with("perfect", None, 0), [Check::State]);
    }
}
