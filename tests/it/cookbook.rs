//! `docs/cookbook.md`: each question is asked on both engines and in Debian's `sqlite3`, and the
//! answer that the document shows is the answer.

pub(crate) mod archive;

use std::{fs, path::Path};

use unicode_width::UnicodeWidthStr as _;

use crate::{migrated::Answer, views::in_sqlite3};
use archive::Both;

const BEFORE_SQL: &str = "```sql\n";
const BEFORE_ANSWER: &str = ";\n```\n\n```text\n";
const AFTER_ANSWER: &str = "```\n";

/// `CONVAULT_BLESS=1` rewrites the answers.
#[tokio::test]
async fn each_question_of_the_cookbook_has_the_answer_that_is_shown_on_both_engines() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cookbook.md");
    let document = fs::read_to_string(&path).unwrap();
    let both = Both::make().await;
    let (mut sqlite, mut postgres) = (both.sqlite().await, both.postgres().await);
    let mut answered = String::new();
    let mut rest = document.as_str();
    let mut questions = 0;
    while let Some((before, after)) = rest.split_once(BEFORE_SQL) {
        let (sql, shown) = after.split_once(BEFORE_ANSWER).expect("an answer follows");
        let (_, after) = shown.split_once(AFTER_ANSWER).expect("the answer ends");
        let answer = sqlite.query(sql).await;
        assert_eq!(answer, postgres.query(sql).await, "{sql}");
        assert_eq!(answer, in_sqlite3(&both.file(), sql), "{sql}");
        assert!(!answer.rows.is_empty(), "{sql} shows nothing");
        let table = table(&answer);
        answered.extend([before, BEFORE_SQL, sql, BEFORE_ANSWER, &table, AFTER_ANSWER]);
        rest = after;
        questions += 1;
    }
    answered.push_str(rest);
    sqlite.close().await;
    postgres.close().await;
    assert_eq!(questions, 15);
    #[expect(clippy::disallowed_methods, reason = "asks a test to rewrite a file")]
    if std::env::var_os("CONVAULT_BLESS").is_some() {
        fs::write(&path, &answered).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap();
    assert!(
        found == answered,
        "docs/cookbook.md is stale: run CONVAULT_BLESS=1 cargo test --test it cookbook"
    );
}

#[test]
fn each_question_of_the_cookbook_has_a_number_and_ends_with_a_question_mark() {
    let document = include_str!("../../docs/cookbook.md");
    let questions: Vec<_> = document
        .lines()
        .filter(|line| line.starts_with("### "))
        .collect();
    assert_eq!(questions.len(), 15);
    for (number, question) in (1..).zip(questions) {
        assert!(
            question.starts_with(&format!("### {number}. ")),
            "{question}"
        );
        assert!(question.ends_with('?'), "{question}");
    }
}

/// Columns under each other, numbers to the right.
fn table(answer: &Answer) -> String {
    let lines: Vec<&Vec<String>> = std::iter::once(&answer.columns)
        .chain(&answer.rows)
        .collect();
    let columns = 0..answer.columns.len();
    let widths: Vec<usize> = columns
        .clone()
        .map(|column| lines.iter().map(|line| line[column].width()).max().unwrap())
        .collect();
    let numeric: Vec<bool> = columns
        .clone()
        .map(|column| {
            let mut cells = answer.rows.iter().map(|row| &row[column]);
            cells.all(|cell| cell == "null" || cell.parse::<f64>().is_ok())
        })
        .collect();
    let mut text = String::new();
    for line in lines {
        let cell = |column: usize| {
            let gap = " ".repeat(widths[column] - line[column].width());
            if numeric[column] {
                format!("{gap}{}", line[column])
            } else {
                format!("{}{gap}", line[column])
            }
        };
        let cells: Vec<String> = columns.clone().map(cell).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}
