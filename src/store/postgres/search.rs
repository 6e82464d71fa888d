//! The index of words in Postgres: a `tsvector` of the terms that the program cut, and a GIN index.
//!
//! No text search configuration is asked: terms and queries are cast as they are.

use sqlx::{
    Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, types::Oid},
};

use crate::terms::{Ending, Entry, Phrase, Query};

pub(super) fn matching(argument: &str) -> String {
    format!(
        "(select message_key as key from search_index where terms @@ cast(${argument} as tsquery))"
    )
}

/// Where a filter looks selective, Postgres would ask each message that it means for its terms, and
/// read all of them: the offset keeps it from that.
pub(super) fn matching_first(argument: &str) -> String {
    format!(
        "(select message_key as key from search_index \
         where terms @@ cast(${argument} as tsquery) offset 0)"
    )
}

/// Entries are two arguments: the keys of the messages, and the terms of each.
const ENTRIES: &str = "unnest(cast($1 as bigint[]), cast($2 as tsvector[])) as entry (key, terms)";

pub(super) fn index() -> String {
    format!(
        "insert into search_index (message_key, terms) \
         select key, terms from {ENTRIES}"
    )
}

pub(super) fn unindex() -> String {
    format!("delete from search_index where message_key in (select key from {ENTRIES})")
}

/// Not `truncate`: who reads an earlier state would find nothing.
pub(super) fn clear(index: &str) -> String {
    format!("delete from {index}")
}

/// Messages and their terms as Postgres is told them.
pub(super) fn entries(list: &[(i64, Entry)]) -> (Vec<i64>, Vec<TsVector>) {
    list.iter()
        .map(|(key, entry)| (*key, TsVector::of(entry)))
        .unzip()
}

/// The type `tsvector` and the type of its arrays, the same in every database.
const TSVECTOR: Oid = Oid(3614);
const TSVECTOR_ARRAY: Oid = Oid(3643);

/// Terms in the binary form of a `tsvector`: how many, and of each, in the order of their bytes, the
/// term, a zero byte, how many places, and these. Numbers are big-endian, of 4 and else of 2 bytes.
/// The server has neither to read quotes and digits nor to sort.
#[derive(Debug)]
pub(super) struct TsVector(Vec<u8>);

impl TsVector {
    fn of(entry: &Entry) -> Self {
        // An entry that fits has neither more terms nor larger places than these numbers hold.
        let number = |number: usize| u16::try_from(number).unwrap_or(u16::MAX).to_be_bytes();
        let positions = entry.positions();
        let mut places: Vec<(&str, usize)> = positions.map(|(place, term)| (term, place)).collect();
        places.sort_unstable();
        let mut bytes = Vec::with_capacity(4 + entry.bytes() + 5 * places.len());
        bytes.extend([0; 4]);
        let mut terms: u32 = 0;
        for of_term in places.chunk_by(|(one, _), (other, _)| one == other) {
            terms += 1;
            bytes.extend(of_term[0].0.as_bytes());
            bytes.push(0);
            bytes.extend(number(of_term.len()));
            for (_, place) in of_term {
                bytes.extend(number(*place));
            }
        }
        bytes[..4].copy_from_slice(&terms.to_be_bytes());
        Self(bytes)
    }
}

impl Type<Postgres> for TsVector {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TSVECTOR)
    }
}

impl PgHasArrayType for TsVector {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TSVECTOR_ARRAY)
    }
}

impl Encode<'_, Postgres> for TsVector {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }
}

/// What is looked for as a `tsquery`.
pub(super) fn question(query: &Query) -> String {
    let phrase = |phrase: &Phrase| {
        let star = if phrase.ending == Ending::Whole {
            ""
        } else {
            ":*"
        };
        format!("('{}'{star})", phrase.terms.join("' <-> '"))
    };
    let mut text: Vec<String> = query.wanted.iter().map(phrase).collect();
    text.extend(
        query
            .unwanted
            .iter()
            .map(|unwanted| format!("!{}", phrase(unwanted))),
    );
    text.join(" & ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terms::cut_for_index;

    #[test]
    fn a_term_stands_once_in_the_order_of_bytes_with_its_places() {
        let vector = TsVector::of(&cut_for_index([Some("b a b"), None, Some("退")]));
        let expected = [
            &[0, 0, 0, 3][..],
            b"a\0\0\x01\0\x02",
            b"b\0\0\x02\0\x01\0\x03",
            "退\0\0\u{1}\0\u{5}".as_bytes(),
        ];
        assert_eq!(vector.0, expected.concat());
    }
}
