//! Lists as people make them, good and bad.

use super::*;

fn name(id: &str, name: &str, is_bot: Option<bool>, team: Option<&str>) -> SenderName {
    SenderName {
        id: id.into(),
        name: name.into(),
        is_bot: Some(is_bot),
        team: Some(team.map(Into::into)),
    }
}

fn flaws(text: &str) -> String {
    parse("names.csv", text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn a_list_of_a_spreadsheet_is_read_whatever_it_parts_cells_with() {
    let expected = [
        name("u_1", "Ivy, of \"Sales\"", Some(false), Some("Sales")),
        name("u_2", "機器人", Some(true), None),
    ];
    for (mark, delimiter) in [("\u{feff}", ','), ("", ';'), ("", '\t')] {
        let text = format!(
            "{mark}ID|Name|is_bot|Team\r\n u_1 |\"Ivy, of \"\"Sales\"\"\"|no|Sales\r\n\r\n\
             u_2|機器人|TRUE|\r\nu_3|||\r\nu_2|機器人|true|\r\n"
        );
        let text = text.replace('|', &delimiter.to_string());
        let list = parse("x", text.as_bytes()).unwrap();
        assert_eq!(list.names, expected, "{delimiter:?}");
        assert_eq!((list.empty, list.repeated), (1, 1));
    }
}

#[test]
fn what_a_list_does_not_speak_of_is_left_as_it_is() {
    let list = parse("x", b"notes,name,id,kind\nfriendly,Ivy,u_1,user\n").unwrap();
    assert_eq!(list.names[0].is_bot, None);
    assert_eq!(list.names[0].team, None);
    assert_eq!(list.ignored, ["notes"]);
}

#[test]
fn every_bad_line_is_named_with_what_to_do() {
    let text = format!(
        "id,name,is_bot,team\nu_1,Ivy,perhaps,\n,Bo,,\nu_2,,true,\nu_3,A,B,C,D\nu_4,{},,\n\
         u_5,\u{7}bell,,\nu_6,Ann,,\nu_6,Anna,,\n",
        "x".repeat(201)
    );
    insta::assert_snapshot!(flaws(&text));
}

#[test]
fn files_that_are_no_list_are_refused_whole() {
    let mut told = Vec::new();
    for text in [
        "",
        "u_1,Ivy\nu_2,Bo\n",
        "id,name,name\nu_1,Ivy,Ivy\n",
        "id,name\nu_1,\"Ivy\nu_2,Bo\n",
    ] {
        told.push(flaws(text));
    }
    let utf_16 = parse("names.csv", &[0xFF, 0xFE, b'i', 0]).unwrap_err();
    told.push(utf_16.to_string());
    let latin_1 = parse("names.csv", b"id,name\nu_1,Andr\xE9\n").unwrap_err();
    told.push(latin_1.to_string());
    insta::assert_snapshot!(told.join("\n\n"));
}

#[test]
fn a_thousand_bad_lines_do_not_fill_the_screen() {
    let text = format!("id,name\n{}", ",nobody\n".repeat(1_000));
    let told = flaws(&text);
    assert_eq!(told.lines().count(), FLAWS_SHOWN + 2);
    assert!(told.ends_with("and 980 more"), "{told}");
}

#[test]
fn what_is_written_is_harmless_in_a_spreadsheet_and_reads_back_the_same() {
    let sender = |id: &str, name: Option<&str>| NamedSender {
        id: id.into(),
        name: name.map(Into::into),
        is_bot: Some(true),
        team: Some("@home".into()),
        kind: "user".into(),
        messages: 3,
        last_message_at: None,
    };
    let senders = [
        sender("=cmd|' /C calc'!A0", Some("+1, \"quoted\"")),
        sender("u_1", Some("'tis a name")),
        sender("-x", None),
    ];
    let written = write(&senders[..2]).unwrap();
    let text = String::from_utf8(written.clone()).unwrap();
    let mut rows = csv::Reader::from_reader(&*written);
    for row in rows.records() {
        assert!(row.unwrap().iter().all(|cell| !would_run(cell)), "{text}");
    }
    let list = parse("x", &written).unwrap();
    assert_eq!(list.ignored, Vec::<String>::new());
    let back: Vec<(&str, &str)> = list.names.iter().map(|n| (&*n.id, &*n.name)).collect();
    assert_eq!(
        back,
        [
            ("=cmd|' /C calc'!A0", "+1, \"quoted\""),
            ("u_1", "'tis a name")
        ]
    );
    assert_eq!(list.names[0].team, Some(Some("@home".into())));
    // With nothing but a team it lacks a name, and says so.
    assert!(parse("x", &write(&senders[2..]).unwrap()).is_err());
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_a_list_or_refused(bytes: Vec<u8>) {
        let _ = parse("x", &bytes);
        let _ = parse("x", &[b"id,name,is_bot,team\n", &*bytes].concat());
    }

    #[test]
    fn any_name_is_written_so_that_it_reads_back(
        id in "['=+a]{0,3}[^\\p{C}\\s]{1,60}",
        given in "['=@a]{0,3}[^\\p{C}\\p{Z}]{1,60}",
        is_bot: Option<bool>,
    ) {
        let sender = NamedSender {
            id: id.clone(),
            name: Some(given.clone()),
            is_bot,
            team: None,
            kind: "user".into(),
            messages: 0,
            last_message_at: None,
        };
        let list = parse("x", &write(&[sender]).unwrap()).unwrap();
        proptest::prop_assert_eq!(list.names, [name(&id, &given, is_bot, None)]);
    }
}
