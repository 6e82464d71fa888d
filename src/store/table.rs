//! The one description of each table that is written in bulk: its columns, its key, and what
//! happens to a row that is there already. Both engines build their statements from it.

use std::slice::ChunksExact;

use super::value::{
    Kind::{self, Bool, Bytes, Int, Real, Text, Time},
    Value,
};

/// Rows of one table, one after the other in one list: a list for each had been allocated, and let go
/// of, for every message and every version.
#[derive(Debug)]
pub(super) struct Rows {
    /// The table.
    pub(super) table: &'static Table,
    values: Vec<Value>,
}

impl Rows {
    /// No rows yet.
    pub(super) const fn none(table: &'static Table) -> Self {
        Self {
            table,
            values: Vec::new(),
        }
    }

    /// No rows yet, and the room for some.
    pub(super) fn with_room(table: &'static Table, rows: usize) -> Self {
        Self {
            table,
            values: Vec::with_capacity(rows * table.columns.len()),
        }
    }

    /// These rows.
    pub(super) fn of(table: &'static Table, rows: impl IntoIterator<Item = Vec<Value>>) -> Self {
        let mut these = Self::none(table);
        for row in rows {
            these.push(row);
        }
        these
    }

    /// Adds a row: a value for each column.
    pub(super) fn push(&mut self, row: impl IntoIterator<Item = Value>) {
        let before = self.values.len();
        self.values.extend(row);
        let columns = self.values.len() - before;
        let Table {
            name,
            columns: of_table,
            ..
        } = self.table;
        assert_eq!(columns, of_table.len(), "columns of {name}");
    }

    /// The rows, in order.
    pub(super) fn iter(&self) -> ChunksExact<'_, Value> {
        self.values.chunks_exact(self.table.columns.len())
    }

    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        self.values.len() / self.table.columns.len()
    }

    /// Whether there is none.
    pub(super) const fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The values of all rows.
    pub(super) fn values(&self) -> &[Value] {
        &self.values
    }

    /// Those rows that are wanted.
    pub(super) fn filtered(&self, mut is_wanted: impl FnMut(&[Value]) -> bool) -> Self {
        let mut rows = Self::none(self.table);
        for row in self.iter().filter(|row| is_wanted(row)) {
            rows.push(row.iter().cloned());
        }
        rows
    }
}

/// What happens where the key is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meeting {
    /// An error: the rows are known to be new.
    Insert,
    /// The row that is there stays.
    Keep,
    /// The row that is there takes the new values, but for the columns named.
    Replace {
        /// Columns that keep what they hold.
        but: &'static [&'static str],
    },
    /// Only rows that are there are changed; none is added.
    Update,
    /// The row that is there goes; the columns are the key alone.
    Delete,
}

/// How rows go into one table.
#[derive(Debug)]
pub(super) struct Table {
    /// The table.
    pub(super) name: &'static str,
    /// The columns that are written, in the order of the values in a row.
    pub(super) columns: &'static [(&'static str, Kind)],
    /// How many of the first columns are the key.
    pub(super) key_columns: usize,
    /// What happens where the key is there already.
    pub(super) meeting: Meeting,
}

impl Table {
    /// The names of the columns, `a, b, c`.
    pub(super) fn column_list(&self) -> String {
        list(self.columns)
    }

    /// The clause that follows the rows of an insert.
    pub(super) fn conflict_clause(&self) -> String {
        match self.meeting {
            Meeting::Insert | Meeting::Update | Meeting::Delete => String::new(),
            Meeting::Keep => " on conflict do nothing".to_owned(),
            Meeting::Replace { but } => {
                let set: Vec<String> = self.columns[self.key_columns..]
                    .iter()
                    .filter(|(name, _)| !but.contains(name))
                    .map(|(name, _)| format!("{name} = excluded.{name}"))
                    .collect();
                let key = list(&self.columns[..self.key_columns]);
                format!(" on conflict ({key}) do update set {}", set.join(", "))
            }
        }
    }

