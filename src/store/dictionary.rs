//! What every table, view and column of an archive means: one description, three readers.
//!
//! Owns the words. From them follow `docs/schema.md`, the rows of `data_dictionary` on both
//! engines and the `comment on` statements of Postgres, so that an analyst finds the same
//! sentence wherever she looks. Leaves the shape to the migrations: a test compares the columns
//! here with those of a migrated archive, another the generated files with what is rendered here.
//!
//! Once a version is released its migrations never change: a description that changes after that
//! is rendered into the next number (see [`COMMENTS_MIGRATION`]).

mod people;
mod tables;
mod views;

use std::fmt::Write as _;

/// The migration that ends with [`sqlite_comments`] or [`postgres_comments`].
///
/// They empty `data_dictionary` before they fill it, so the same text can follow in a later
/// migration: after a release, name the next number here and leave the old file alone. What
/// stands before [`COMMENTS_BEGIN`] in the file is written by hand.
pub const COMMENTS_MIGRATION: &str = "0012_observations.sql";

/// How the part of [`COMMENTS_MIGRATION`] begins that is generated.
pub const COMMENTS_BEGIN: &str = "-- What every table, view and column means.";

/// One table or view of an archive.
#[derive(Debug, Clone, Copy)]
pub struct Object {
    /// Its name, the same on both engines.
    pub name: &'static str,
    /// What one row of it is, in one line.
    pub purpose: &'static str,
    /// Its columns in order, each with its meaning.
    pub columns: &'static [(&'static str, &'static str)],
    /// Its foreign keys; empty for a view.
    pub references: &'static [Reference],
}

/// A foreign key of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// The column that refers.
    pub column: &'static str,
    /// The table whose key it holds.
    pub table: &'static str,
    /// How many rows may refer to the same one.
    pub many: Many,
}

/// How many rows of a table may refer to one row of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Many {
    /// At most one: the column is the primary key.
    AtMostOne,
    /// Any number.
    Any,
}

/// The views in the order of the documentation: the public contract.
pub const VIEWS: &[Object] = views::ALL;

/// The tables in the order of the migration: internals, keyed for speed.
pub const TABLES: &[Object] = tables::ALL;

/// Every described object, views first.
pub fn objects() -> impl Iterator<Item = &'static Object> {
    VIEWS.iter().chain(TABLES)
}

/// The end of the SQLite migration, which fills `data_dictionary`.
pub fn sqlite_comments() -> String {
    let mut sql = migration_head("SQLite keeps no comments of its own: the table is all there is.");
    write_dictionary_rows(&mut sql);
    sql
}

/// The end of the Postgres migration, which fills `data_dictionary` and comments on every table,
/// view and column.
pub fn postgres_comments() -> String {
    let mut sql = migration_head("The comments say the same to whoever looks with \\d+.");
    write_dictionary_rows(&mut sql);
    for (kind, objects) in [("view", VIEWS), ("table", TABLES)] {
        for object in objects {
            let name = object.name;
            let purpose = quoted(object.purpose);
            let _ = write!(sql, "\ncomment on {kind} {name} is {purpose};\n");
            for (column, meaning) in object.columns {
                let meaning = quoted(meaning);
                let _ = writeln!(sql, "comment on column {name}.{column} is {meaning};");
            }
        }
    }
    sql
}

/// `docs/schema.md`.
pub fn schema_document() -> String {
    let mut text = String::from(DOCUMENT_HEAD);
    text.push_str("\n## Views\n\nThe public contract. They change only with a major version; new columns are appended.\n\n");
    write_view_diagram(&mut text);
    for view in VIEWS {
        write_object(&mut text, view);
    }
    text.push_str("\n## How the tables hang together\n\n");
    write_diagram(&mut text);
    text.push_str("\n## Tables\n\nInternals: they may change with any version. `key` columns are numbers of this archive alone.\n");
    for table in TABLES {
        write_object(&mut text, table);
    }
    text
}

const DOCUMENT_HEAD: &str = "\
# What an archive holds

<!-- Generated from src/store/dictionary.rs. To change it, change that and run
     CONVAULT_BLESS=1 cargo test --test it dictionary -->

The same views, tables, columns and answers on SQLite and Postgres. The archive carries this page
itself: `select * from v_data_dictionary where object = 'v_messages' order by position`.

* Times are UTC: `timestamptz` in Postgres, text such as `2024-12-10T09:53:17.127Z` in SQLite. The
  text sorts as the time does, and a literal of that form compares rightly on both engines.
* Truth values are `boolean` in Postgres, 0 and 1 in SQLite; `where is_mail` works on both.
* Ids are text exactly as the gateway gave them. A message is known by its conversation and its id
  together: the same message id in two conversations is two rows.
* To read one conversation, filter by `conversation_id` (or `v_conversations.id`): that is indexed.
  A message's id alone is not.
* Words are found with `convault search`. Its index, `search_index` (with `search_index_vocabulary`),
  is each engine's own, FTS5 or `tsvector`, and holds terms that the program cut: lower case without
  diacritics, and pairs of characters where a script puts no space between words.
";

