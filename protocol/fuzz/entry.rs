//! What each fuzz target does with its input, shared with the ordinary test that runs the corpus and its mutations.
//! Nothing here may panic, whatever the bytes; what decodes must encode to something that decodes again.

use bytes::{Bytes, BytesMut};
use corelog_protocol::catalog::{self, ENTRIES, Entry, Role};
use corelog_protocol::client::Session;
use corelog_protocol::messages::fetch_request::FetchRequest;
use corelog_protocol::messages::fetch_response::FetchResponse;
use corelog_protocol::{Decoder, frame, header};

/// What a target does with one input.
pub type Run = fn(&[u8]);

/// A target by its name, which is also that of its corpus.
pub const TARGETS: [(&str, Run); 4] =
    [("frames", frames), ("request", request), ("message", message), ("answer", answer)];

/// A stream of frames, as a connection receives it; each whole frame goes on as a request.
pub fn frames(data: &[u8]) {
    let mut buffer = BytesMut::from(data);
    while let Ok(Some(frame)) = frame::split(&mut buffer, 1 << 20) {
        request(&frame);
    }
}

/// One frame without its length: header, then the body that the header names.
pub fn request(data: &[u8]) {
    let mut decoder = Decoder::new(Bytes::copy_from_slice(data));
    let Ok((key, header)) = header::decode_request_header(&mut decoder) else { return };
    let entry = catalog::find(key, Role::Request).expect("every API has a request");
    recode(entry, header.request_api_version, &decoder.rest());
}

/// Any message: two bytes choose it (modulo their number), one its version, the rest is the body.
pub fn message(data: &[u8]) {
    let [high, low, version, body @ ..] = data else { return };
    let entry = ENTRIES.get(usize::from(u16::from_be_bytes([*high, *low])) % ENTRIES.len()).expect("modulo the number");
    recode(entry, i16::from(*version as i8), &Bytes::copy_from_slice(body));
}

/// An answer to a client that has asked for a fetch; the first byte is the version.
pub fn answer(data: &[u8]) {
    let Some((version, frame)) = data.split_first() else { return };
    let mut session = Session::new("fuzz");
    if session.request(&FetchRequest::default(), i16::from(*version)).is_ok()
        && let Ok(answer) = session.answer(Bytes::copy_from_slice(frame))
    {
        drop(answer.decode::<FetchResponse>());
    }
}

fn recode(entry: &Entry, version: i16, body: &Bytes) {
    match (entry.recode)(body, version) {
        Ok(recoded) => assert!(recoded.stable, "{} version {version} changes when encoded again", entry.name),
        // The words of an error are made from the input too.
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
