//! Who says what in one block of a conversation: scenes of a shop's support chat.
//!
//! A block has always [`BLOCK`] messages. A pressed option stands in the same block as the
//! message that offered it, so that the join between the two can be tested.

use super::Channel;
use crate::simulator::dice::Dice;

/// Messages in a block.
pub(super) const BLOCK: usize = 16;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Contact,
    Agent(u8),
    Bot,
}

/// One message, before its words are chosen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beat {
    pub(super) who: Who,
    pub(super) kind: Kind,
}

/// What kind of message.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Say(Line),
    /// A bot's answer, with its many empty keys.
    BotSay(Line),
    Offer(Offer),
    Press(Offer, u8),
    File(File),
    Template,
    MessageTemplate,
    Conference,
    Location(Form),
    Contact(Form),
    Odd(Odd),
}

/// A line of a dialogue; the number is the topic.
#[derive(Debug, Clone, Copy)]
pub(super) enum Line {
    Hello,
    Welcome,
    Ask(u8),
    Answer(u8),
    Follow(u8),
    Resolve(u8),
    Chatter,
    Thanks,
    Bye,
    Notice,
}

/// A message with options.
#[derive(Debug, Clone, Copy)]
pub(super) enum Offer {
    /// Buttons; ids are numbers.
    Menu,
    /// Buttons that an agent has answered for the contact.
    Answered,
    /// A list; ids are strings, with descriptions.
    Branches,
}

/// A message that carries a file.
#[derive(Debug, Clone, Copy)]
pub(super) enum File {
    Image,
    /// Declared as an image, but the address ends in `.pdf`.
    ImageOfPdf,
    /// Declared as an image, but the address ends in `.mp4`.
    ImageOfVideo,
    Pdf,
    Csv,
    TextCsv,
    Document,
    Audio,
    Video,
    Sticker,
}

/// Two shapes of the same thing, where the gateway's is not known.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    Plain,
    Nested,
}

/// Rare and odd messages.
#[derive(Debug, Clone, Copy)]
pub(super) enum Odd {
    TextIsObject,
    TitleOnly,
    WithoutMailFlag,
    Emoji,
    UnknownType,
    WithoutOptions,
    NullCaption,
}

const RARE: [Kind; 26] = [
    Kind::File(File::ImageOfPdf),
    Kind::File(File::ImageOfVideo),
    Kind::File(File::Pdf),
    Kind::File(File::Pdf),
    Kind::File(File::Csv),
    Kind::File(File::TextCsv),
    Kind::File(File::Document),
    Kind::File(File::Audio),
    Kind::File(File::Audio),
    Kind::File(File::Video),
    Kind::File(File::Sticker),
    Kind::Template,
    Kind::MessageTemplate,
    Kind::Conference,
    Kind::Location(Form::Plain),
    Kind::Location(Form::Nested),
    Kind::Contact(Form::Plain),
    Kind::Contact(Form::Nested),
    Kind::Odd(Odd::TextIsObject),
    Kind::Odd(Odd::TitleOnly),
    Kind::Odd(Odd::WithoutMailFlag),
    Kind::Odd(Odd::Emoji),
    Kind::Odd(Odd::UnknownType),
    Kind::Odd(Odd::WithoutOptions),
    Kind::Odd(Odd::NullCaption),
    Kind::Say(Line::Notice),
];

/// The beats of one block.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) beats: [Beat; BLOCK],
    len: usize,
}

impl Script {
    /// Draws a block.
    pub(super) fn new(dice: &mut Dice, channel: Channel) -> Self {
        let silence = Beat {
            who: Who::Contact,
            kind: Kind::Say(Line::Chatter),
        };
        let mut script = Self {
            beats: [silence; BLOCK],
            len: 0,
        };
        while script.len < BLOCK {
            let agent = Who::Agent(dice.below(3).to_le_bytes()[0]);
            let topic = dice.below(6).to_le_bytes()[0];
            match (dice.below(100), channel) {
                (0..58, _) | (58..76, Channel::Email) => script.dialogue(dice, agent, topic),
                (58..76, _) => script.menu(dice, agent, topic),
                (76..88, _) => script.photo(dice, agent, topic),
                _ => script.rarity(dice, agent, channel),
            }
        }
        script
    }

    fn push(&mut self, who: Who, kind: Kind) {
        if let Some(beat) = self.beats.get_mut(self.len) {
            *beat = Beat { who, kind };
            self.len += 1;
        }
    }

    fn say(&mut self, who: Who, line: Line) {
        self.push(who, Kind::Say(line));
    }

