//! `content` of each kind of message, in the shapes of facts.md section 1.

use super::{
    Channel, Plan,
    script::{Beat, File, Form, Kind, Line, Odd, Offer, Who},
    words::Menu,
};
use crate::simulator::dice::Dice;

const FLOW: &str = "Order Desk x Main - Demo Shop";
const MEDIA: &str = "https://media.demo-shop.example/chat/";
const EMOJI: [&str; 6] = ["😂", "❤️", "👍🏽", "🎉🎉🎉", "👩‍👩‍👧", "😭"];
const UNKNOWN_TYPES: [&str; 4] = ["order", "reaction", "carousel", "interactive.list"];

/// What the people of one block talk about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    order: u64,
    item: usize,
    name: usize,
    amount: u64,
    days: u64,
}

impl Facts {
    pub(super) fn draw(dice: &mut Dice) -> Self {
        Self {
            order: dice.between(100_000, 999_999),
            item: dice.index(64),
            name: dice.index(64),
            amount: dice.between(4, 320) * 10 - 1,
            days: dice.between(2, 14),
        }
    }
}

/// Writes one content.
pub(super) struct Pen<'a, 'c> {
    pub(super) out: &'a mut Vec<u8>,
    pub(super) plan: &'a Plan<'c>,
    pub(super) facts: Facts,
    pub(super) dice: Dice,
    /// How often the message was edited.
    pub(super) edits: u32,
}

impl Pen<'_, '_> {
    /// Writes the content; gives the declared type and how long after its creation the message
    /// was last touched.
    pub(super) fn write(&mut self, beat: Beat) -> (&'static str, i64) {
        match beat.kind {
            Kind::Say(line) => self.say(beat.who, line),
            Kind::BotSay(line) => self.bot(line),
            Kind::Offer(offer) => return self.offer(offer),
            Kind::Press(offer, option) => return (self.press(offer, option), 0),
            Kind::File(file) => return (self.file(file), 0),
            Kind::Template => return (self.template(), 0),
            Kind::MessageTemplate => {
                self.open("text", self.plan.words.welcome[0]);
                self.raw(",\"is_mail\":false}");
                return ("message_template", 0);
            }
            Kind::Conference => return (self.conference(), 0),
            Kind::Location(form) => return (self.location(form), 0),
            Kind::Contact(form) => return (self.shared_contact(form), 0),
            Kind::Odd(odd) => return (self.odd(odd), 0),
        }
        ("text", 0)
    }

    fn say(&mut self, who: Who, line: Line) {
        let mut text = self.line(line);
        self.mark_edit(&mut text);
        let is_mail = self.plan.channel == Channel::Email;
        if is_mail {
            let paragraphs = text.replace("\n\n", "</p><p>").replace('\n', "<br>");
            text = format!("<div dir=\"auto\"><p>{paragraphs}</p></div>");
        }
        self.open("text", &text);
        if !self.plan.is_old {
            self.raw(if is_mail {
                ",\"is_mail\":true"
            } else {
                ",\"is_mail\":false"
            });
        }
        if self.plan.channel == Channel::Web && who == Who::Contact {
            let page = format!("https://demo-shop.example/item/{}", self.facts.item);
            self.field("parent_url", &page);
        }
        self.raw("}");
    }

    fn bot(&mut self, line: Line) {
        let mut text = self.line(line);
        self.mark_edit(&mut text);
        self.open("text", &text);
        self.raw(
            ",\"is_mail\":false,\"subtext\":\"\",\"message_id\":\"\",\"sequence_number\":0,\
             \"postMessage\":{},\"counter\":null,\"tool_calls\":\"\"}",
        );
    }

    fn offer(&mut self, offer: Offer) -> (&'static str, i64) {
        let menu = self.menu(offer);
        let is_list = matches!(offer, Offer::Branches);
        self.open("title", if is_list { "View List" } else { "" });
        self.field("text", menu.question);
        self.raw(",\"quick_replies\":[");
        for (id, title) in menu.options.iter().enumerate() {
            self.raw(if id == 0 { "{\"id\":" } else { ",{\"id\":" });
            self.raw(&if is_list {
                format!("\"{id}\"")
            } else {
                id.to_string()
            });
            self.raw(",\"content_type\":\"text\"");
            self.field("title", title);
            self.field("payload", &payload(offer, id));
            if is_list {
                self.field("description", ["11:00-20:00", "", "24 h"][id % 3]);
            }
            self.raw("}");
        }
        self.raw("]");
        let answers = self.edits + u32::from(matches!(offer, Offer::Answered));
        if answers > 0 {
            self.field("answered", &((answers - 1) % 3).to_string());
        }
        self.raw("}");
        let answered_ms = match offer {
            Offer::Answered => 20_000 + self.dice.millis(400_000),
            _ => 0,
        };
        ("response", answered_ms)
    }

