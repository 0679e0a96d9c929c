//! Requests that no client sends: cut short, stretched, scrambled.

use corelog_protocol::messages::api_versions_request::ApiVersionsRequest;
use corelog_protocol::messages::metadata_request::MetadataRequest;

use super::client::{Client, batch, broker, produce};
use crate::handlers::table;

/// A frame with the header of `key` and `version`, and this body.
fn framed(key: i16, version: i16, body: &[u8]) -> Vec<u8> {
    let mut request = Vec::new();
    request.extend(key.to_be_bytes());
    request.extend(version.to_be_bytes());
    request.extend(7_i32.to_be_bytes());
    request.extend(b"\0\x01x");
    request.extend(body);
    let mut bytes = (request.len() as u32).to_be_bytes().to_vec();
    bytes.extend(request);
    bytes
}

fn noise(bytes: usize) -> Vec<u8> {
    let mut noise = vec![0; bytes];
    corelog_rt::rand::fill(&mut noise);
    noise
}

#[test]
fn scrambled_bodies_of_every_api_hurt_nobody() {
    broker(2, &[], |address| async move {
        let mut bystander = Client::connect(address).await;
        bystander.create_topic("t", 2).await;
        for api in table::APIS {
            for version in [api.version_min, api.version_max] {
                for body in [noise(3), noise(40), vec![0xff; 60], vec![0; 60], b"\0\x7f\xff\xff\xff".to_vec()] {
                    let mut client = Client::connect(address).await;
                    client.send_bytes(&framed(api.key.code(), version, &body)).await;
                    client.shut_down();
                }
            }
        }
        let sent = bystander.ask(&produce("t", -1, &[(0, batch(1, b"x")), (1, batch(1, b"x"))]), 9).await;
        assert!(sent.responses[0].partition_responses.iter().all(|answer| answer.error_code == 0));
        let metadata = bystander.ask(&MetadataRequest { topics: None, ..Default::default() }, 12).await;
        assert!(metadata.topics.iter().any(|topic| topic.name.as_deref() == Some("t")));
    });
}

#[test]
fn requests_cut_anywhere_end_their_own_connection() {
    broker(1, &[], |address| async move {
        let mut bystander = Client::connect(address).await;
        bystander.create_topic("t", 1).await;
        let mut session = corelog_protocol::client::Session::new("cut");
        let (_, encoded) = session.request(&produce("t", -1, &[(0, batch(1, b"x"))]), 9).expect("a request");
        let whole = encoded.into_contiguous();
        for end in (4..whole.len()).step_by(3) {
            let mut client = Client::connect(address).await;
            let mut cut = ((end - 4) as u32).to_be_bytes().to_vec();
            cut.extend(&whole[4..end]);
            client.send_bytes(&cut).await;
            assert!(client.raw_answer().await.is_none(), "cut at {end}");
        }
        let software = ApiVersionsRequest { client_software_name: "a".into(), client_software_version: "1".into() };
        assert_eq!(bystander.ask(&software, 3).await.error_code, 0);
    });
}
