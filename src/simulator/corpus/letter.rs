//! One message as the gateway sends it: the envelope around the content.
//!
//! Key order is that of the vendor's sample. The oddities that a corpus can be told to have
//! (ids as numbers, nulls, unknown types) are drawn for the message, not for the request, so that
//! a message looks the same each time it is read.

use super::{
    Block, Plan,
    calendar::write_time,
    content::{Facts, Pen},
    identity::{Identity, Named},
    script::{BLOCK, Beat, Script, Who},
};
use crate::simulator::dice::{Dice, Purpose};

/// Which share of the messages is odd in each of these ways (0 to 1).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct RowOddities {
    pub(crate) numeric_ids: f64,
    pub(crate) nulls: f64,
    pub(crate) bare: f64,
    pub(crate) unknown_type: f64,
}

/// That a message was edited: how often, and when last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) times: u32,
    pub(crate) updated_ms: i64,
}

/// A message before it is written down.
#[derive(Debug)]
struct Letter {
    id: Identity,
    beat: Beat,
    created_ms: i64,
    dice: Dice,
    facts: Facts,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Oddity {
    None,
    NumericIds,
    Nulls,
    Bare,
    UnknownType,
}

impl Plan<'_> {
    /// The id of message `index`.
    pub(crate) fn message_id(&self, index: u32) -> Identity {
        Identity::new(
            self.corpus.seed(),
            Named::Message,
            u64::from(self.index),
            u64::from(index),
        )
    }

    /// The id of the `serial`-th message that was added later.
    pub(crate) fn arrival_id(&self, serial: u32) -> Identity {
        Identity::new(
            self.corpus.seed(),
            Named::Arrival,
            u64::from(self.index),
            u64::from(serial),
        )
    }

    /// The id as it appears in the JSON, but for quotes; empty if it is null there.
    pub(crate) fn id_text(&self, id: Identity, oddities: &RowOddities) -> String {
        match self.oddity(id, oddities) {
            Oddity::NumericIds => id.number().to_string(),
            Oddity::Bare => String::new(),
            _ => id.text("msg_"),
        }
    }

    /// Writes message `index`, which is in `block`.
    pub(crate) fn write_message(
        &self,
        out: &mut Vec<u8>,
        block: &Block,
        index: u32,
        edit: Option<Edit>,
        oddities: &RowOddities,
    ) {
        let key = u64::from(self.index);
        let seed = self.corpus.seed();
        let letter = Letter {
            id: self.message_id(index),
            beat: block.script.beats[index as usize % BLOCK],
            created_ms: block.created_ms(index),
            dice: Dice::new(seed, Purpose::Wording, [key, u64::from(index)]),
            facts: Facts::draw(&mut Dice::new(
                seed,
                Purpose::Wording,
                [key | 1 << 40, u64::from(block.number)],
            )),
        };
        self.write_letter(out, letter, edit, oddities);
    }

    /// Writes the `serial`-th message that was added later.
    pub(crate) fn write_arrival(
        &self,
        out: &mut Vec<u8>,
        serial: u32,
        created_ms: i64,
        edit: Option<Edit>,
        oddities: &RowOddities,
    ) {
        let key = [u64::from(self.index), u64::from(serial)];
        let mut dice = Dice::new(self.corpus.seed(), Purpose::Arrival, key);
        let letter = Letter {
            id: self.arrival_id(serial),
            beat: Script::arrival(&mut dice),
            created_ms,
            facts: Facts::draw(&mut dice),
            dice,
        };
        self.write_letter(out, letter, edit, oddities);
    }

