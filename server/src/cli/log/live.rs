//! Asking a running broker for its segments: `GET /segments` on its metrics port.
//!
//! Runs on the tool's shard.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use corelog_rt::time;

use crate::cli::client::connection::connect;
use crate::cli::failure::{Failure, STATUS_UNREACHABLE};
use crate::config::endpoint::parse_host_and_port;
use crate::metrics::segments::SegmentRow;

/// How long the whole answer may take.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);
/// The largest answer that is taken in, in bytes.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Room made for a part of it.
const READ_BYTES: usize = 64 << 10;

/// The segments of the broker whose metrics are served at `address`.
pub async fn segments(address: &str) -> Result<Vec<SegmentRow>, Failure> {
    let (host, port) = parse_host_and_port(address).map_err(|error| Failure::usage(format!("{address}: {error}")))?;
    let answer = time::timeout(ANSWER_TIME_MAX, ask(host, port)).await;
    let answer = answer.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(|error| {
        Failure::with_status(STATUS_UNREACHABLE, format!("{address}: {error}"))
            .advise("name the address of the broker's corelog.metrics.listen: --live HOST:PORT")
    })?;
    let body = body(&answer).map_err(|why| Failure::new(format!("{address}: {why}")))?;
    serde_json::from_slice(body).map_err(|error| Failure::new(format!("{address}: {error}")))
}

async fn ask(host: &str, port: u16) -> io::Result<BytesMut> {
    let (mut reader, mut writer) = connect(host, port).await?.split();
    let request = format!("GET /segments HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    writer.write_all(&mut vec![Bytes::from(request)]).await?;
    let mut answer = BytesMut::new();
    loop {
        answer.reserve(READ_BYTES);
        if reader.read(&mut answer).await? == 0 {
            return Ok(answer);
        }
        if answer.len() > ANSWER_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the answer has no end"));
        }
    }
}

/// The body of an answer that says yes, whole.
fn body(answer: &[u8]) -> Result<&[u8], String> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    let Ok(httparse::Status::Complete(head_bytes)) = response.parse(answer) else {
        return Err("this is no metrics port".to_owned());
    };
    let body = answer.get(head_bytes..).unwrap_or_default();
    if response.code != Some(200) {
        let said = String::from_utf8_lossy(body);
        return Err(format!("it says {}: {}", response.code.unwrap_or(0), said.trim_end()));
    }
    let length = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|header| std::str::from_utf8(header.value).ok()?.parse::<usize>().ok());
    match length {
        Some(length) if length == body.len() => Ok(body),
        _ => Err("the answer was cut short".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::body;

    #[test]
    fn body_is_taken_only_if_it_is_whole_and_says_yes() {
        assert_eq!(body(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"), Ok(b"[]".as_slice()));
        for (answer, why) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[]", "cut short"),
            ("HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno\n", "it says 404: no"),
            ("\0\0\0\x04", "no metrics port"),
            ("", "no metrics port"),
        ] {
            let error = body(answer.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