    fn press(&mut self, offer: Offer, option: u8) -> &'static str {
        let option = usize::from(option) % 3;
        self.open("title", self.menu(offer).options[option]);
        self.field("payload", &payload(offer, option));
        if self.dice.percent(90) || self.edits > 0 {
            let mut description = String::new();
            self.mark_edit(&mut description);
            self.field("description", &description);
        }
        self.raw("}");
        "quick_reply"
    }

    fn file(&mut self, file: File) -> &'static str {
        let (declared, extension) = match file {
            File::Image => ("image", *self.dice.pick(&["jpeg", "jpeg", "png", "webp"])),
            File::ImageOfPdf => ("image", "pdf"),
            File::ImageOfVideo => ("image", "mp4"),
            File::Pdf => ("pdf", "pdf"),
            File::Csv => ("csv", "csv"),
            File::TextCsv => ("text/csv", "csv"),
            File::Document => ("file", *self.dice.pick(&["docx", "xlsx", "octet-stream"])),
            File::Audio => ("audio", *self.dice.pick(&["ogg", "amr", "mp3"])),
            File::Video => ("video", "mp4"),
            File::Sticker => ("whatsapp.sticker", "webp"),
        };
        let address = self.address(extension);
        self.open("url", &address);
        let mut caption = match file {
            File::Pdf => format!("Quotation {}", self.facts.order),
            File::Document => format!("price list {}.{extension}", self.facts.order),
            File::Image | File::Video if self.dice.percent(25) => {
                (*self.dice.pick(self.plan.words.captions)).to_owned()
            }
            _ => String::new(),
        };
        self.mark_edit(&mut caption);
        if matches!(file, File::Video) {
            self.field("text", "");
        }
        if !matches!(file, File::Sticker) || self.edits > 0 {
            self.field("caption", &caption);
        }
        self.raw("}");
        declared
    }

    fn template(&mut self) -> &'static str {
        let words = self.plan.words;
        let mut text = words.template.to_owned();
        self.mark_edit(&mut text);
        self.open("text", &text);
        self.raw(",\"variables\":[");
        write_string(self.out, words.names[self.facts.name % words.names.len()]);
        let order = format!(",\"A-{}\",\"{}\"]}}", self.facts.order, self.facts.days);
        self.raw(&order);
        "whatsapp.template"
    }

    fn conference(&mut self) -> &'static str {
        let url = format!("https://meet.demo-shop.example/{}", self.facts.order);
        let mut text = format!("Ann has created a video call, join at {url}");
        self.mark_edit(&mut text);
        self.open("text", &text);
        self.field("url", &url);
        self.raw("}");
        "jaas.conference"
    }

    fn location(&mut self, form: Form) -> &'static str {
        let (south, east) = (self.dice.below(9_999), self.dice.below(9_999));
        match form {
            Form::Plain => {
                let place = format!("{{\"latitude\":22.3{south:04},\"longitude\":114.1{east:04}");
                self.raw(&place);
                self.field("name", "Harbour Goods");
                self.field("address", "1 Example Road");
            }
            Form::Nested => {
                self.open("lat", &format!("25.0{south:04}"));
                self.field("lng", &format!("121.5{east:04}"));
            }
        }
        self.raw("}");
        "location"
    }

    fn shared_contact(&mut self, form: Form) -> &'static str {
        let words = self.plan.words;
        let name = words.names[self.facts.name % words.names.len()];
        let phone = format!("8520{:07}", self.facts.order);
        match form {
            Form::Plain => {
                self.open("name", name);
                self.field("phone_number", &phone);
                self.raw("}");
            }
            Form::Nested => {
                self.raw("{\"contacts\":[{\"name\":");
                self.open("formatted_name", name);
                self.raw("},\"phones\":[");
                self.open("phone", &phone);
                self.field("type", "CELL");
                self.raw("}]}]}");
            }
        }
        "contact"
    }

    fn odd(&mut self, odd: Odd) -> &'static str {
        match odd {
            Odd::TextIsObject => {
                self.raw("{\"text\":");
                let answer = self.line(Line::Answer(0));
                self.open("answer", &answer);
                self.raw(",\"score\":0.82},\"is_mail\":false}");
            }
            Odd::TitleOnly => {
                self.open("title", self.plan.words.welcome[0]);
                self.raw("}");
            }
            Odd::WithoutMailFlag => {
                let text = self.line(Line::Hello);
                self.open("text", &text);
                self.raw("}");
            }
            Odd::Emoji => {
                let emoji = *self.dice.pick(&EMOJI);
                self.open("text", emoji);
                self.raw("}");
                return "emoji";
            }
            Odd::UnknownType => {
                self.raw("{\"order\":{");
                let order = format!("\"id\":{},\"lines\":[[1,2.50],[2,1e3]]", self.facts.order);
                self.raw(&order);
                self.raw("},\"note\":null}");
                let unknown: &&'static str = self.dice.pick(&UNKNOWN_TYPES);
                return unknown;
            }
            Odd::WithoutOptions => {
                self.open("title", "");
                self.field("text", self.plan.words.menu.question);
                self.raw(",\"quick_replies\":[]}");
                return "response";
            }
            Odd::NullCaption => {
                let address = self.address("jpeg");
                self.open("url", &address);
                self.raw(",\"caption\":null}");
                return "image";
            }
        }
        "text"
    }

    fn menu(&self, offer: Offer) -> &'static Menu {
        match offer {
            Offer::Branches => &self.plan.words.branches,
            Offer::Menu | Offer::Answered => &self.plan.words.menu,
        }
    }

    /// The words of a line, filled in.
    fn line(&mut self, line: Line) -> String {
        let words = self.plan.words;
        let topic = |number: u8| &words.topics[usize::from(number) % words.topics.len()];
        let phrase = *match line {
            Line::Hello => self.dice.pick(words.hello),
            Line::Welcome => self.dice.pick(words.welcome),
            Line::Ask(number) => self.dice.pick(topic(number).ask),
            Line::Answer(number) => self.dice.pick(topic(number).answer),
            Line::Follow(number) => self.dice.pick(topic(number).follow),
            Line::Resolve(number) => self.dice.pick(topic(number).resolve),
            Line::Chatter => self.dice.pick(words.chatter),
            Line::Thanks => self.dice.pick(words.thanks),
            Line::Bye => self.dice.pick(words.bye),
            Line::Notice => &words.notice,
        };
        let mut text = String::with_capacity(phrase.len() + 24);
        let mut rest = phrase;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').expect("a placeholder is closed");
            text.push_str(before);
            match name {
                "item" => text.push_str(words.items[self.facts.item % words.items.len()]),
                "name" => text.push_str(words.names[self.facts.name % words.names.len()]),
                "order" => text.push_str(&self.facts.order.to_string()),
                "amount" => text.push_str(&self.facts.amount.to_string()),
                _ => text.push_str(&self.facts.days.to_string()),
            }
            rest = after;
        }
        text.push_str(rest);
        text
    }

    fn mark_edit(&self, text: &mut String) {
        if self.edits > 0 {
            let space = if text.is_empty() { "" } else { " " };
            text.extend([space, "[edited ", &self.edits.to_string(), "]"]);
        }
    }

    fn address(&mut self, extension: &str) -> String {
        const ALPHABET: &[u8; 32] = b"ABCDEFGHJKMNPQRSTVWXYZ0123456789";
        let mut url = format!("{MEDIA}{}/file_", self.plan.corpus.organization_id());
        let (mut bits, mut more) = (self.dice.next(), self.dice.next());
        for at in 0..26 {
            let word = if at < 12 { &mut bits } else { &mut more };
            url.push(char::from(ALPHABET[(*word % 32) as usize]));
            *word = word.rotate_right(5);
        }
        url.push('.');
        url.push_str(extension);
        url
    }

    fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// `{"key":"value"`
    fn open(&mut self, key: &str, value: &str) {
        self.out.push(b'{');
        self.pair(key, value);
    }

    /// `,"key":"value"`
    fn field(&mut self, key: &str, value: &str) {
        self.out.push(b',');
        self.pair(key, value);
    }

    fn pair(&mut self, key: &str, value: &str) {
        self.out.push(b'"');
        self.raw(key);
        self.raw("\":");
        write_string(self.out, value);
    }
}

/// What pressing an option sends: the option's number and the flow's name.
fn payload(offer: Offer, option: usize) -> String {
    match offer {
        Offer::Branches => format!("{option}_Branches - Demo Shop"),
        Offer::Menu | Offer::Answered => format!("{option}_{FLOW}"),
    }
}

/// Writes a JSON string as `JSON.stringify` does: UTF-8 as it is.
pub(super) fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for &byte in text.as_bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            0..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}