    fn write_letter(
        &self,
        out: &mut Vec<u8>,
        letter: Letter,
        edit: Option<Edit>,
        oddities: &RowOddities,
    ) {
        let oddity = self.oddity(letter.id, oddities);
        let mut content = Vec::with_capacity(200);
        let mut pen = Pen {
            out: &mut content,
            plan: self,
            facts: letter.facts,
            dice: letter.dice,
            edits: edit.map_or(0, |edit| edit.times),
        };
        let (declared, answered_ms) = pen.write(letter.beat);
        let updated_ms = match edit {
            Some(edit) => edit.updated_ms.max(letter.created_ms),
            None => letter.created_ms + answered_ms,
        };
        let null = oddity == Oddity::Nulls;
        self.write_ids(out, letter.id, oddity);
        out.extend_from_slice(b",\"from\":");
        if null {
            out.extend_from_slice(b"null,\"type\":null,\"content\":null");
        } else {
            self.write_sender(out, letter.beat.who);
            out.extend_from_slice(b",\"type\":\"");
            let declared = match oddity {
                Oddity::UnknownType => "hologram",
                _ => declared,
            };
            out.extend_from_slice(declared.as_bytes());
            out.extend_from_slice(b"\",\"content\":");
            out.append(&mut content);
        }
        write_moment(
            out,
            "created_at",
            (oddity != Oddity::Bare).then_some(letter.created_ms),
        );
        let updated = !null && oddity != Oddity::Bare;
        write_moment(out, "updated_at", updated.then_some(updated_ms));
        out.push(b'}');
    }

    /// Everything from `_id` to `conversation_id`.
    fn write_ids(&self, out: &mut Vec<u8>, id: Identity, oddity: Oddity) {
        let null = oddity == Oddity::Nulls;
        out.extend_from_slice(b"{\"_id\":");
        write_id(out, id, oddity);
        out.extend_from_slice(b",\"doc_name\":\"message\",\"public_id\":");
        write_id(out, id, if null { Oddity::Bare } else { oddity });
        out.extend_from_slice(b",\"organization_id\":");
        write_name(out, (!null).then(|| self.corpus.organization_id()));
        out.extend_from_slice(b",\"business_unit_id\":");
        write_name(out, (!null).then_some(self.business_unit_id));
        out.extend_from_slice(b",\"conversation_id\":\"conv_");
        self.id.write(out);
        out.push(b'"');
    }

    fn write_sender(&self, out: &mut Vec<u8>, who: Who) {
        let (prefix, id) = match who {
            Who::Bot => return out.extend_from_slice(b"\"u_demo_bot\""),
            Who::Contact => ("\"con_", self.contact),
            Who::Agent(which) => ("\"u_", self.agents[usize::from(which) % 3]),
        };
        out.extend_from_slice(prefix.as_bytes());
        id.write(out);
        out.push(b'"');
    }

    fn oddity(&self, id: Identity, shares: &RowOddities) -> Oddity {
        if *shares == RowOddities::default() {
            return Oddity::None;
        }
        let key = [u64::from(self.index), id.number()];
        let mut dice = Dice::new(self.corpus.seed(), Purpose::Row, key);
        let kinds = [
            (shares.numeric_ids, Oddity::NumericIds),
            (shares.nulls, Oddity::Nulls),
            (shares.bare, Oddity::Bare),
            (shares.unknown_type, Oddity::UnknownType),
        ];
        let drawn = kinds.into_iter().find(|&(share, _)| dice.chance(share));
        drawn.map_or(Oddity::None, |(_, oddity)| oddity)
    }
}

fn write_id(out: &mut Vec<u8>, id: Identity, oddity: Oddity) {
    match oddity {
        Oddity::Bare => out.extend_from_slice(b"null"),
        Oddity::NumericIds => out.extend_from_slice(id.number().to_string().as_bytes()),
        _ => {
            out.extend_from_slice(b"\"msg_");
            id.write(out);
            out.push(b'"');
        }
    }
}

fn write_name(out: &mut Vec<u8>, name: Option<&str>) {
    match name {
        Some(name) => super::content::write_string(out, name),
        None => out.extend_from_slice(b"null"),
    }
}

fn write_moment(out: &mut Vec<u8>, key: &str, millis: Option<i64>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":");
    match millis {
        Some(millis) => {
            out.push(b'"');
            write_time(out, millis);
            out.push(b'"');
        }
        None => out.extend_from_slice(b"null"),
    }
}
