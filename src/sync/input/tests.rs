//! Claims about the list that a run is asked to archive.

use std::io::Cursor;

use super::*;

fn ids_of(bytes: &[u8]) -> Result<Input, InputError> {
    let mut collector = Collector::new();
    collector.add_ids("ids.txt", Cursor::new(bytes)).unwrap();
    collector.finish(false, false)
}

fn texts(input: &Input) -> Vec<&str> {
    input.ids.iter().collect()
}

fn flaws(error: &InputError) -> Vec<(u64, Flaw)> {
    match error {
        InputError::BadLines(lines) => lines.iter().map(|bad| (bad.line, bad.flaw)).collect(),
        other => panic!("not about lines: {other}"),
    }
}

#[test]
fn comments_blanks_bom_and_crlf_are_tolerated() {
    let input =
        ids_of(b"\xEF\xBB\xBF# mine\r\nconv_1\r\n\r\n   \n  conv_2 \n#conv_3\nconv_4").unwrap();
    assert_eq!(texts(&input), ["conv_1", "conv_2", "conv_4"]);
    assert_eq!(input.duplicates, 0);
    assert!(!input.all_known);
}

#[test]
fn duplicates_are_folded_in_order_and_counted_over_all_inputs() {
    let mut collector = Collector::new();
    collector.add_arguments(["b", "a"]);
    collector
        .add_ids("one", Cursor::new("c\na\nb\nc\n"))
        .unwrap();
    let input = collector.finish(false, false).unwrap();
    assert_eq!(texts(&input), ["b", "a", "c"]);
    assert_eq!(input.duplicates, 3);
}

#[test]
fn a_link_counts_as_its_id() {
    let input = ids_of(
        b"https://webapp.dev.imbrace.co/chatroom-routing?conv_id=conv_1&x=y\n\
          webapp.imbrace.co/chatroom-routing?a=b&conv_id=conv%2F2\n\
          HTTPS://x.example/#/chat?conv_id=conv_3\n",
    )
    .unwrap();
    assert_eq!(texts(&input), ["conv_1", "conv/2", "conv_3"]);
}

#[test]
fn every_bad_line_is_named_with_its_number_and_its_flaw() {
    let long = "x".repeat(201);
    let text = format!(
        "ok\nconv 1\ncon\u{7}v\n{long}\nhttps://x.example/?a=b\nhttps://x.example/?conv_id=\n{}\n",
        "y".repeat(200)
    );
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(b"\xff\xfeconv\nhttps://x.example/?conv_id=a\tb\n");
    let error = ids_of(&bytes).unwrap_err();
    assert_eq!(
        flaws(&error),
        [
            (2, Flaw::SpaceInside),
            (3, Flaw::ControlCharacter),
            (4, Flaw::TooLong),
            (5, Flaw::LinkWithoutId),
            (6, Flaw::LinkWithoutId),
            (8, Flaw::NotUtf8),
            (9, Flaw::ControlCharacter),
        ]
    );
    let message = error.to_string();
    assert!(message.starts_with("7 bad lines"), "{message}");
    assert!(message.contains("ids.txt:2: spaces inside"), "{message}");
}

#[test]
fn a_bad_line_is_named_without_its_text() {
    let error = ids_of(b"IMBRACE_ACCESS_TOKEN = api_secret\n").unwrap_err();
    assert!(!error.to_string().contains("api_secret"));
}

#[test]
fn bad_lines_are_left_out_and_told_where_that_was_asked_for() {
    let mut collector = Collector::new();
    collector
        .add_ids("ids.txt", Cursor::new("a\nb c\nd\n"))
        .unwrap();
    let input = collector.finish(true, false).unwrap();
    assert_eq!(texts(&input), ["a", "d"]);
    assert_eq!(input.bad_lines_skipped.len(), 1);
    assert_eq!(input.bad_lines_skipped[0].line, 2);
}

#[test]
fn a_line_without_an_end_is_bounded_and_the_next_one_is_read() {
    let mut bytes = vec![b'x'; LINE_BYTES_MAX * 3];
    bytes.extend_from_slice(b"\nconv 2\n");
    assert_eq!(
        flaws(&ids_of(&bytes).unwrap_err()),
        [(1, Flaw::TooLong), (2, Flaw::SpaceInside)]
    );
}

#[test]
fn an_empty_list_is_an_error_unless_it_is_welcome() {
    assert!(matches!(ids_of(b"# nothing\n"), Err(InputError::Empty)));
    let input = Collector::new().finish(false, true).unwrap();
    assert!(input.ids.is_empty() && !input.all_known);
}

#[test]
fn utf16_is_recognised_and_named_once() {
    let error = ids_of(b"\xFF\xFEc\0o\0n\0v\0\n\0d\0").unwrap_err();
    assert_eq!(flaws(&error), [(1, Flaw::Utf16)]);
}

#[test]
fn a_column_of_csv_is_read_with_quotes_comments_and_line_numbers() {
    let csv = "\u{feff}# exported\nName,Conversation_ID\n\"Lee, A\",conv_1\n\
               \"two\nlines\",conv 2\nshort\n# end\nx,\ny,conv_1\n";
    let mut collector = Collector::new();
    collector
        .add_csv("list.csv", "conversation_id", Cursor::new(csv))
        .unwrap();
    assert_eq!(texts_of(&collector), ["conv_1", "conv_1"]);
    assert_eq!(
        flaws(&collector.finish(false, false).unwrap_err()),
        [(4, Flaw::SpaceInside), (6, Flaw::NoSuchField)]
    );
}

fn texts_of(collector: &Collector) -> Vec<&str> {
    collector.ids.iter().collect()
}

#[test]
fn a_missing_column_names_those_that_are_there() {
    let error = Collector::new()
        .add_csv("list.csv", "id", Cursor::new("a,b\n1,2\n"))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "list.csv has no column `id`; it has `a`, `b`"
    );
}

#[test]
fn phones_are_reduced_to_digits_and_folded() {
    let mut collector = Collector::new();
    collector
        .add_phones(
            "phones.txt",
            Cursor::new("# ours\n+852 (9123) 45-67\r\n85291234567\n1\n"),
        )
        .unwrap();
    let input = collector.finish(false, false).unwrap();
    assert_eq!(input.phones, ["85291234567", "1"]);
    assert_eq!(input.duplicates, 1);
}

#[test]
fn what_is_no_phone_number_is_named() {
    let mut collector = Collector::new();
    collector
        .add_phones("phones.txt", Cursor::new("85291234567\ncall me\n+\n"))
        .unwrap();
    let error = collector.finish(false, false).unwrap_err();
    assert_eq!(
        flaws(&error),
        [(2, Flaw::NotAPhoneNumber), (3, Flaw::NotAPhoneNumber)]
    );
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(0u8.., 0..400)) {
        let mut collector = Collector::new();
        collector.add_ids("x", Cursor::new(&bytes)).unwrap();
        collector.add_phones("x", Cursor::new(&bytes)).unwrap();
        // A missing column is the usual end; a panic would be the bug.
        let _ = collector.add_csv("x", "id", Cursor::new(&bytes));
        let _ = collector.finish(true, true);
    }
}
