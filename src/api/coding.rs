//! Undoing the `Content-Encoding` of an answer: gzip, which is what is asked for, or nothing.
//!
//! The whole body at once. A decoder is used again and again: its memory, asked for and given back
//! with each answer, would leave holes in that of the process; and what is under way on sixteen
//! connections needs none. What comes out is bounded, whatever goes in.

use std::{
    fmt,
    io::{self, Read as _},
    sync::{Mutex, PoisonError},
};

use bytes::{Buf as _, Bytes, buf::Reader};
use flate2::bufread::GzDecoder;
use reqwest::header::{CONTENT_ENCODING, HeaderMap};

use super::buffers::Buffers;

/// Room that is made for what is told: more than a page of a hundred messages has.
const TOLD_BYTES_MAX: usize = 256 * 1024;

/// What an answer may be packed with, as a header says it.
pub(super) const ACCEPTED: &str = "gzip";

/// Why a body cannot be had.
#[derive(Debug)]
pub(super) enum Flaw {
    /// It is over the cap, decoded.
    TooLarge,
    /// It ends before it is whole.
    BrokenOff,
    /// It is not what its header says.
    NotGzip(io::Error),
    /// It is packed with something that was not asked for.
    NotAsked(String),
}

type Decoder = GzDecoder<Reader<Bytes>>;

/// Decoders that nobody uses at the moment: as many as were ever at work at once.
#[derive(Default)]
pub(super) struct Decoders {
    unused: Mutex<Vec<Decoder>>,
    buffers: Buffers,
}

