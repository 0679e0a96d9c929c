//! Emits the API table and the catalogue of all messages.

use std::fmt::Write as _;

use crate::naming;
use crate::schema::{Api, Message, Role};

/// The `ApiKey` enum and what the schema knows of each.
pub fn emit(apis: &[Api]) -> String {
    let mut out = String::from(
        "/// Every API of the protocol that this crate speaks, by Kafka's name and number.\n\
         #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]\n#[repr(i16)]\npub enum ApiKey {\n",
    );
    for api in apis {
        let _ = writeln!(out, "/// API {}.\n{} = {},", api.key, api.name, api.key);
    }
    out.push_str("}\n\nimpl ApiKey {\n/// Every API, by number.\npub const ALL: &'static [ApiKey] = &[");
    for api in apis {
        let _ = write!(out, "ApiKey::{}, ", api.name);
    }
    out.push_str("];\n\n/// The API with this number.\npub const fn from_code(code: i16) -> Option<ApiKey> {\nSome(match code {\n");
    for api in apis {
        let _ = writeln!(out, "{} => ApiKey::{},", api.key, api.name);
    }
    out.push_str("_ => return None,\n})\n}\n\npub(crate) const fn facts(self) -> ApiFacts {\nmatch self {\n");
    for api in apis {
        let _ = writeln!(
            out,
            "ApiKey::{name} => ApiFacts {{ name: \"{name}\", advertised: ({}, {}), decodable: ({}, {}), flexible_from: {} }},",
            api.advertised.min,
            api.advertised.max,
            api.request.versions.min,
            api.request.versions.max,
            api.request.flexible_from.unwrap_or(i16::MAX),
            name = api.name,
        );
    }
    out.push_str("}\n}\n}\n");
    out
}

/// One entry per message, so that tests and fuzzers reach them all.
pub fn emit_catalog(apis: &[Api], data: &[Message]) -> String {
    let mut out = String::from("/// Every message of the crate.\npub const ENTRIES: &[Entry] = &[\n");
    let mut entry = |message: &Message, key: Option<&str>| {
        let role = match message.role {
            Role::Request => "Request",
            Role::Response => "Response",
            Role::Data => "Data",
        };
        let key = key.map_or("None".to_owned(), |name| format!("Some(ApiKey::{name})"));
        let (module, name) = (naming::snake(&message.name), &message.name);
        let _ = writeln!(out, "Entry::of::<crate::messages::{module}::{name}>({key}, Role::{role}),");
    };
    for api in apis {
        entry(&api.request, Some(&api.name));
        entry(&api.response, Some(&api.name));
    }
    for message in data {
        entry(message, None);
    }
    out.push_str("];\n");
    out
}
