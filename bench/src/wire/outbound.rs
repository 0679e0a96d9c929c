//! Produce requests that are laid out once and patched for every send: correlation, partitions, sequences, stamps, checksums.
//!
//! A buffer holds one request. As long as the next one has the same layout (as many batches, of as many records each) only what changed
//! is written; otherwise it is laid out anew from the template.

use corelog_protocol::messages::produce_request::{ProduceRequest, TopicProduceData};
use corelog_protocol::messages::request_header::RequestHeader;
use corelog_protocol::{ApiKey, EncodeError, Text, Uuid, header};

use super::batches::Batches;
use super::part::{Author, Part};
use super::stamp::Stamp;
use super::template::{Template, put, put_author, seal};
use corelog_protocol::varint::write_u64;

/// Position of the correlation id in a frame: after length, API and version.
const CORRELATION_AT: usize = 8;
/// The first version with compact lengths.
const FLEXIBLE_FROM: i16 = 9;

/// What the requests of one connection have in common.
pub struct RequestShape {
    /// The prefix of every frame up to the count of partitions.
    prefix: Vec<u8>,
    /// What follows the last partition.
    suffix: Vec<u8>,
    is_flexible: bool,
}

/// One request, ready to be sent.
#[derive(Default)]
pub struct Outbound {
    bytes: Vec<u8>,
    /// Room for a batch before it is part of the request.
    scratch: Vec<u8>,
    /// Records of each batch of a template, and where the batch and its partition's number begin.
    layout: Vec<Place>,
}

#[derive(Clone, Copy)]
struct Place {
    count: usize,
    batch_at: usize,
    partition_at: usize,
}

impl RequestShape {
    /// Encodes what does not change, in a version that the protocol can write.
    ///
    /// # Errors
    /// Those of the encoder: a name that is too long, a version that does not exist.
    pub fn new(version: i16, client: &str, name: &Text, id: Uuid, acks: i16) -> Result<RequestShape, EncodeError> {
        let topic = TopicProduceData { name: name.clone(), topic_id: id, partition_data: Vec::new() };
        let request = ProduceRequest { transactional_id: None, acks, timeout_ms: 30_000, topic_data: vec![topic] };
        let header = RequestHeader {
            request_api_key: ApiKey::Produce.code(),
            request_api_version: version,
            correlation_id: 0,
            client_id: Some(client.into()),
        };
        let frame = header::encode_request(ApiKey::Produce, &header, &request)?.into_contiguous();
        let is_flexible = version >= FLEXIBLE_FROM;
        // Behind the topic's name: an empty array (1 or 4 bytes), then the empty tags of topic and request.
        let (count_bytes, suffix_bytes) = if is_flexible { (1, 2) } else { (4, 0) };
        let prefix_bytes = frame.len() - count_bytes - suffix_bytes;
        let prefix = frame.get(..prefix_bytes).unwrap_or_default().to_vec();
        let suffix = frame.get(frame.len() - suffix_bytes..).unwrap_or_default().to_vec();
        Ok(RequestShape { prefix, suffix, is_flexible })
    }

    fn count(&self, out: &mut Vec<u8>, count: usize) {
        if self.is_flexible {
            write_u64(out, count as u64 + 1);
        } else {
            out.extend_from_slice(&(count as i32).to_be_bytes());
        }
    }
}

impl Outbound {
    /// The frame.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Makes the request that carries `parts`, in their order, and notes their bytes in them.
    pub fn fill(
        &mut self,
        shape: &RequestShape,
        batches: &Batches,
        author: Author,
        correlation_id: i32,
        parts: &mut [Part],
    ) {
        match batches {
            Batches::Template(template) => self.patch(shape, template, author, parts),
            Batches::Composed(_) | Batches::Ready(_) => self.write(shape, batches, author, parts),
        }
        put(&mut self.bytes, CORRELATION_AT, correlation_id.to_be_bytes());
    }

    fn patch(&mut self, shape: &RequestShape, template: &Template, author: Author, parts: &mut [Part]) {
        let counts = parts.iter().map(|part| part.count);
        if !self.layout.iter().map(|place| place.count).eq(counts) {
            self.lay_out(shape, template, parts);
        }
        for (place, part) in self.layout.iter().zip(parts) {
            put(&mut self.bytes, place.partition_at, part.partition.to_be_bytes());
            part.payload_bytes = template.payload_bytes(part.count);
            part.batch_bytes = template.batch_bytes(part.count) as u64;
            let end = place.batch_at + template.batch_bytes(part.count);
            let batch = self.bytes.get_mut(place.batch_at..end).expect("batches lie inside the request");
            put_author(batch, author, part);
            for (index, at) in template.values(part.count).iter().enumerate() {
                let stamp = Stamp {
                    producer: author.stamp,
                    sequence: part.sequence + index as u64,
                    time_ns: part.time_of(index),
                };
                stamp.write(batch.get_mut(*at..).expect("values lie inside the batch"));
            }
            seal(batch);
        }
    }

