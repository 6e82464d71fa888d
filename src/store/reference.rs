//! The columns that refer to another table, and the question whether each value is there.
//!
//! While rows of messages are written no engine asks for the row behind a key (SQLite does in debug
//! builds): the keys are given by this program alone. This looks at what is stored, whoever wrote it. The dictionary names the same columns, which a test compares.

use std::borrow::Cow;

use super::{
    Dangling, StoreError,
    backend::Select,
    statement::{self, Statement},
    value::Kind,
};

/// A column that refers to a key.
#[derive(Debug)]
pub(super) struct ForeignKey {
    table: &'static str,
    column: &'static str,
    parent: &'static str,
    /// Values that no row of the parent has, with how many rows have each.
    pub(super) dangling: Statement,
}

macro_rules! references {
    ($($table:ident . $column:ident -> $parent:ident . $key:ident;)*) => {
        /// Every column that refers to a key.
        pub(super) static ALL: &[ForeignKey] = &[$(ForeignKey {
            table: stringify!($table),
            column: stringify!($column),
            parent: stringify!($parent),
            dangling: Statement {
                purpose: concat!("checking ", stringify!($table), ".", stringify!($column)),
                text: Cow::Borrowed(concat!(
                    "select t.", stringify!($column), ", count(*) from ", stringify!($table),
                    " t where t.", stringify!($column), " is not null and not exists (select 1 from ",
                    stringify!($parent), " p where p.", stringify!($key), " = t.",
                    stringify!($column), ") group by 1 order by 1 limit $1",
                )),
                columns: &[Kind::Int, Kind::Int],
                arguments: 1,
            },
        }),*];
    };
}

references! {
    search_long_messages.message_key -> messages.key;
    conversations.first_listed_run -> runs.id;
    conversations.last_run -> runs.id;
    conversation_proofs.conversation_key -> conversations.key;
    coverage_pieces.conversation_key -> conversations.key;
    messages.conversation_key -> conversations.key;
    messages.first_seen_run -> runs.id;
    messages.missing_run -> runs.id;
    message_versions.message_key -> messages.key;
    message_versions.run_id -> runs.id;
    quick_replies.message_key -> messages.key;
    quick_reply_options.message_key -> messages.key;
    attachments.message_key -> messages.key;
    locations.message_key -> messages.key;
    shared_contacts.message_key -> messages.key;
    template_variables.message_key -> messages.key;
    senders.first_seen_run -> runs.id;
    conversation_links.first_seen_run -> runs.id;
    conversation_links.last_seen_run -> runs.id;
    absences.message_key -> messages.key;
    absences.run_id -> runs.id;
    anomalies.message_key -> messages.key;
    message_changes.message_key -> messages.key;
    failures.run_id -> runs.id;
    failures.conversation_key -> conversations.key;
    failures.resolved_run -> runs.id;
    run_conversations.run_id -> runs.id;
    run_conversations.conversation_key -> conversations.key;
}

/// Values that refer to nothing, at most `each_max` a column.
pub(super) async fn dangling(
    source: &mut dyn Select,
    each_max: i64,
) -> Result<Vec<Dangling>, StoreError> {
    let mut found = Vec::new();
    for reference in ALL {
        let ForeignKey {
            table,
            column,
            parent,
            dangling,
        } = reference;
        for mut row in source.select(dangling, vec![each_max.into()]).await? {
            found.push(Dangling {
                table,
                column,
                parent,
                value: row.int()?,
                rows: row.int()?,
            });
        }
    }
    let orphans = &statement::ORPHANED_ANOMALIES;
    for mut row in source.select(orphans, vec![each_max.into()]).await? {
        found.push(Dangling {
            table: "anomalies",
            column: "version",
            parent: "message_versions",
            value: row.int()?,
            rows: row.int()?,
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::dictionary::TABLES;

    #[test]
    fn every_reference_of_the_dictionary_is_checked() {
        let mut described: Vec<(&str, &str, &str)> = TABLES
            .iter()
            .flat_map(|table| table.references.iter().map(move |to| (table.name, to)))
            .map(|(table, to)| (table, to.column, to.table))
            .collect();
        let mut checked: Vec<(&str, &str, &str)> = ALL
            .iter()
            .map(|reference| (reference.table, reference.column, reference.parent))
            .collect();
        described.sort_unstable();
        checked.sort_unstable();
        assert_eq!(checked, described);
    }
}