fn migration_head(what: &str) -> String {
    format!(
        "{COMMENTS_BEGIN} {what}\n\
         -- Generated from src/store/dictionary.rs: CONVAULT_BLESS=1 cargo test --test it dictionary\n\n\
         delete from data_dictionary;\n"
    )
}

fn write_dictionary_rows(sql: &mut String) {
    for object in objects() {
        sql.push_str(
            "\ninsert into data_dictionary (object, position, column_name, meaning) values\n",
        );
        let name = quoted(object.name);
        let _ = write!(sql, "    ({name}, 0, null, {})", quoted(object.purpose));
        for (position, (column, meaning)) in (1..).zip(object.columns) {
            let column = quoted(column);
            let meaning = quoted(meaning);
            let _ = write!(sql, ",\n    ({name}, {position}, {column}, {meaning})");
        }
        sql.push_str(";\n");
    }
}

fn write_object(text: &mut String, object: &Object) {
    let _ = write!(
        text,
        "\n### {}\n\n{}\n\n| column | meaning |\n|---|---|\n",
        object.name, object.purpose
    );
    for (column, meaning) in object.columns {
        let _ = writeln!(text, "| `{column}` | {} |", meaning.replace('|', "\\|"));
    }
}

/// How the views join. They hold no keys, so this is told here; a test looks whether each column
/// is there.
const JOINS: &[(&str, &str, &str, &str)] = &[
    ("v_conversations", "||--o{", "v_messages", "conversation_id"),
    ("v_conversations", "||--||", "v_coverage", "conversation_id"),
    (
        "v_conversations",
        "||--o{",
        "v_response_times",
        "conversation_id",
    ),
    ("v_conversations", "||--o{", "v_failures", "conversation_id"),
    (
        "v_conversations",
        "||--o{",
        "v_conversation_links",
        "conversation_id",
    ),
    ("v_senders", "|o--o{", "v_messages", "sender_id"),
    ("v_messages", "||--o|", "v_message_gaps", "message_id"),
    ("v_messages", "||--o{", "v_message_history", "message_id"),
    (
        "v_message_history",
        "||--o{",
        "v_message_changes",
        "version",
    ),
    ("v_messages", "||--o|", "v_deleted", "message_id"),
    ("v_messages", "||--o|", "v_attachments", "message_id"),
    ("v_messages", "||--o|", "v_locations", "message_id"),
    ("v_messages", "||--o{", "v_shared_contacts", "message_id"),
    ("v_messages", "||--o{", "v_template_variables", "message_id"),
    (
        "v_messages",
        "||--o{",
        "v_quick_reply_options",
        "message_id",
    ),
    ("v_messages", "||--o|", "v_quick_reply_funnel", "message_id"),
    ("v_messages", "||--o|", "v_quick_replies", "message_id"),
    ("v_messages", "||--o{", "v_anomalies", "message_id"),
    ("v_runs", "||--o{", "v_run_conversations", "run_id"),
    (
        "v_conversations",
        "||--o{",
        "v_run_conversations",
        "conversation_id",
    ),
];

/// How the views join, by `conversation_id` too wherever it is by `message_id`.
fn write_view_diagram(text: &mut String) {
    text.push_str(
        "How they join; where it is by `message_id` or `version`, by `conversation_id` too:\n\n\
         ```mermaid\nerDiagram\n",
    );
    for (from, crow, to, column) in JOINS {
        let _ = writeln!(text, "    {from} {crow} {to} : {column}");
    }
    text.push_str("```\n");
}

/// Foreign keys, less those that only say which run saw a row first or last: they would point at
/// `runs` from everywhere and hide the rest.
fn write_diagram(text: &mut String) {
    text.push_str("```mermaid\nerDiagram\n");
    for table in TABLES {
        for reference in table.references {
            if reference.table == "runs" && reference.column != "run_id" {
                continue;
            }
            let crow = match reference.many {
                Many::AtMostOne => "||--o|",
                Many::Any => "||--o{",
            };
            let Reference {
                table: to, column, ..
            } = reference;
            let _ = writeln!(text, "    {to} {crow} {} : {column}", table.name);
        }
    }
    text.push_str("```\n");
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_meaning_is_one_plain_line() {
        for object in objects() {
            let meanings = object.columns.iter().map(|(_, meaning)| *meaning);
            for line in meanings.chain([object.purpose]) {
                assert!(!line.contains('\n'), "{}: {line}", object.name);
                assert!(line.ends_with('.'), "{}: {line}", object.name);
            }
        }
    }

    #[test]
    fn every_join_is_by_a_column_that_is_there() {
        for (from, _, to, column) in JOINS {
            let view = |name: &str| VIEWS.iter().find(|view| view.name == name).unwrap();
            let has = |view: &Object, name: &str| view.columns.iter().any(|(own, _)| *own == name);
            assert!(has(view(to), column), "{to}.{column}");
            let keys = [*column, "id"];
            assert!(keys.iter().any(|key| has(view(from), key)), "{from}");
        }
    }

    #[test]
    fn quotes_in_a_meaning_cannot_end_the_literal() {
        assert_eq!(quoted("the contact's"), "'the contact''s'");
    }
}
