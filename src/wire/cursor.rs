//! A position in JSON text: the grammar of RFC 8259, checked strictly, nothing built.
//!
//! Owns what is valid JSON and what is not; [`super::json`] builds values on it, and
//! [`super::page`] cuts a body into items with it. Skipping is iterative, so depth is not a danger.
//! A test holds it to the same verdicts as `serde_json`.

use super::JsonError;

/// A position in a text.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

/// The inside of a string literal, checked and not decoded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Literal<'a> {
    /// What stands between the quotes.
    pub(super) inner: &'a str,
    /// Whether there is a backslash in it.
    pub(super) escaped: bool,
}

const ONES: u64 = u64::MAX / 255;
const HIGH_BITS: u64 = ONES << 7;

/// Where the run of bytes that need no attention in a string ends: at a quote, a backslash, a
/// control character or the end.
fn plain_run_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let quote = word ^ (ONES * u64::from(b'"'));
        let backslash = word ^ (ONES * u64::from(b'\\'));
        // The lowest marked byte is exact; a borrow can only mark bytes above a true one.
        let marked = (control
            | (quote.wrapping_sub(ONES) & !quote)
            | (backslash.wrapping_sub(ONES) & !backslash))
            & HIGH_BITS;
        if marked != 0 {
            return at + (marked.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(&byte) = bytes.get(at) {
        if byte == b'"' || byte == b'\\' || byte < 0x20 {
            break;
        }
        at += 1;
    }
    at
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Where it stands, in bytes from the start.
    pub(super) const fn position(&self) -> usize {
        self.at
    }

    /// The next byte, spaces skipped.
    pub(super) fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    /// Takes `byte` if it is next, spaces skipped.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        if is_next {
            self.at += 1;
        }
        is_next
    }

    /// Takes `byte` or says that `wanted` is missing.
    pub(super) fn expect(&mut self, byte: u8, wanted: &'static str) -> Result<(), JsonError> {
        if self.take(byte) {
            Ok(())
        } else {
            Err(self.error(wanted))
        }
    }

    /// An error at this position.
    pub(super) fn error(&self, wanted: &'static str) -> JsonError {
        if self.at >= self.text.len() {
            JsonError(format!(
                "it ends at byte {}, where {wanted} is missing",
                self.at
            ))
        } else {
            JsonError(format!("{wanted} is missing at byte {}", self.at))
        }
    }

    /// Checks that only spaces are left.
    pub(super) fn finish(mut self) -> Result<(), JsonError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(JsonError(format!(
                "more follows the value at byte {}",
                self.at
            ))),
        }
    }

    /// A string literal, checked.
    pub(super) fn literal(&mut self, wanted: &'static str) -> Result<Literal<'a>, JsonError> {
        self.expect(b'"', wanted)?;
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at = plain_run_end(bytes, self.at);
            match bytes.get(self.at) {
                Some(b'"') => {
                    let inner = &self.text[start..self.at];
                    self.at += 1;
                    return Ok(Literal { inner, escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return Err(self.error("an escape of a control character")),
                None => return Err(self.error("a closing quote")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        let bytes = self.text.as_bytes();
        self.at += 1;
        match bytes.get(self.at) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                let is_hex = bytes
                    .get(self.at + 1..self.at + 5)
                    .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
                if !is_hex {
                    return Err(self.error("an escape of four hexadecimal digits"));
                }
                self.at += 5;
            }
            _ => return Err(self.error("a known escape")),
        }
        Ok(())
    }

    /// A number, as it is written.
    pub(super) fn number(&mut self) -> Result<&'a str, JsonError> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        if bytes.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        if bytes.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(bytes.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let rest = &self.text.as_bytes()[self.at..];
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 {
            return Err(self.error("a digit"));
        }
        Ok(())
    }

    /// `true`, `false` or `null`.
    pub(super) fn word(&mut self, word: &'static str) -> Result<(), JsonError> {
        if self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(())
        } else {
            Err(self.error("a value"))
        }
    }

    /// Checks and passes one value of any depth; its exact text.
    pub(super) fn skip_value(&mut self) -> Result<&'a str, JsonError> {
        self.peek();
        let start = self.at;
        let mut closers: Vec<u8> = Vec::new();
        loop {
            self.skip_opening(&mut closers)?;
            if !self.skip_closing(&mut closers)? {
                return Ok(&self.text[start..self.at]);
            }
        }
    }

    /// Passes what opens the next value, down to and with its first scalar or empty container.
    fn skip_opening(&mut self, closers: &mut Vec<u8>) -> Result<(), JsonError> {
        loop {
            let closer = match self.peek() {
                Some(b'{') => b'}',
                Some(b'[') => b']',
                Some(b'"') => return self.literal("a string").map(drop),
                Some(b't') => return self.word("true"),
                Some(b'f') => return self.word("false"),
                Some(b'n') => return self.word("null"),
                Some(b'-' | b'0'..=b'9') => return self.number().map(drop),
                _ => return Err(self.error("a value")),
            };
            self.at += 1;
            if self.take(closer) {
                return Ok(());
            }
            closers.push(closer);
            self.skip_key(closer)?;
        }
    }

    /// Passes what closes after a value. Whether another value follows.
    fn skip_closing(&mut self, closers: &mut Vec<u8>) -> Result<bool, JsonError> {
        while let Some(&closer) = closers.last() {
            if self.take(b',') {
                self.skip_key(closer)?;
                return Ok(true);
            }
            self.expect(closer, "a comma or a closing bracket")?;
            closers.pop();
        }
        Ok(false)
    }

    fn skip_key(&mut self, closer: u8) -> Result<(), JsonError> {
        if closer == b'}' {
            self.literal("a key")?;
            self.expect(b':', "a colon")?;
        }
        Ok(())
    }
}
