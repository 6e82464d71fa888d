//! What a plain reading finds, told without the program's terms: a text is a list of atoms (a Latin
//! word, or one other character), and one Chinese character follows another with or without a gap.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

#[derive(Debug, Clone, PartialEq)]
struct Atom {
    text: String,
    is_chinese: bool,
    /// Whether the next one is Chinese too, without a gap.
    is_joined: bool,
}

/// A random text of a few words.
pub(super) fn text(random: &mut ChaCha8Rng) -> String {
    let number = random.random_range(0..7);
    let words: Vec<String> = (0..number).map(|_| chunk(random)).collect();
    words.join([" ", ", ", "\n"][random.random_range(0..3)])
}

/// A random question.
pub(super) fn words(random: &mut ChaCha8Rng) -> String {
    let number = random.random_range(1..4);
    let mut words: Vec<String> = Vec::new();
    for _ in 0..number {
        let minus = if random.random_range(0..4) == 0 {
            "-"
        } else {
            ""
        };
        let word = match random.random_range(0..4) {
            0 => format!("\"{} {}\"", chunk(random), chunk(random)),
            1 => {
                let chunk = chunk(random);
                let characters: Vec<char> = chunk.chars().collect();
                let long = random.random_range(1..=characters.len());
                format!("{}*", characters[..long].iter().collect::<String>())
            }
            _ => chunk(random),
        };
        words.push(format!("{minus}{word}"));
    }
    words.join(" ")
}

fn chunk(random: &mut ChaCha8Rng) -> String {
    const PARTS: [&str; 14] = [
        "refund", "Refunds", "CAFÉ", "cafe", "a", "B", "退", "款", "退款", "申请", "请退", "👍",
        "42", "Ref",
    ];
    let number = random.random_range(1..4);
    (0..number)
        .map(|_| PARTS[random.random_range(0..PARTS.len())])
        .collect()
}

/// Whether a text is one that was asked for.
pub(super) fn matches(words: &str, text: &str) -> bool {
    let text = atoms(text);
    let mut rest = words.trim_start();
    while !rest.is_empty() {
        let (is_unwanted, after) = match rest.strip_prefix('-') {
            Some(after) => (true, after),
            None => (false, rest),
        };
        let (word, after) = match after.strip_prefix('"') {
            Some(inside) => inside.split_once('"').unwrap(),
            None => after.split_once(' ').unwrap_or((after, "")),
        };
        let (word, is_beginning) = match word.strip_suffix('*') {
            Some(word) => (word, true),
            None => (word, false),
        };
        if is_there(&atoms(word), is_beginning, &text) == is_unwanted {
            return false;
        }
        rest = after.trim_start();
    }
    true
}

fn is_there(phrase: &[Atom], is_beginning: bool, text: &[Atom]) -> bool {
    let (last, before) = phrase.split_last().unwrap();
    text.windows(phrase.len()).any(|window| {
        let (end, begin) = window.split_last().unwrap();
        let ends = if is_beginning && !last.is_chinese && last.text != "👍" {
            end.text.starts_with(&last.text)
        } else {
            end.text == last.text
        };
        ends && begin == before
    })
}

fn atoms(text: &str) -> Vec<Atom> {
    let mut atoms: Vec<Atom> = Vec::new();
    let mut is_open = false;
    for character in text.chars() {
        let plain = if character == 'É' {
            'e'
        } else {
            character.to_ascii_lowercase()
        };
        let is_chinese = "退款申请".contains(plain);
        if plain.is_ascii_alphanumeric() {
            match atoms.last_mut() {
                Some(last) if is_open && !last.is_chinese && last.text != "👍" => {
                    last.text.push(plain);
                }
                _ => atoms.push(atom(plain, false)),
            }
        } else if is_chinese || plain == '👍' {
            if let Some(last) = atoms.last_mut() {
                last.is_joined = is_open && last.is_chinese && is_chinese;
            }
            atoms.push(atom(plain, is_chinese));
        }
        is_open = !" ,\n".contains(plain);
    }
    atoms
}

fn atom(character: char, is_chinese: bool) -> Atom {
    Atom {
        text: character.to_string(),
        is_chinese,
        is_joined: false,
    }
}
