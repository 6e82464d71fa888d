//! Sound ledgers have no flaw, and each flaw has its check.

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
        checked_at: None,
        proven_at: proof.proven_at,
        horizon: proof.horizon,
        open_failures: 0,
        last_run: Some(1),
        last_outcome: None,
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