    fn lay_out(&mut self, shape: &RequestShape, template: &Template, parts: &[Part]) {
        self.begin(shape, parts.len());
        for part in parts {
            let out = &mut self.bytes;
            let partition_at = out.len();
            out.extend_from_slice(&part.partition.to_be_bytes());
            shape.count(out, template.batch_bytes(part.count));
            let batch_at = out.len();
            template.append(part.count, out);
            if shape.is_flexible {
                out.push(0);
            }
            self.layout.push(Place { count: part.count, batch_at, partition_at });
        }
        self.end(shape);
    }

    /// Writes a request whose batches are made one by one.
    fn write(&mut self, shape: &RequestShape, batches: &Batches, author: Author, parts: &mut [Part]) {
        self.begin(shape, parts.len());
        let (out, scratch) = (&mut self.bytes, &mut self.scratch);
        for part in parts {
            out.extend_from_slice(&part.partition.to_be_bytes());
            batches.make(author, part, scratch, |batch| {
                shape.count(out, batch.len());
                out.extend_from_slice(batch);
            });
            if shape.is_flexible {
                out.push(0);
            }
        }
        self.end(shape);
    }

    fn begin(&mut self, shape: &RequestShape, parts: usize) {
        self.bytes.clear();
        self.layout.clear();
        self.bytes.extend_from_slice(&shape.prefix);
        shape.count(&mut self.bytes, parts);
    }

    fn end(&mut self, shape: &RequestShape) {
        self.bytes.extend_from_slice(&shape.suffix);
        let length = i32::try_from(self.bytes.len() - 4).expect("a request is bounded far below two gigabytes");
        put(&mut self.bytes, 0, length.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::batch::Batch;
    use crate::wire::template::RecordShape;
    use bytes::Bytes;
    use corelog_protocol::{Decoder, Message};

    const AUTHOR: Author = Author { stamp: 77, idempotent: Some((5, 2)) };

    fn part(partition: i32, count: usize, sequence: u64) -> Part {
        let time_ns = 1_700_000_000_123_456_789;
        Part { partition, count, sequence, time_ns, step_ns: 2.5, ..Part::default() }
    }

    fn check(outbound: &Outbound, version: i16, correlation_id: i32, parts: &[Part]) {
        let (length, body) = outbound.bytes().split_at(4);
        assert_eq!(u32::from_be_bytes(length.try_into().unwrap()) as usize, body.len());
        let mut decoder = Decoder::new(Bytes::copy_from_slice(body));
        let (key, header) = header::decode_request_header(&mut decoder).unwrap();
        assert_eq!(
            (key, header.request_api_version, header.correlation_id),
            (ApiKey::Produce, version, correlation_id)
        );
        let request = ProduceRequest::decode(&mut decoder, version).unwrap();
        decoder.finish().unwrap();
        assert_eq!(request.acks, -1);
        assert_eq!(request.topic_data[0].partition_data.len(), parts.len());
        for (data, part) in request.topic_data[0].partition_data.iter().zip(parts) {
            assert_eq!(data.index, part.partition);
            let bytes = data.records.clone().unwrap().into_contiguous();
            let batch = Batch::cut(&mut &bytes[..]).unwrap().unwrap();
            assert_eq!((batch.bytes(), batch.verify()), (bytes.len(), Ok(())));
            let mut stamps = Vec::new();
            batch.each_value(batch.records(), |_, value| stamps.extend(Stamp::read(value))).unwrap();
            let expected = (0..part.count).map(|index| Stamp {
                producer: 77,
                sequence: part.sequence + index as u64,
                time_ns: part.time_of(index),
            });
            assert_eq!(stamps, expected.collect::<Vec<_>>());
        }
    }

    #[test]
    fn requests_are_what_the_protocol_reads_in_every_version() {
        let shape = RecordShape { value_bytes: 300, key_bytes: None };
        let template = Batches::Template(Template::new(shape, 20, |_| {}));
        for version in ApiKey::Produce.decodable_min()..=13 {
            let id = Uuid([if version == 13 { 9 } else { 0 }; 16]);
            let name = if version == 13 { Text::default() } else { "orders".into() };
            let shape = RequestShape::new(version, "bench", &name, id, -1).unwrap();
            let mut outbound = Outbound::default();
            let mut first = [part(3, 20, 100), part(200, 1, 0)];
            outbound.fill(&shape, &template, AUTHOR, 1, &mut first);
            check(&outbound, version, 1, &first);
            let mut patched = [part(4, 20, 120), part(5, 1, 7)];
            outbound.fill(&shape, &template, AUTHOR, 2, &mut patched);
            check(&outbound, version, 2, &patched);
            let mut other: Vec<Part> = (0..200).map(|index| part(index, 1 + index as usize % 3, 9)).collect();
            outbound.fill(&shape, &template, AUTHOR, 3, &mut other);
            check(&outbound, version, 3, &other);
        }
    }
}