    /// The update of the table from the rows that are called `wanted`.
    pub(super) fn update_clause(&self) -> String {
        let set: Vec<String> = self.columns[self.key_columns..]
            .iter()
            .map(|(name, _)| format!("{name} = wanted.{name}"))
            .collect();
        format!("update {} set {}", self.name, set.join(", "))
    }

    /// Where a row of the table is the one that is wanted.
    pub(super) fn same_key(&self) -> String {
        let same: Vec<String> = self.columns[..self.key_columns]
            .iter()
            .map(|(name, _)| format!("{}.{name} = wanted.{name}", self.name))
            .collect();
        same.join(" and ")
    }
}

fn list(columns: &[(&'static str, Kind)]) -> String {
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    names.join(", ")
}

macro_rules! tables {
    ($($name:ident $table:ident ($keys:literal, $meeting:expr) { $($column:ident $kind:ident),* $(,)? })*) => {
        $(pub(super) static $name: Table = Table {
            name: stringify!($table),
            columns: &[$((stringify!($column), $kind)),*],
            key_columns: $keys,
            meeting: $meeting,
        };)*
    };
}

const REPLACE: Meeting = Meeting::Replace { but: &[] };

tables! {
    RUNS runs (1, Meeting::Insert) {
        id Int, command Text, program_version Text, holder Text, started_at Time
    }
    RUN_RESULTS runs (1, Meeting::Update) {
        id Int, finished_at Time, outcome Text, exit_code Int,
        conversations_listed Int, conversations_complete Int, conversations_partial Int,
        conversations_gone Int, conversations_forbidden Int, conversations_failed Int,
        conversations_waived Int, conversations_empty Int, conversations_not_reached Int,
        messages_new Int, messages_changed Int, messages_deleted Int, messages_unchanged Int,
        messages_unrecognised Int,
        requests_total Int, requests_retried Int, requests_throttled Int,
        requests_planned Int, requests_swept Int
    }
    NEW_CONVERSATIONS conversations (1, Meeting::Insert) { key Int, id Text, first_listed_run Int }
    CONVERSATIONS conversations (1, Meeting::Update) {
        key Int, organization_id Text, business_unit_id Text, state Text, reason Text,
        state_since Time, last_run Int, live_count Int, unlisted Int, tail_proof Text,
        full_since Time, unlisted_moves Int, count_steady_runs Int
    }
    CONVERSATION_PROOFS conversation_proofs (1, REPLACE) {
        conversation_key Int, checked_at Time, proven_at Time, horizon Time, swept_below Time
    }
    COVERAGE_PIECES coverage_pieces (3, REPLACE) {
        conversation_key Int, layer Int, position Int,
        after_time Time, before_time Time, sent_at Time, settled Bool
    }
    TRIMMED_PIECES coverage_pieces (3, Meeting::Delete) {
        conversation_key Int, layer Int, position Int
    }
    MESSAGES messages (1, Meeting::Insert) {
        key Int, organization_id Text, business_unit_id Text, sender_id Text, type Text,
        media_kind Text, title Text, text Text, is_mail Bool, stream_id Text,
        stream_sequence Int, created_at Time, updated_at Time, version Int, digest Bytes,
        observed_at Time, observed_run Int, missing_since Time, missing_run Int, deleted_at Time,
        conversation_key Int, id Text, first_seen_run Int
    }
    MESSAGE_STATES messages (1, Meeting::Update) {
        key Int, organization_id Text, business_unit_id Text, sender_id Text, type Text,
        media_kind Text, title Text, text Text, is_mail Bool, stream_id Text,
        stream_sequence Int, created_at Time, updated_at Time, version Int, digest Bytes,
        observed_at Time, observed_run Int, missing_since Time, missing_run Int, deleted_at Time,
        older_digest Bytes, older_since Time, older_run Int
    }
    MESSAGE_CONTENTS messages (1, Meeting::Update) {
        key Int, organization_id Text, business_unit_id Text, sender_id Text, type Text,
        media_kind Text, title Text, text Text, is_mail Bool, stream_id Text,
        stream_sequence Int, created_at Time, updated_at Time, digest Bytes
    }
    MESSAGE_SIGHTINGS messages (1, Meeting::Update) {
        key Int, observed_at Time, observed_run Int, missing_since Time, missing_run Int,
        deleted_at Time, older_digest Bytes, older_since Time, older_run Int
    }
    ABSENCES absences (2, REPLACE) {
        message_key Int, strike Int, run_id Int, sent_at Time, after_time Time, before_time Time
    }
    MESSAGE_VERSIONS message_versions (2, Meeting::Insert) {
        message_key Int, version Int, event Text, observed_at Time, recorded_at Time, run_id Int,
        raw Text, sha256 Bytes
    }
    QUICK_REPLIES quick_replies (1, Meeting::Insert) {
        message_key Int, title Text, payload Text, description Text
    }
    QUICK_REPLY_OPTIONS quick_reply_options (2, Meeting::Insert) {
        message_key Int, position Int, option_id Text, content_type Text, title Text,
        payload Text, description Text, answered Bool
    }
    ATTACHMENTS attachments (1, Meeting::Insert) {
        message_key Int, url Text, host Text, declared_type Text, media_kind Text, caption Text
    }
    LOCATIONS locations (1, Meeting::Insert) {
        message_key Int, latitude Real, longitude Real, name Text, address Text
    }
    SHARED_CONTACTS shared_contacts (2, Meeting::Insert) {
        message_key Int, position Int, name Text, phone_number Text, email Text
    }
    TEMPLATE_VARIABLES template_variables (2, Meeting::Insert) {
        message_key Int, position Int, value Text
    }
    SENDERS senders (1, Meeting::Keep) { id Text, kind Text, first_seen_run Int }
    SENDER_KINDS senders (1, Meeting::Replace { but: &["first_seen_run"] }) {
        id Text, kind Text, first_seen_run Int
    }
    CONVERSATION_LINKS conversation_links (1, Meeting::Replace { but: &["first_seen_run"] }) {
        key Int, phone_number Text, conversation_id Text, link Text, created_at Time,
        first_seen_run Int, last_seen_run Int
    }
    ANOMALIES anomalies (3, Meeting::Insert) {
        message_key Int, version Int, position Int, kind Text, path Text, detail Text
    }
    FAILURES failures (1, Meeting::Insert) {
        key Int, run_id Int, conversation_key Int, class Text, reason Text, occurred_at Time,
        unlisted Int
    }
    RESOLVED_FAILURES failures (1, Meeting::Update) { key Int, resolved_run Int }
    MESSAGE_CHANGES message_changes (3, Meeting::Insert) {
        message_key Int, version Int, position Int, path Text, before Text, after Text
    }
    SENDER_NAMES sender_names (1, REPLACE) {
        id Text, name Text, is_bot Bool, team Text, imported_at Time
    }
    TIME_ZONE_OFFSETS time_zone_offsets (1, Meeting::Insert) { since Time, offset_seconds Int }
    SEARCH_LONG_MESSAGES search_long_messages (1, Meeting::Insert) { message_key Int }
    RUN_CONVERSATIONS run_conversations (2, REPLACE) {
        run_id Int, conversation_key Int, state Text, reason Text, messages_new Int,
        messages_changed Int, messages_deleted Int, requests Int, finished_at Time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: i64, value: &str) -> Vec<Value> {
        vec![key.into(), 1_i64.into(), value.into()]
    }

    #[test]
    fn rows_are_as_they_were_put() {
        let mut rows = Rows::of(&TEMPLATE_VARIABLES, [row(1, "a"), row(2, "b")]);
        rows.push(row(3, "c"));
        assert_eq!((rows.len(), rows.is_empty()), (3, false));
        let put: Vec<&[Value]> = rows.iter().collect();
        assert_eq!(put, [row(1, "a"), row(2, "b"), row(3, "c")]);
        let second = rows.filtered(|of| of[0] == Value::Int(Some(2)));
        assert_eq!(second.values(), row(2, "b"));
        assert!(Rows::none(&TEMPLATE_VARIABLES).is_empty());
    }

    #[test]
    #[should_panic(expected = "columns of template_variables")]
    fn a_row_has_a_value_for_each_column() {
        Rows::none(&TEMPLATE_VARIABLES).push([1_i64.into()]);
    }
}
