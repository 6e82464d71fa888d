//! An archive as text that two of them can be compared by: every public view, and the ledger,
//! in one order of rows, without what hangs on the pace of a machine.

use convault::model::Timestamp;

use super::lane::Lane;

/// What is dumped. Keys and runs are numbered the same way wherever the same happened.
const TABLES: [&str; 18] = [
    "v_messages",
    "v_message_history",
    "v_anomalies",
    "v_conversations",
    "v_quick_reply_options",
    "v_quick_replies",
    "v_attachments",
    "v_locations",
    "v_shared_contacts",
    "v_template_variables",
    "v_senders",
    "v_conversation_links",
    "v_runs",
    "v_run_conversations",
    "v_failures",
    "coverage_pieces",
    "absences",
    "conversations",
];

/// Tables are named by the ids of what they speak of: keys are given in the order of committing.
pub(super) const LEDGER: &str = "select c.id, p.layer, p.position, p.after_time as horizon_after,
        p.before_time as horizon_before, p.sent_at, p.settled
    from coverage_pieces p join conversations c on c.key = p.conversation_key";
const ABSENCES: &str = "select c.id, m.id as message_id, a.strike, a.run_id, a.sent_at,
        a.after_time, a.before_time
    from absences a join messages m on m.key = a.message_key
    join conversations c on c.key = m.conversation_key";
const CONVERSATIONS: &str = "select id, live_count, unlisted, full_since from conversations";

/// Columns of times that come from when something was asked or written down: within seconds of a
/// step of the grid, or, less the visibility lag, of the middle between two.
const ROUGH: [&str; 18] = [
    "observed_at",
    "recorded_at",
    "missing_since",
    "deleted_at",
    "checked_at",
    "proven_at",
    "horizon",
    "horizon_after",
    "horizon_before",
    "state_since",
    "started_at",
    "finished_at",
    "occurred_at",
    "sent_at",
    "full_since",
    "after_time",
    "before_time",
    "waived_at",
];
/// Half a step of the grid.
const ROUGHLY_MS: i64 = 300_000;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Dump(Vec<(&'static str, Vec<Vec<String>>)>);

impl Dump {
    pub(super) async fn of(lane: &mut Lane) -> Self {
        let mut dump = Vec::new();
        for table in TABLES {
            dump.push((table, dump_of(lane, table).await));
        }
        Self(dump)
    }

    /// The views of messages, which an idle run must leave alone.
    pub(super) async fn of_messages(lane: &mut Lane) -> Self {
        let mut dump = Vec::new();
        for table in &TABLES[..3] {
            dump.push((*table, dump_of(lane, table).await));
        }
        Self(dump)
    }

    /// Fails with the first row of each table that only one of the two has.
    #[track_caller]
    pub(super) fn assert_same(&self, other: &Self, what: &str) {
        let mut differences = Vec::new();
        for ((table, ours), (_, theirs)) in self.0.iter().zip(&other.0) {
            let only = |one: &[Vec<String>], other: &[Vec<String>]| {
                one.iter().find(|row| !other.contains(row)).cloned()
            };
            if ours != theirs {
                differences.push(format!(
                    "{table}: {} and {} rows\n  only one: {:?}\n  only the other: {:?}",
                    ours.len(),
                    theirs.len(),
                    only(ours, theirs),
                    only(theirs, ours)
                ));
            }
        }
        assert!(
            differences.is_empty(),
            "{what} differ:\n{}",
            differences.join("\n")
        );
    }
}

async fn dump_of(lane: &mut Lane, table: &str) -> Vec<Vec<String>> {
    let sql = match table {
        "coverage_pieces" => LEDGER.to_owned(),
        "absences" => ABSENCES.to_owned(),
        "conversations" => CONVERSATIONS.to_owned(),
        view => format!("select * from {view}"),
    };
    let (columns, mut rows) = lane.table(&sql).await;
    let place_of = |name: &str| columns.iter().position(|column| column == name);
    let rough: Vec<usize> = ROUGH.iter().filter_map(|name| place_of(name)).collect();
    for row in &mut rows {
        for &place in &rough {
            row[place] = roughly(&row[place]);
        }
        // Of the reason only that there is one: it may name the request.
        if let Some(place) = place_of("reason")
            && row[place] != "null"
        {
            "some".clone_into(&mut row[place]);
        }
        // Counted by the visit, which may meet a row again before the writer has committed it.
        if let (view, Some(place)) = (table, place_of("messages_changed"))
            && view == "v_run_conversations"
        {
            row[place].clear();
        }
        // The order of committing is nobody's business.
        if let Some(place) = place_of("key") {
            row[place].clear();
        }
    }
    rows.sort_unstable();
    rows
}

fn roughly(cell: &str) -> String {
    match cell.parse::<Timestamp>() {
        Ok(time) => (time.as_millis() + ROUGHLY_MS / 2)
            .div_euclid(ROUGHLY_MS)
            .to_string(),
        Err(_) => cell.to_owned(),
    }
}
