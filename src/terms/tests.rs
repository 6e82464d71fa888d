use proptest::prelude::*;

use super::*;

fn texts(text: &str) -> Vec<String> {
    terms(text).iter().map(str::to_owned).collect()
}

fn entry(text: &str) -> Entry {
    cut([Some(text)])
}

fn finds(words: &str, text: &str) -> bool {
    Query::parse(words).unwrap().matches(&entry(text))
}

#[test]
fn words_are_without_case_width_and_diacritics() {
    for (text, expected) in [
        ("Refund, please!", "refund please"),
        ("Café Ünïcode Ελλάς ё", "cafe unicode ελλασ е"),
        ("cafe\u{301}", "cafe"),
        ("Straße STRASSE", "strasse strasse"),
        ("ＡＢＣ１２３ ﬁn ①", "abc123 fin 1"),
        ("İstanbul", "istanbul"),
        ("don't e-mail a_b", "don t e mail a b"),
        (
            "soft\u{ad}hyphen \u{feff}bom zero\u{200b}width",
            "softhyphen bom zero width",
        ),
        ("مُحَمَّد مـحـمد", "محمد محمد"),
        ("שָׁלוֹם", "שלום"),
        ("हिन्दी", "हिन्दी"),
        ("R2-D2 3.14", "r2 d2 3 14"),
    ] {
        assert_eq!(texts(text).join(" "), expected, "{text}");
    }
}

#[test]
fn scripts_without_spaces_become_pairs_and_the_last_character() {
    for (text, expected) in [
        ("申请退款", "申请 请退 退款 款"),
        ("退", "退"),
        ("退款,申请", "退款 款 申请 请"),
        ("iPhone手机壳 X", "iphone 手机 机壳 壳 x"),
        ("ｶﾞｲﾄﾞ", "ガイ イド ド"),
        ("が か\u{3099}", "が が"),
        ("한국", "한국 국"),
        ("\u{1112}\u{1161}\u{11ab}", "한"),
        ("ไทย", "ไท ทย ย"),
        ("㍿", "株式 式会 会社 社"),
    ] {
        assert_eq!(texts(text).join(" "), expected, "{text}");
    }
}

#[test]
fn each_symbol_is_a_term() {
    assert_eq!(texts("ok👍🏽🎉!"), ["ok", "👍", "🎉"]);
    assert_eq!(texts("👩‍💻 ❤️ €5 $5"), ["👩", "💻", "❤", "€", "5", "5"]);
    assert!(texts("!!! -- … ").is_empty());
}

#[test]
fn a_long_word_is_several_terms() {
    let word = "x".repeat(150);
    let lengths: Vec<usize> = texts(&word).iter().map(String::len).collect();
    assert_eq!(lengths, [64, 64, 22]);
    assert!(finds(&word, &format!("see {word}.")));
    assert!(finds(&format!("{}*", &word[..100]), &word));
    assert!(!finds(&word, &word[..149]));
}

#[test]
fn what_is_asked_is_found() {
    let chinese = "您好，我想申请退款，订单号 A-1023";
    for words in [
        "退款",
        "退",
        "款",
        "申请退款",
        "退款 申请",
        "\"申请退款\"",
        "A-1023",
        "a-10*",
        "“a 1023”",
        "退款 -换货",
        "－换货 退款",
        "退*",
        "退款＊",
        "-\"款 退\" 款",
        "\"订单号 a",
    ] {
        assert!(finds(words, chinese), "{words}");
    }
    for words in [
        "退货",
        "款退",
        "1023a",
        "10",
        "退款 -申请",
        "\"退款 申请\"",
        "-a* 退款",
    ] {
        assert!(!finds(words, chinese), "{words}");
    }
    let english = "The refund was denied; a Refundable deposit is not.";
    for words in [
        "refund*",
        "\"refund was\"",
        "deposit refund",
        "\"not\"*",
        "\"a refund*\"",
    ] {
        assert!(finds(words, english), "{words}");
    }
    for words in [
        "refun",
        "\"was refund\"",
        "refund -denied",
        "\"the denied\"",
    ] {
        assert!(!finds(words, english), "{words}");
    }
}

#[test]
fn no_phrase_reaches_from_one_text_into_the_next() {
    let entry = cut([Some("one two"), None, Some("three")]);
    let found = |words: &str| Query::parse(words).unwrap().matches(&entry);
    assert!(found("three one"));
    assert!(!found("\"two three\""));
    let positions: Vec<usize> = entry.positions().map(|(position, _)| position).collect();
    assert_eq!(positions, [1, 2, 4]);
}

#[test]
fn a_text_that_another_holds_is_cut_once() {
    let of = |texts: [&str; 3]| cut(texts.map(Some));
    assert_eq!(of(["Invoice", "Invoice", "Invoice"]).fields.len(), 1);
    assert_eq!(of(["", "see\nInvoice", "Invoice"]).fields.len(), 1);
    assert_eq!(of(["art", "party", "see"]).fields.len(), 3);
}

