//! Ids: a prefix and a UUID that is computed, never stored.
//!
//! A conversation's number is hidden in the first 32 bits of its UUID by a bijection, and a
//! contact's in its phone number, so that a corpus of any size is looked up without a table.

use crate::simulator::dice::{Dice, Purpose};

/// The 128 bits behind an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    high: u64,
    low: u64,
}

/// What an id names; keeps ids of two kinds of things apart.
#[derive(Debug, Clone, Copy)]
#[repr(u64)]
pub(super) enum Named {
    Conversation = 1 << 56,
    Contact = 2 << 56,
    Agent = 3 << 56,
    Message = 4 << 56,
    Arrival = 5 << 56,
}

const FACTOR: u32 = 0x9E37_79B1;

/// The inverse of [`FACTOR`] modulo 2^32 (Newton's iteration doubles the right bits).
const FACTOR_INVERSE: u32 = {
    let mut inverse = FACTOR;
    let mut round = 0;
    while round < 5 {
        inverse = inverse.wrapping_mul(2_u32.wrapping_sub(FACTOR.wrapping_mul(inverse)));
        round += 1;
    }
    inverse
};

/// Phone numbers are a bijection of the contact's number within this many bits.
const PHONE_BITS: u32 = 25;
const PHONE_MASK: u32 = (1 << PHONE_BITS) - 1;
const PHONE_BASE: u32 = 60_000_000;
const COUNTRY: &str = "852";

impl Identity {
    /// The id of the `index`-th thing of its kind within `parent`.
    pub(super) fn new(seed: u64, named: Named, parent: u64, index: u64) -> Self {
        let mut dice = Dice::new(seed, Purpose::Identity, [named as u64 | parent, index]);
        Self {
            high: dice.next(),
            low: dice.next(),
        }
    }

    /// The id of a conversation, from which [`Identity::conversation_index`] reads the number.
    pub(super) fn of_conversation(seed: u64, index: u32) -> Self {
        let plain = Self::new(seed, Named::Conversation, 0, u64::from(index));
        let hidden = index.wrapping_mul(FACTOR).wrapping_add(key(seed));
        Self {
            high: (u64::from(hidden) << 32) | (plain.high & 0xFFFF_FFFF),
            low: plain.low,
        }
    }

    /// The conversation's number that an id of this seed would have; any text gives some answer
    /// or none, so the id has to be made again and compared.
    pub(super) fn conversation_index(seed: u64, id: &str) -> Option<u32> {
        let hidden = u32::from_str_radix(id.strip_prefix("conv_")?.get(..8)?, 16).ok()?;
        Some(hidden.wrapping_sub(key(seed)).wrapping_mul(FACTOR_INVERSE))
    }

    /// Writes the 36 characters of a version 4 UUID.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let bits = (u128::from(self.high) << 64) | u128::from(self.low);
        let bits = (bits & !(0xF << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
        for (at, byte) in bits.to_be_bytes().into_iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                out.push(b'-');
            }
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 0xF)]);
        }
    }

    /// The id with its prefix, such as `msg_`.
    pub(crate) fn text(self, prefix: &str) -> String {
        let mut out = prefix.as_bytes().to_vec();
        self.write(&mut out);
        String::from_utf8(out).expect("hexadecimal digits are ASCII")
    }

    /// A number that a double holds exactly, for ids that are sent as numbers.
    pub(crate) const fn number(self) -> u64 {
        self.high >> 12
    }
}

fn key(seed: u64) -> u32 {
    let bits = Dice::new(seed, Purpose::Identity, [0, 0]).next() >> 32;
    u32::try_from(bits).expect("32 bits are left")
}

/// The phone number of a contact.
pub(super) fn phone_of_contact(seed: u64, contact: u32) -> String {
    let hidden = contact.wrapping_mul(FACTOR).wrapping_add(key(seed)) & PHONE_MASK;
    format!("{COUNTRY}{}", PHONE_BASE + hidden)
}

/// The contact's number that a phone number of this seed would belong to.
pub(super) fn contact_of_phone(seed: u64, phone: &str) -> Option<u32> {
    let digits = phone.trim().trim_start_matches('+').strip_prefix(COUNTRY)?;
    let hidden = digits.parse::<u32>().ok()?.checked_sub(PHONE_BASE)?;
    (hidden <= PHONE_MASK)
        .then(|| hidden.wrapping_sub(key(seed)).wrapping_mul(FACTOR_INVERSE) & PHONE_MASK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_is_found_again_from_its_id_alone() {
        for index in [0, 1, 199, 49_999, u32::MAX] {
            let id = Identity::of_conversation(42, index).text("conv_");
            assert_eq!(id.len(), "conv_".len() + 36);
            assert_eq!(Identity::conversation_index(42, &id), Some(index));
        }
        assert_eq!(Identity::conversation_index(42, "conv_é"), None);
        assert_eq!(Identity::conversation_index(42, "msg_00000000"), None);
    }

    #[test]
    fn a_contact_is_found_again_from_the_phone_number_alone() {
        for contact in [0, 1, 77_777, PHONE_MASK] {
            let phone = phone_of_contact(42, contact);
            assert_eq!(phone.len(), 11, "{phone}");
            assert_eq!(contact_of_phone(42, &phone), Some(contact));
        }
        assert_eq!(contact_of_phone(42, "12345678"), None);
    }

    #[test]
    fn ids_are_version_4_uuids() {
        let id = Identity::new(1, Named::Message, 2, 3).text("msg_");
        let uuid = uuid::Uuid::parse_str(id.strip_prefix("msg_").unwrap()).unwrap();
        assert_eq!(uuid.get_version_num(), 4);
    }
}
