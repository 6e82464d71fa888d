//! A shop's conversations, made from a seed.
//!
//! Owns how many conversations there are, how long each is, who takes part and when. A message is
//! a pure function of (seed, conversation, index): nothing but one length a conversation is kept,
//! so a million messages in one conversation or ten million in fifty thousand cost next to
//! nothing. Within a conversation `created_at` never decreases with the index (0 is the oldest).
//! What has changed since is in [`super::listing`].

mod calendar;
mod content;
mod identity;
mod letter;
mod script;
mod words;

use crate::model::Timestamp;

pub(super) use self::{
    calendar::write_time,
    identity::Identity,
    letter::{Edit, RowOddities},
};
use self::{
    calendar::{OPEN_MS, real_of_shop, shop_of_real},
    identity::Named,
    script::{BLOCK, Script},
    words::{LANGUAGES, Words},
};
use super::dice::{Dice, Purpose};

/// 2026-06-30T12:00:00Z, when the demonstration corpus ends.
const END_MS: i64 = 1_782_820_800_000;
const MINUTE_MS: i64 = 60_000;
/// The listing needs the highest bit of a message's number for itself.
const SIZE_MAX: u32 = u32::MAX >> 1;
const AGENTS: u64 = 12;

/// What corpus to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorpusOptions {
    /// The seed of everything.
    pub seed: u64,
    /// How many conversations, at most 2^25.
    pub conversations: u32,
    /// How many messages in all, exactly; at least one a conversation is made.
    pub messages: u64,
    /// The length of one conversation (the first), where it is to be chosen; below 2^31.
    pub largest: Option<u32>,
    /// Every conversation has exactly this many messages; `messages` is not read then.
    pub messages_each: Option<u32>,
    /// The length of each conversation, below 2^31; where these are given, none of the above is
    /// read but the seed.
    pub lengths: Vec<u32>,
    /// The organisation that everything belongs to.
    pub organization_id: String,
    /// No message of the corpus is newer.
    pub end: Timestamp,
}

impl Default for CorpusOptions {
    /// The demonstration: 20,000 messages in 200 conversations.
    fn default() -> Self {
        Self {
            seed: 42,
            conversations: 200,
            messages: 20_000,
            largest: None,
            messages_each: None,
            lengths: Vec::new(),
            organization_id: "org_demo".to_owned(),
            end: Timestamp::from_millis(END_MS),
        }
    }
}

/// The corpus: lengths, and the way from a number to an id and back.
#[derive(Debug)]
pub(super) struct Corpus {
    options: CorpusOptions,
    sizes: Vec<u32>,
    agents: Vec<Identity>,
}

impl Corpus {
    pub(super) fn new(options: CorpusOptions) -> Self {
        let sizes = sizes(&options);
        let agents = (0..AGENTS)
            .map(|agent| Identity::new(options.seed, Named::Agent, 0, agent))
            .collect();
        Self {
            options,
            sizes,
            agents,
        }
    }

    pub(super) const fn seed(&self) -> u64 {
        self.options.seed
    }

    pub(super) fn organization_id(&self) -> &str {
        &self.options.organization_id
    }

    /// How many messages each conversation began with.
    pub(super) fn sizes(&self) -> &[u32] {
        &self.sizes
    }

    pub(super) fn conversation_id(&self, index: u32) -> String {
        Identity::of_conversation(self.seed(), index).text("conv_")
    }

    /// The number of the conversation with this id.
    pub(super) fn conversation_of_id(&self, id: &str) -> Option<u32> {
        let index = Identity::conversation_index(self.seed(), id)?;
        let known = usize::try_from(index).is_ok_and(|index| index < self.sizes.len());
        (known && self.conversation_id(index) == id).then_some(index)
    }

    /// The phone number of the contact of a conversation.
    pub(super) fn phone_number(&self, index: u32) -> String {
        identity::phone_of_contact(self.seed(), contact_of(index))
    }

    /// The conversations of a phone number, in no particular order.
    pub(super) fn conversations_of_phone(&self, phone: &str) -> Vec<u32> {
        let Some(contact) = identity::contact_of_phone(self.seed(), phone) else {
            return Vec::new();
        };
        [contact, contact.wrapping_add(1)]
            .into_iter()
            .filter(|&index| {
                usize::try_from(index).is_ok_and(|index| index < self.sizes.len())
                    && contact_of(index) == contact
            })
            .collect()
    }

    /// Who takes part in a conversation, in which language, and when.
    pub(super) fn plan(&self, index: u32) -> Plan<'_> {
        Plan::new(self, index)
    }
}

/// Every fifth conversation is another one of the contact before it.
const fn contact_of(index: u32) -> u32 {
    if index % 5 == 4 { index - 1 } else { index }
}