impl Decoders {
    /// The body as it was before it was packed. Messages are parts of it, and hold it.
    pub(super) fn decoded(
        &self,
        headers: &HeaderMap,
        body: Bytes,
        bytes_max: usize,
    ) -> Result<Bytes, Flaw> {
        // Of an empty body its reader says more than a decoder could.
        if body.is_empty() || !is_packed(headers)? {
            return Ok(body);
        }
        let mut whole = self.buffers.take(told_bytes(&body).min(bytes_max));
        match self.inflate(body, bytes_max, &mut whole) {
            Ok(()) if whole.len() > bytes_max => Err(Flaw::TooLarge),
            Ok(()) => Ok(self.buffers.lend(whole)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(Flaw::BrokenOff),
            Err(error) => Err(Flaw::NotGzip(error)),
        }
    }

    /// As much as can be had of a body that may have been cut off; as it is where nothing can.
    pub(super) fn decoded_part(&self, headers: &HeaderMap, body: Bytes, bytes_max: usize) -> Bytes {
        if !matches!(is_packed(headers), Ok(true)) {
            return body;
        }
        let mut part = Vec::new();
        // What came out before an error stands.
        let _ = self.inflate(body, bytes_max, &mut part);
        part.truncate(bytes_max);
        part.into()
    }

    fn inflate(&self, body: Bytes, bytes_max: usize, into: &mut Vec<u8>) -> io::Result<()> {
        let unused = self.lock().pop();
        let mut decoder = unused.unwrap_or_else(|| GzDecoder::new(Bytes::new().reader()));
        let inflated = inflate(&mut decoder, body, bytes_max, into);
        decoder.reset(Bytes::new().reader());
        self.lock().push(decoder);
        inflated
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Decoder>> {
        self.unused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Decoders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoders").finish_non_exhaustive()
    }
}

/// How long its last four bytes say that it is, unpacked (RFC 1952); nobody has to believe them.
fn told_bytes(packed: &[u8]) -> usize {
    let told = packed.last_chunk().copied().map_or(0, u32::from_le_bytes);
    usize::try_from(told).map_or(0, |told| told.min(TOLD_BYTES_MAX))
}

/// One member after the other, and at most one byte more than the cap.
fn inflate(
    decoder: &mut Decoder,
    body: Bytes,
    bytes_max: usize,
    into: &mut Vec<u8>,
) -> io::Result<()> {
    let mut rest = body;
    while into.len() <= bytes_max && !rest.is_empty() {
        decoder.reset(rest.reader());
        let room = u64::try_from(bytes_max - into.len()).unwrap_or(u64::MAX);
        decoder.take(room.saturating_add(1)).read_to_end(into)?;
        rest = decoder.reset(Bytes::new().reader()).into_inner();
    }
    Ok(())
}

/// Whether the body is packed with gzip, once.
fn is_packed(headers: &HeaderMap) -> Result<bool, Flaw> {
    let values = headers.get_all(CONTENT_ENCODING).iter();
    let texts = values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let text = texts.collect::<Vec<String>>().join(",");
    let codings = text.split(',').map(str::trim);
    let codings: Vec<&str> = codings
        .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"))
        .collect();
    match codings.as_slice() {
        [] => Ok(false),
        [only]
            if ["gzip", "x-gzip"]
                .iter()
                .any(|gzip| only.eq_ignore_ascii_case(gzip)) =>
        {
            Ok(true)
        }
        _ => Err(Flaw::NotAsked(text)),
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, sync::LazyLock};

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    /// The same for all tests: what one leaves there must not harm another.
    static DECODERS: LazyLock<Decoders> = LazyLock::new(Decoders::default);

    const PAGE: &[u8] = br#"{"items":[{"_id":"m"}],"count":1}"#;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    }

    fn says(coding: &[&'static str]) -> HeaderMap {
        let values = coding.iter().map(|coding| coding.parse().unwrap());
        values.map(|value| (CONTENT_ENCODING, value)).collect()
    }

    fn read(coding: &[&'static str], body: Vec<u8>, bytes_max: usize) -> Result<Bytes, Flaw> {
        DECODERS.decoded(&says(coding), body.into(), bytes_max)
    }

    #[test]
    fn a_body_is_what_it_was_before_it_was_packed() {
        let two = [packed(&PAGE[..7]), packed(&PAGE[7..])].concat();
        for (coding, body) in [
            (&[][..], PAGE.to_vec()),
            (&["identity"], PAGE.to_vec()),
            (&["gzip"], packed(PAGE)),
            (&["X-GZIP"], packed(PAGE)),
            (&["identity", " gzip "], packed(PAGE)),
            (&["gzip"], two),
        ] {
            assert_eq!(read(coding, body, PAGE.len()).unwrap(), PAGE, "{coding:?}");
        }
        assert_eq!(read(&["gzip"], Vec::new(), 10).unwrap(), b""[..]);
        assert_eq!(read(&["gzip"], packed(b""), 10).unwrap(), b""[..]);
    }

    #[test]
    fn what_cannot_be_had_is_told_apart() {
        let whole = packed(PAGE);
        for length in 1..whole.len() {
            let cut = read(&["gzip"], whole[..length].to_vec(), 100);
            assert!(matches!(cut, Err(Flaw::BrokenOff)), "{length}: {cut:?}");
        }
        let mut damaged = whole.clone();
        let last = damaged.len() - 5;
        damaged[last] ^= 1; // of the checksum
        let junk = [whole.clone(), b"no gzip but junk".to_vec()].concat();
        for body in [damaged, junk, PAGE.to_vec()] {
            let flaw = read(&["gzip"], body, 100);
            assert!(matches!(flaw, Err(Flaw::NotGzip(_))), "{flaw:?}");
        }
        for coding in [&["br"][..], &["gzip, gzip"], &["gzip", "deflate"]] {
            let flaw = read(coding, whole.clone(), 100);
            assert!(matches!(flaw, Err(Flaw::NotAsked(_))), "{flaw:?}");
        }
    }

    #[test]
    fn what_comes_out_is_bounded() {
        let bomb = packed(&vec![b' '; 10_000_000]);
        let flaw = read(&["gzip"], bomb.clone(), 1_000);
        assert!(matches!(flaw, Err(Flaw::TooLarge)), "{flaw:?}");
        let part = DECODERS.decoded_part(&says(&["gzip"]), bomb.into(), 1_000);
        assert_eq!(part.len(), 1_000);
    }

    #[test]
    fn of_what_was_cut_off_the_first_part_is_had() {
        let text: Vec<u8> = (0..20_000_u32).flat_map(u32::to_le_bytes).collect();
        let half = packed(&text)[..20_000].to_vec();
        let part = DECODERS.decoded_part(&says(&["gzip"]), half.into(), text.len());
        assert!(
            !part.is_empty() && text.starts_with(&part),
            "{}",
            part.len()
        );
        let plain = DECODERS.decoded_part(&says(&[]), Bytes::from_static(PAGE), 5);
        assert_eq!(plain, PAGE);
    }
}
