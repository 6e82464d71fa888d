//! Numbers and durations as people read them.

use std::time::Duration;

/// A number with its thousands apart, by a space that does not break.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 * 2);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// `1 message`, `2 messages`.
pub(super) fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
}

/// A duration by its largest unit: `3 days`, `45 seconds`.
pub(super) fn length(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    let found = units.into_iter().find(|(size, _)| seconds >= *size);
    let (size, unit) = found.unwrap_or((1, "second"));
    counted(seconds / size, unit)
}

/// The first characters of a text, and whether there were more.
pub(super) fn cut(text: &str, characters: usize) -> (&str, bool) {
    match text.char_indices().nth(characters) {
        Some((end, _)) => (&text[..end], true),
        None => (text, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lengths_and_cuts_are_for_people() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(counted(1, "message"), "1 message");
        assert_eq!(length(Duration::from_secs(59)), "59 seconds");
        assert_eq!(length(Duration::from_secs(119)), "1 minute");
        assert_eq!(length(Duration::from_hours(50)), "2 days");
        assert_eq!(cut("退款🙂", 2), ("退款", true));
        assert_eq!(cut("退款", 2), ("退款", false));
    }
}