/// Draws lengths with a heavy tail (the chance to be longer than n falls as 1/n) whose sum is
/// exactly the total.
fn sizes(options: &CorpusOptions) -> Vec<u32> {
    if !options.lengths.is_empty() {
        let lengths = options.lengths.iter();
        return lengths.map(|&length| length.min(SIZE_MAX)).collect();
    }
    let count = options.conversations as usize;
    if let Some(each) = options.messages_each {
        return vec![each.min(SIZE_MAX); count];
    }
    let fixed = usize::from(options.largest.is_some()).min(count);
    let drawn = count - fixed;
    let weights: Vec<u64> = (0..drawn as u64)
        .map(|index| {
            let mut dice = Dice::new(options.seed, Purpose::Size, [index, 0]);
            2_000_000 / dice.between(1, 2_000)
        })
        .collect();
    let weight: u128 = weights.iter().map(|&weight| u128::from(weight)).sum();
    let largest = u64::from(options.largest.unwrap_or(0));
    let rest = options
        .messages
        .saturating_sub(largest)
        .saturating_sub(drawn as u64);
    let mut sizes: Vec<u32> = options.largest.into_iter().take(fixed).collect();
    sizes.extend(weights.iter().map(|&own| {
        let share = u128::from(rest) * u128::from(own) / weight.max(1);
        u32::try_from(share + 1).unwrap_or(u32::MAX)
    }));
    let short = (rest + drawn as u64)
        .saturating_sub(sizes[fixed..].iter().map(|&size| u64::from(size)).sum());
    // Rounding down loses less than one message a conversation.
    let short = usize::try_from(short).unwrap_or(usize::MAX);
    for size in sizes.iter_mut().skip(fixed).take(short) {
        *size = size.saturating_add(1);
    }
    sizes.iter().map(|&size| size.min(SIZE_MAX)).collect()
}

/// Where the contact writes from; decides which kinds of messages there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Channel {
    WhatsApp,
    Web,
    Email,
    Line,
}

/// One conversation's people, language and time line. Cheap to make.
#[derive(Debug)]
pub(super) struct Plan<'c> {
    corpus: &'c Corpus,
    index: u32,
    size: u32,
    id: Identity,
    contact: Identity,
    agents: [Identity; 3],
    business_unit_id: &'static str,
    channel: Channel,
    /// Before `is_mail` was introduced.
    is_old: bool,
    words: &'static Words,
    is_night_owl: bool,
    start: i64,
    span: i64,
}

/// A block's messages: what is said and when.
#[derive(Debug)]
pub(super) struct Block {
    number: u32,
    script: Script,
    created_ms: [i64; BLOCK],
}

impl<'c> Plan<'c> {
    fn new(corpus: &'c Corpus, index: u32) -> Self {
        let seed = corpus.seed();
        let size = corpus.sizes[index as usize];
        let mut dice = Dice::new(seed, Purpose::Plan, [u64::from(index), 0]);
        let contact = u64::from(contact_of(index));
        let is_night_owl = dice.percent(8);
        let (start, span) = time_line(&mut dice, size, is_night_owl, corpus.options.end);
        Self {
            corpus,
            index,
            size,
            id: Identity::of_conversation(seed, index),
            contact: Identity::new(seed, Named::Contact, 0, contact),
            agents: [0; 3].map(|_| *dice.pick(&corpus.agents)),
            business_unit_id: if dice.percent(70) {
                "bu_demo_shop"
            } else {
                "bu_demo_service"
            },
            channel: match dice.below(100) {
                0..50 => Channel::WhatsApp,
                50..80 => Channel::Web,
                80..88 => Channel::Email,
                _ => Channel::Line,
            },
            is_old: dice.percent(6),
            words: language(dice.below(100)),
            is_night_owl,
            start,
            span,
        }
    }

    /// The seed of the corpus.
    pub(super) const fn seed(&self) -> u64 {
        self.corpus.seed()
    }

    /// The number of this conversation.
    pub(super) const fn index(&self) -> u32 {
        self.index
    }

    /// The contact's id.
    pub(super) fn contact_id(&self) -> String {
        self.contact.text("con_")
    }

    /// When the conversation began.
    pub(super) fn started_ms(&self) -> i64 {
        self.real(self.start)
    }

