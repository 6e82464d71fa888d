//! Where in a JSON value something stands, written only if somebody has to be told.
//!
//! A place is a chain on the stack, so that reading a value that is not odd costs nothing.

use std::fmt::{self, Write as _};

/// How many characters of one key a path shows.
const KEY_CHARS_MAX: usize = 60;
/// How many characters a path has at most, about.
const PATH_CHARS_MAX: usize = 400;

/// A place, as a step from its parent. Displays as `content.quick_replies[2].id`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'p> {
    parent: Option<&'p Place<'p>>,
    step: Step<'p>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'p> {
    Root,
    Key(&'p str),
    Index(usize),
}

impl<'p> Place<'p> {
    /// The value itself; displays as nothing.
    pub(crate) const ROOT: Place<'static> = Place {
        parent: None,
        step: Step::Root,
    };

    /// The member of that key.
    pub(crate) const fn key(&'p self, key: &'p str) -> Self {
        Self {
            parent: Some(self),
            step: Step::Key(key),
        }
    }

    /// The element at that index.
    pub(crate) const fn index(&'p self, index: usize) -> Self {
        Self {
            parent: Some(self),
            step: Step::Index(index),
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut steps = Vec::new();
        let mut place = Some(self);
        while let Some(here) = place {
            steps.push(here.step);
            place = here.parent;
        }
        let mut path = String::new();
        for step in steps.into_iter().rev() {
            if path.len() > PATH_CHARS_MAX {
                path.push('…');
                break;
            }
            match step {
                Step::Root => {}
                Step::Index(index) => write!(path, "[{index}]")?,
                Step::Key(key) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.extend(key.chars().filter(|c| !c.is_control()).take(KEY_CHARS_MAX));
                }
            }
        }
        f.write_str(&path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_like_code() {
        let content = Place::ROOT.key("content");
        let replies = content.key("quick_replies");
        let second = replies.index(2);
        assert_eq!(second.key("id").to_string(), "content.quick_replies[2].id");
        assert_eq!(Place::ROOT.to_string(), "");
        assert_eq!(Place::ROOT.index(0).to_string(), "[0]");
    }

    #[test]
    fn a_hostile_key_makes_a_short_printable_path() {
        let key = "\u{1b}[31m".to_owned() + &"k".repeat(10_000);
        let path = Place::ROOT.key(&key).to_string();
        assert_eq!(path.chars().count(), KEY_CHARS_MAX);
        assert!(path.starts_with("[31mk"));
    }
}
