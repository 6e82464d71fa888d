//! Requests and replies, and how a reply becomes bytes.

use std::{
    io::Write as _,
    time::{Duration, SystemTime},
};

use flate2::{Compression, write::GzEncoder};

/// A request, still borrowed from the connection's buffer.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    /// Path and query.
    pub(crate) target: &'a str,
    pub(crate) headers: Vec<(&'a str, &'a str)>,
}

impl<'a> Request<'a> {
    /// A header by its name in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&'a str> {
        let found = self
            .headers
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|&(_, value)| value)
    }

    pub(super) fn headers_owned(&self) -> Vec<(String, String)> {
        let headers = self.headers.iter();
        headers
            .map(|(name, value)| (name.to_ascii_lowercase(), (*value).to_owned()))
            .collect()
    }
}

/// How the bytes reach the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    Whole,
    /// This many bytes of the body, then a reset.
    ResetAfter(usize),
    /// A byte of the body at a time.
    ByteEvery(Duration),
    /// All bytes, but another number is declared; then the connection closes.
    Declaring(usize),
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) route: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) delivery: Delivery,
    pub(crate) delay: Duration,
    pub(crate) now_ms: i64,
    pub(crate) rows: u64,
}

const JSON: &str = "application/json; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";
/// Shorter bodies are not worth compressing.
const GZIP_MIN_BYTES: usize = 1_024;

impl Reply {
    fn new(status: u16, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            route: "other",
            content_type,
            headers: Vec::new(),
            body: body.into(),
            delivery: Delivery::Whole,
            delay: Duration::ZERO,
            now_ms: 0,
            rows: 0,
        }
    }

    pub(super) fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::new(status, JSON, body)
    }

    /// `{"message":"..."}`
    pub(super) fn message(status: u16, message: &str) -> Self {
        Self::json(
            status,
            serde_json::json!({ "message": message }).to_string(),
        )
    }

    pub(super) fn html(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::new(status, HTML, body)
    }

    pub(super) fn plain(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::new(status, PLAIN, body)
    }

    /// Express's page for a route that does not exist.
    pub(super) fn no_route(method: &str, path: &str) -> Self {
        let path = path.replace('&', "&amp;").replace('<', "&lt;");
        let body = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <title>Error</title>\n</head>\n<body>\n<pre>Cannot {method} {path}</pre>\n</body>\n\
             </html>\n"
        );
        Self::html(404, body)
    }

    pub(super) fn with(mut self, header: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((header, value.into()));
        self
    }

    pub(super) fn delivered(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// Compresses the body if it is worth it and was not meddled with.
    pub(super) fn compress(&mut self) {
        let is_plain = self.delivery == Delivery::Whole && self.body.len() >= GZIP_MIN_BYTES;
        if !is_plain
            || self
                .headers
                .iter()
                .any(|(name, _)| *name == "Content-Encoding")
        {
            return;
        }
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        let packed = gzip.write_all(&self.body).and_then(|()| gzip.finish());
        self.body = packed.expect("writing into memory does not fail");
        self.headers.push(("Content-Encoding", "gzip".to_owned()));
        self.headers.push(("Vary", "Accept-Encoding".to_owned()));
    }

    /// Status line and headers.
    pub(crate) fn head(&self, keep_alive: bool) -> Vec<u8> {
        let length = match self.delivery {
            Delivery::Declaring(length) => length,
            _ => self.body.len(),
        };
        let mut head = format!(
            "HTTP/1.1 {} {}\r\nX-Powered-By: Express\r\nDate: {}\r\nContent-Type: {}\r\n\
             Content-Length: {length}\r\nConnection: {}\r\n",
            self.status,
            reason(self.status),
            http_date(self.now_ms),
            self.content_type,
            if keep_alive { "keep-alive" } else { "close" },
        );
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head.push_str("\r\n");
        head.into_bytes()
    }
}

/// A time as HTTP writes it, rounded down to the second.
pub(super) fn http_date(millis: i64) -> String {
    let since = Duration::from_secs(u64::try_from(millis.div_euclid(1_000)).unwrap_or(0));
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + since)
}

const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        302 => "Found",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    }
}

/// A valid gzip file of little size that unfolds to about `bytes` blanks in the middle of JSON.
///
/// One compressed block is made and repeated, so that it takes no time to build.
pub(super) fn bomb(bytes: u64) -> Vec<u8> {
    use flate2::{Compress, Crc, FlushCompress};
    const CHUNK: usize = 1 << 20;
    let open = b"{\"items\":[".as_slice();
    let chunk = vec![b' '; CHUNK];
    let mut deflate = Compress::new(Compression::best(), false);
    let mut pack = |input: &[u8], flush| {
        let mut out = Vec::with_capacity(CHUNK);
        deflate
            .compress_vec(input, &mut out, flush)
            .expect("compressing into memory does not fail");
        out
    };
    let head = pack(open, FlushCompress::Full);
    let middle = pack(&chunk, FlushCompress::Full);
    let close = b"],\"count\":0,\"total\":0,\"has_more\":false}".as_slice();
    let tail = pack(close, FlushCompress::Finish);
    let (mut sum, mut chunk_sum, mut close_sum) = (Crc::new(), Crc::new(), Crc::new());
    sum.update(open);
    chunk_sum.update(&chunk);
    close_sum.update(close);
    let mut file = vec![0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF];
    file.extend_from_slice(&head);
    for _ in 0..bytes.div_ceil(CHUNK as u64) {
        file.extend_from_slice(&middle);
        sum.combine(&chunk_sum);
    }
    file.extend_from_slice(&tail);
    sum.combine(&close_sum);
    file.extend_from_slice(&sum.sum().to_le_bytes());
    file.extend_from_slice(&sum.amount().to_le_bytes());
    file
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_bomb_is_small_valid_gzip_and_valid_json() {
        let packed = bomb(5 << 20);
        assert!(packed.len() < 40_000, "{}", packed.len());
        let mut text = String::new();
        let mut gzip = flate2::read::GzDecoder::new(packed.as_slice());
        gzip.read_to_string(&mut text).unwrap();
        assert!(text.len() > 5 << 20);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["items"].as_array().unwrap().len(), 0);
    }
}
