//! What the people of the corpus say, by language.
//!
//! Phrases may hold `{item}`, `{order}`, `{name}`, `{amount}` and `{days}`; the languages are one
//! file each. The dialogues are invented; no real conversation is in them.

mod arabic;
mod chinese;
mod english;
mod japanese;
mod spanish;
mod thai;

/// A language's phrases.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) hello: &'static [&'static str],
    pub(super) welcome: &'static [&'static str],
    pub(super) topics: [Topic; 6],
    pub(super) chatter: &'static [&'static str],
    pub(super) thanks: &'static [&'static str],
    pub(super) bye: &'static [&'static str],
    pub(super) items: &'static [&'static str],
    pub(super) names: &'static [&'static str],
    pub(super) menu: Menu,
    pub(super) branches: Menu,
    pub(super) template: &'static str,
    pub(super) notice: &'static str,
    pub(super) captions: &'static [&'static str],
}

/// One matter that customers write about.
#[derive(Debug)]
pub(super) struct Topic {
    pub(super) ask: &'static [&'static str],
    pub(super) answer: &'static [&'static str],
    pub(super) follow: &'static [&'static str],
    pub(super) resolve: &'static [&'static str],
}

/// A question with options to press.
#[derive(Debug)]
pub(super) struct Menu {
    pub(super) question: &'static str,
    pub(super) options: [&'static str; 3],
}

/// The languages, with how many of 100 conversations are held in each.
pub(super) const LANGUAGES: [(u64, &Words); 6] = [
    (34, &english::WORDS),
    (30, &chinese::WORDS),
    (11, &spanish::WORDS),
    (10, &japanese::WORDS),
    (8, &thai::WORDS),
    (7, &arabic::WORDS),
];