#[test]
fn nothing_that_is_typed_is_misread() {
    for (words, flaw) in [
        ("", QueryFlaw::Empty),
        (" - * \" ' ! ", QueryFlaw::Empty),
        ("-refund", QueryFlaw::Empty),
        ("\"", QueryFlaw::Empty),
    ] {
        assert_eq!(Query::parse(words), Err(flaw), "{words}");
    }
    assert_eq!(Query::parse(&"a b c ".repeat(86)), Query::parse("a b c"));
    let many: Vec<String> = (0..257).map(|number| number.to_string()).collect();
    assert_eq!(Query::parse(&many.join(" ")), Err(QueryFlaw::TooLong));
    let query = Query::parse("and OR not near(a) col:b ^c").unwrap();
    assert_eq!(query.wanted.len(), 6);
}

#[test]
fn a_text_of_megabytes_is_long_without_being_cut_for_an_index() {
    let long = "a ".repeat(1 << 20);
    let entry = cut_for_index([Some(&long), None, Some("title")]);
    assert!(!entry.is_empty() && !entry.fits());
    assert_eq!((entry.len(), entry.positions().count()), (0, 0));
    let whole = cut([Some(&long)]);
    assert_eq!(whole.len(), 1 << 20, "a search reads it all the same");
    let short = [Some(&long[..200])];
    assert_eq!(cut_for_index(short), cut(short));
}

#[test]
fn what_an_engine_cannot_hold_does_not_fit() {
    assert!(entry(&"word ".repeat(255)).fits());
    assert!(!entry(&"word ".repeat(256)).fits());
    let words = |count: u32| {
        let words: Vec<String> = (0..count).map(|number| format!("w{number}")).collect();
        words.join(" ")
    };
    assert!(entry(&words(16_000)).fits());
    assert!(!entry(&words(16_001)).fits());
}

#[test]
fn more_of_it_in_fewer_words_ranks_higher() {
    let query = Query::parse("refund").unwrap();
    let rank = |text: &str| score(&query, &entry(text));
    assert!(rank("refund refund") > rank("refund please"));
    assert!(rank("refund please") > rank("refund for the order that I made last week please"));
    assert_eq!(rank("nothing"), 0);
}

fn shown(words: &str, text: &str) -> String {
    let found = snippet(&Query::parse(words).unwrap(), &entry(text), [Some(text)]);
    let shown = found.iter().map(|piece| {
        if piece.is_hit {
            format!("[{}]", piece.text)
        } else {
            piece.text.clone()
        }
    });
    shown.collect()
}

#[test]
fn a_snippet_marks_what_was_looked_for_in_the_original_words() {
    for (words, text, expected) in [
        ("cafe", "Ein CAFÉ, zwei\n\n Cafés", "Ein [CAFÉ], zwei Cafés"),
        ("退款", "申请退款了", "申请[退款]了"),
        ("退", "申请退款了", "申请[退]款了"),
        ("请退款", "申请退款了", "申[请退款]了"),
        ("refun*", "refunds and refund", "[refunds] and [refund]"),
        ("\"a b\" b", "x a b b", "x [a b] [b]"),
        ("👍", "ok👍🏽", "ok[👍🏽]"),
        ("a -c", "a b", "[a] b"),
    ] {
        assert_eq!(shown(words, text), expected, "{words}");
    }
    let long = format!("{}needle{}", "x ".repeat(100), " y".repeat(200));
    let found = shown("needle", &long);
    assert!(
        found.starts_with("…x x") || found.starts_with("… x"),
        "{found}"
    );
    assert!(
        found.ends_with('…') && found.contains("[needle]"),
        "{found}"
    );
    assert!(found.chars().count() < 170, "{found}");
}

proptest! {
    #[test]
    fn any_text_has_terms_that_both_engines_can_hold(text in any::<String>()) {
        let found = terms(&text);
        for (term, place) in found.iter().zip(&found.places) {
            prop_assert!(!term.is_empty() && term.len() < 2_000);
            let is_bad = |c: char| c.is_whitespace() || c.is_control() || c.is_ascii_punctuation();
            prop_assert!(!term.contains(is_bad), "{term:?}");
            prop_assert!(place.start < place.head_end && place.head_end <= place.end);
            prop_assert!(text.get(place.start..place.end).is_some());
        }
    }

    #[test]
    fn any_question_is_read_and_answered(words in any::<String>(), text in any::<String>()) {
        if let Ok(query) = Query::parse(&words) {
            let entry = entry(&text);
            let pieces = snippet(&query, &entry, [Some(&text)]);
            prop_assert_eq!(query.matches(&entry) && pieces.is_empty(), false);
            score(&query, &entry);
        }
    }

    #[test]
    fn every_part_of_a_run_without_spaces_is_found(
        text in "[一-三ァ-ウ가-각ก-ค]{1,12}",
        from in 0_usize..12,
        length in 1_usize..6,
    ) {
        let characters: Vec<char> = text.chars().collect();
        let from = from % characters.len();
        let part: String = characters[from..].iter().take(length).collect();
        prop_assert!(finds(&part, &text), "{part} in {text}");
        let (quoted, between) = (format!("\"{part}\""), format!("x{text}y"));
        prop_assert!(finds(&quoted, &between), "{quoted} in {between}");
    }
}

#[test]
fn the_tables_of_kinds_say_what_is_looked_up() {
    for character in '\0'..=char::MAX {
        assert_eq!(kind(character), look_kind_up(character), "{character:?}");
    }
}