    fn dialogue(&mut self, dice: &mut Dice, agent: Who, topic: u8) {
        if dice.percent(40) {
            self.say(Who::Contact, Line::Hello);
            self.say(agent, Line::Welcome);
        }
        self.say(Who::Contact, Line::Ask(topic));
        if dice.percent(15) {
            self.push(Who::Bot, Kind::BotSay(Line::Answer(topic)));
        }
        self.say(agent, Line::Answer(topic));
        if dice.percent(70) {
            self.say(Who::Contact, Line::Follow(topic));
            self.say(agent, Line::Resolve(topic));
        }
        if dice.percent(30) {
            self.say(Who::Contact, Line::Chatter);
        }
        if dice.percent(12) {
            self.say(agent, Line::Notice);
        }
        self.say(Who::Contact, Line::Thanks);
        if dice.percent(60) {
            self.say(agent, Line::Bye);
        }
    }

    fn menu(&mut self, dice: &mut Dice, agent: Who, topic: u8) {
        if self.len + 2 > BLOCK {
            return self.say(Who::Contact, Line::Chatter);
        }
        let offer = match dice.below(10) {
            0..6 => Offer::Menu,
            6..9 => Offer::Branches,
            _ => Offer::Answered,
        };
        self.push(Who::Bot, Kind::Offer(offer));
        if dice.percent(80) {
            let option = dice.below(3).to_le_bytes()[0];
            self.push(Who::Contact, Kind::Press(offer, option));
            if dice.percent(60) {
                self.push(Who::Bot, Kind::BotSay(Line::Answer(topic)));
            } else {
                self.say(agent, Line::Welcome);
                self.say(Who::Contact, Line::Ask(topic));
                self.say(agent, Line::Answer(topic));
            }
        }
    }

    fn photo(&mut self, dice: &mut Dice, agent: Who, topic: u8) {
        self.say(Who::Contact, Line::Ask(topic));
        for _ in 0..dice.between(1, 3) {
            self.push(Who::Contact, Kind::File(File::Image));
        }
        self.say(agent, Line::Answer(topic));
        if dice.percent(25) {
            self.push(agent, Kind::File(File::Image));
        }
        self.say(Who::Contact, Line::Thanks);
    }

    fn rarity(&mut self, dice: &mut Dice, agent: Who, channel: Channel) {
        let kind = *dice.pick(&RARE);
        let who = match kind {
            Kind::Template | Kind::File(File::Sticker) if channel != Channel::WhatsApp => {
                return self.say(Who::Contact, Line::Chatter);
            }
            Kind::Template
            | Kind::MessageTemplate
            | Kind::Conference
            | Kind::File(File::Pdf)
            | Kind::Say(Line::Notice) => agent,
            Kind::Odd(Odd::TextIsObject | Odd::TitleOnly | Odd::WithoutOptions) => Who::Bot,
            _ => Who::Contact,
        };
        self.push(who, kind);
        match who {
            Who::Contact => self.say(agent, Line::Chatter),
            _ => self.say(Who::Contact, Line::Thanks),
        }
    }

    /// When each beat comes, in milliseconds from the first: seconds between a contact's own
    /// lines, minutes to hours until an agent answers, now and then no time at all. Squeezed to
    /// fit `within_ms`.
    pub(super) fn times(&self, dice: &mut Dice, within_ms: i64) -> [i64; BLOCK] {
        let mut at = 0;
        let mut before = None;
        let mut times = self.beats.map(|beat| {
            let pause = match (before, beat.who) {
                (None, _) => 0,
                _ if dice.below(1_000) < 15 => 0,
                (_, Who::Bot) => 300 + dice.millis(1_500),
                (Some(Who::Agent(_)), Who::Agent(_)) => 4_000 + dice.millis(40_000),
                (_, Who::Agent(_)) => match dice.below(100) {
                    0..60 => 8_000 + dice.millis(110_000),
                    60..92 => 120_000 + dice.millis(1_500_000),
                    _ => 1_800_000 + dice.millis(16_000_000),
                },
                _ => match dice.below(100) {
                    0..85 => 2_000 + dice.millis(90_000),
                    _ => 90_000 + dice.millis(3_000_000),
                },
            };
            before = Some(beat.who);
            at += pause;
            at
        });
        if at > within_ms {
            for time in &mut times {
                *time = *time * within_ms / at;
            }
        }
        times
    }

    /// What somebody says who writes while the conversation is being read.
    pub(super) fn arrival(dice: &mut Dice) -> Beat {
        let topic = dice.below(6).to_le_bytes()[0];
        let agent = Who::Agent(dice.below(3).to_le_bytes()[0]);
        let (who, kind) = match dice.below(10) {
            0..3 => (Who::Contact, Kind::Say(Line::Ask(topic))),
            3..5 => (agent, Kind::Say(Line::Answer(topic))),
            5 => (Who::Bot, Kind::Offer(Offer::Menu)),
            6 => (Who::Contact, Kind::File(File::Image)),
            7 => (agent, Kind::Say(Line::Notice)),
            _ => (Who::Contact, Kind::Say(Line::Thanks)),
        };
        Beat { who, kind }
    }
}
