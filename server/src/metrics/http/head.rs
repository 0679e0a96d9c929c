//! Reading the head of an HTTP request: method, path, and that it is well-formed. Pure; what is not understood is refused with its reason.

use httparse::{EMPTY_HEADER, Request, Status};

/// Bytes of a head at most.
pub const HEAD_BYTES_MAX: usize = 8 << 10;
/// Header lines of a head at most.
const HEADERS_MAX: usize = 64;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The path, without what comes after `?`.
    pub path: String,
    /// Only the head of the answer is wanted.
    pub is_head: bool,
}

/// Why a request is refused, by its HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// 400: no HTTP/1 request.
    #[error("this is no HTTP/1.1 request")]
    Malformed,
    /// 405: only reading is served.
    #[error("only GET and HEAD are served")]
    Method,
    /// 413: a body, which nothing here takes.
    #[error("a request with a body is not served")]
    Body,
    /// 431: too long, or too many lines.
    #[error("the request's head is too large")]
    TooLarge,
}

impl Refused {
    /// The status line's number and words.
    pub fn status(self) -> &'static str {
        match self {
            Refused::Malformed => "400 Bad Request",
            Refused::Method => "405 Method Not Allowed",
            Refused::Body => "413 Content Too Large",
            Refused::TooLarge => "431 Request Header Fields Too Large",
        }
    }
}

/// Reads the head at the start of `bytes`; none while it is not whole.
///
/// # Errors
/// [`Refused`].
pub fn read(bytes: &[u8]) -> Result<Option<Head>, Refused> {
    let mut headers = [EMPTY_HEADER; HEADERS_MAX];
    let mut request = Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(Status::Complete(_)) => {}
        Ok(Status::Partial) if bytes.len() >= HEAD_BYTES_MAX => return Err(Refused::TooLarge),
        Ok(Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(Refused::TooLarge),
        Err(_) => return Err(Refused::Malformed),
    }
    let is_head = match request.method {
        Some("GET") => false,
        Some("HEAD") => true,
        _ => return Err(Refused::Method),
    };
    for header in request.headers.iter() {
        let has_length = header.name.eq_ignore_ascii_case("content-length") && header.value != b"0";
        if has_length || header.name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(Refused::Body);
        }
    }
    let target = request.path.unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    if !path.starts_with('/') {
        return Err(Refused::Malformed);
    }
    Ok(Some(Head { path: path.to_owned(), is_head }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path(text: &str) -> Result<Option<String>, Refused> {
        read(text.as_bytes()).map(|head| head.map(|head| head.path))
    }

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let whole = "GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n";
        for end in 0..whole.len() {
            assert_eq!(path(&whole[..end]), Ok(None), "{end}");
        }
        assert_eq!(path(whole), Ok(Some("/metrics".to_owned())));
        assert_eq!(read(b"HEAD / HTTP/1.0\r\n\r\n"), Ok(Some(Head { path: "/".to_owned(), is_head: true })));
    }

    #[test]
    fn what_is_not_served_is_refused_with_its_reason() {
        for (text, reason) in [
            ("POST / HTTP/1.1\r\n\r\n", Refused::Method),
            ("GET / HTTP/2.0\r\n\r\n", Refused::Malformed),
            ("GET http://host/ HTTP/1.1\r\n\r\n", Refused::Malformed),
            ("GET /\r\n\r\n", Refused::Malformed),
            ("\0\0\0\x10\0\x12\0\0", Refused::Malformed),
            ("GET / HTTP/1.1\r\nbad header\r\n\r\n", Refused::Malformed),
            ("GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", Refused::Body),
            ("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", Refused::Body),
        ] {
            assert_eq!(path(text), Err(reason), "{text:?}");
        }
        let lines = "a: b\r\n".repeat(HEADERS_MAX + 1);
        assert_eq!(path(&format!("GET / HTTP/1.1\r\n{lines}\r\n")), Err(Refused::TooLarge));
        assert_eq!(path(&format!("GET /{}", "x".repeat(HEAD_BYTES_MAX))), Err(Refused::TooLarge));
    }

    proptest! {
        #[test]
        fn no_bytes_do_any_harm(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = read(&bytes);
        }

        #[test]
        fn scrambled_requests_do_no_harm(place in 0_usize..60, byte in any::<u8>()) {
            let mut bytes = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: text/plain\r\n\r\n".to_vec();
            bytes[place] = byte;
            if let Ok(Some(head)) = read(&bytes) {
                prop_assert!(head.path.starts_with('/'));
            }
        }
    }
}