    /// The block that holds message `index`.
    pub(super) fn block_of(&self, index: u32) -> Block {
        let width = u32::try_from(BLOCK).expect("a block is small");
        let number = index / width;
        let blocks = i64::from(self.size.div_ceil(width).max(1));
        let key = [u64::from(self.index), u64::from(number)];
        let mut dice = Dice::new(self.corpus.seed(), Purpose::Script, key);
        let script = Script::new(&mut dice, self.channel);
        let at = |number: i64| self.start + self.span * number / blocks;
        let window = at(i64::from(number) + 1) - at(i64::from(number));
        let mut dice = Dice::new(self.corpus.seed(), Purpose::Times, key);
        let delay = dice.millis(window / 2);
        let within = script.times(&mut dice, (window - delay - 1).max(0));
        let begin = at(i64::from(number)) + delay;
        Block {
            number,
            created_ms: within.map(|at| self.real(begin + at)),
            script,
        }
    }

    const fn real(&self, at: i64) -> i64 {
        if self.is_night_owl {
            at
        } else {
            real_of_shop(at)
        }
    }
}

impl Block {
    /// Whether message `index` is in this block.
    pub(super) fn holds(&self, index: u32) -> bool {
        index as usize / BLOCK == self.number as usize
    }

    /// When message `index` of the conversation was created.
    pub(super) fn created_ms(&self, index: u32) -> i64 {
        self.created_ms[index as usize % BLOCK]
    }
}

/// Start and length of a conversation: most ended lately, some long ago, and the longer ones
/// took months.
fn time_line(dice: &mut Dice, size: u32, is_night_owl: bool, end: Timestamp) -> (i64, i64) {
    let width = i64::try_from(BLOCK).expect("a block is small");
    let blocks = i64::from(size) / width + 1;
    let pace = 2 * 60 * MINUTE_MS + dice.millis(3 * OPEN_MS);
    let span = (blocks * pace).min(900 * OPEN_MS);
    let doublings = dice.below(if size > 64 { 8 } else { 15 });
    let age = (5 * MINUTE_MS) << doublings;
    let age = age + dice.millis(age);
    let end = if is_night_owl {
        end.as_millis()
    } else {
        shop_of_real(end.as_millis())
    };
    (end - age - span, span)
}

fn language(mut drawn: u64) -> &'static Words {
    for (share, words) in LANGUAGES {
        if drawn < share {
            return words;
        }
        drawn -= share;
    }
    LANGUAGES[0].1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus(conversations: u32, messages: u64, largest: Option<u32>) -> Corpus {
        Corpus::new(CorpusOptions {
            conversations,
            messages,
            largest,
            ..CorpusOptions::default()
        })
    }

    #[test]
    fn lengths_have_the_exact_sum_and_a_heavy_tail() {
        for (conversations, messages, largest) in [
            (200, 20_000, None),
            (50_000, 10_000_000, None),
            (7, 1_000, Some(900)),
            (1, 12_345, None),
            (10, 10, None),
        ] {
            let corpus = corpus(conversations, messages, largest);
            let sum: u64 = corpus.sizes().iter().map(|&size| u64::from(size)).sum();
            assert_eq!(sum, messages);
            assert!(corpus.sizes().iter().all(|&size| size > 0));
            assert!(largest.is_none_or(|largest| corpus.sizes()[0] == largest));
        }
        let demo = corpus(200, 20_000, None);
        let largest = demo.sizes().iter().max().copied().unwrap_or(0);
        let short = demo.sizes().iter().filter(|&&size| size < 50).count();
        assert!(largest > 1_000 && short > 100, "{largest}, {short}");
    }

    #[test]
    fn time_never_runs_backwards_within_a_conversation_nor_past_the_end() {
        for (messages, step) in [(40, 1), (3_000, 1), (1_000_000, 97)] {
            for seed in 0..4 {
                let corpus = Corpus::new(CorpusOptions {
                    seed,
                    conversations: 1,
                    messages,
                    ..CorpusOptions::default()
                });
                let plan = corpus.plan(0);
                let last = u32::try_from(messages).unwrap() - 1;
                let times = (0..last).step_by(step).chain([last]);
                let times: Vec<i64> = times
                    .map(|index| plan.block_of(index).created_ms(index))
                    .collect();
                assert!(times.is_sorted(), "{messages} messages of seed {seed}");
                assert!(times[0] >= plan.started_ms() && times[times.len() - 1] <= END_MS);
            }
        }
    }

    #[test]
    fn conversations_are_found_by_id_and_by_phone_number() {
        let corpus = corpus(50, 500, None);
        for index in 0..50 {
            let id = corpus.conversation_id(index);
            assert_eq!(corpus.conversation_of_id(&id), Some(index));
            let found = corpus.conversations_of_phone(&corpus.phone_number(index));
            assert!(found.contains(&index));
            assert_eq!(corpus.conversation_of_id(&id[..id.len() - 1]), None);
        }
        assert!(corpus.conversations_of_phone("12345678").is_empty());
        let beyond = Identity::of_conversation(corpus.seed(), 50).text("conv_");
        assert_eq!(corpus.conversation_of_id(&beyond), None);
    }
}
