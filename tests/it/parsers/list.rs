//! Claims about what people give as lists, and about links of the web application in them.

use std::{collections::HashSet, io::Cursor};

use convault::{
    sync::input::{Collector, Input, InputError, parse_id},
    wire::conversation_id_of_link,
};

/// Reads the bytes as a list of ids and as one of phone numbers.
pub(super) fn lines(bytes: &[u8]) {
    assert_list(
        |collector| collector.add_ids("list", Cursor::new(bytes)),
        |input| {
            let ids = input.ids.iter().map(str::to_owned);
            (ids.collect(), Collector::add_ids)
        },
    );
    assert_list(
        |collector| collector.add_phones("list", Cursor::new(bytes)),
        |input| {
            for phone in &input.phones {
                assert!(!phone.is_empty() && phone.bytes().all(|byte| byte.is_ascii_digit()));
            }
            (input.phones.clone(), Collector::add_phones)
        },
    );
}

type Add = fn(&mut Collector, &str, Cursor<Vec<u8>>) -> Result<(), InputError>;

/// A list is refused for its bad lines or read without them, and what was read reads as itself.
fn assert_list(
    add: impl Fn(&mut Collector) -> Result<(), InputError>,
    words: impl Fn(&Input) -> (Vec<String>, Add),
) {
    let collected = || {
        let mut collector = Collector::new();
        add(&mut collector).expect("memory can be read");
        collector
    };
    let input = collected().finish(true, true).expect("all is forgiven");
    let strict = collected().finish(false, true);
    assert_eq!(strict.is_ok(), input.bad_lines_skipped.is_empty());
    let (words, add) = words(&input);
    let distinct: HashSet<&String> = words.iter().collect();
    assert_eq!(distinct.len(), words.len(), "each once");
    for word in &words {
        assert!(!word.is_empty() && word.chars().count() <= 200, "{word:?}");
        assert!(
            !word.contains(|c: char| c.is_control() || c.is_whitespace()),
            "{word:?}"
        );
    }
    let plain = |word: &String| !word.contains("://") && !word.contains("conv_id=");
    if words
        .iter()
        .all(|word| plain(word) && !word.starts_with(['#', '\u{feff}']))
    {
        let mut collector = Collector::new();
        add(
            &mut collector,
            "again",
            Cursor::new(words.join("\r\n").into_bytes()),
        )
        .expect("memory");
        let again = collector
            .finish(false, true)
            .expect("what was read is good");
        let ids = again.ids.iter().map(str::to_owned);
        let read: Vec<String> = ids.chain(again.phones).collect();
        assert_eq!(read, words);
    }
}

/// Reads the bytes as CSV with the column `id`.
pub(super) fn csv(bytes: &[u8]) {
    let read = || {
        let mut collector = Collector::new();
        let added = collector.add_csv("list", "id", bytes);
        added.map(|()| collector.finish(true, true).expect("all is forgiven"))
    };
    let Ok(input) = read() else {
        return;
    };
    assert_eq!(read().ok().as_ref(), Some(&input), "twice the same");
    let distinct: HashSet<&str> = input.ids.iter().collect();
    assert_eq!(distinct.len(), input.ids.len(), "each once");
    for id in distinct {
        assert!(!id.is_empty() && id.chars().count() <= 200, "{id:?}");
        assert!(
            !id.contains(|c: char| c.is_control() || c.is_whitespace()),
            "{id:?}"
        );
    }
}

pub(super) fn link(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Some(id) = conversation_id_of_link(text) {
        assert!(!id.is_empty());
        let mut link = url::Url::parse("https://webapp.invalid/chat").expect("it is a URL");
        link.query_pairs_mut().append_pair("conv_id", &id);
        assert_eq!(conversation_id_of_link(link.as_str()), Some(id));
    }
    if let Ok(Some(id)) = parse_id(text) {
        assert!(!id.as_str().is_empty());
        assert!(
            !id.as_str()
                .contains(|c: char| c.is_control() || c.is_whitespace())
        );
    }
}
