//! Emits the structures of every message: definition, defaults, and the trait that names them.

use std::fmt::Write as _;

use crate::schema::{Api, Message, Role, Struct};
use crate::{codec, json, naming};

/// All messages, one module each.
pub fn emit(messages: &[&Message], apis: &[Api], with_json: bool) -> String {
    let mut out = String::new();
    for message in messages {
        let module = naming::snake(&message.name);
        let _ = writeln!(out, "/// `{}`, versions {} to {}.", message.name, message.versions.min, message.versions.max);
        let _ = writeln!(out, "pub mod {module} {{\nuse super::prelude::*;\n");
        for structure in &message.structs {
            emit_struct(&mut out, structure);
            codec::emit_read(&mut out, message, structure);
            codec::emit_write(&mut out, message, structure);
            if with_json {
                json::emit(&mut out, message, structure);
            }
        }
        emit_trait(&mut out, message);
        if let Some(api) = apis.iter().find(|api| message.role == Role::Request && api.request.name == message.name) {
            let _ = writeln!(
                out,
                "impl Request for {} {{ const KEY: ApiKey = ApiKey::{}; type Response = super::{}::{}; }}",
                message.name,
                api.name,
                naming::snake(&api.response.name),
                api.response.name
            );
        }
        out.push_str("}\n\n");
    }
    out
}

fn emit_struct(out: &mut String, structure: &Struct) {
    let defaults: Vec<Option<String>> = structure.fields.iter().map(naming::default_value).collect();
    let plain = defaults.iter().all(Option::is_none);
    let _ = writeln!(out, "#[derive(Clone, Debug, PartialEq{})]", if plain { ", Default" } else { "" });
    let _ = writeln!(out, "pub struct {} {{", structure.name);
    for field in &structure.fields {
        let versions = field.versions;
        let _ = write!(out, "/// `{}`, versions {} to {}", field.name, versions.min, versions.max);
        if let Some(tag) = field.tag {
            let _ = write!(out, ", tag {tag}");
        }
        if field.ignorable {
            out.push_str(", ignorable");
        }
        if let Some(entity) = &field.entity {
            let _ = write!(out, ", a `{entity}`");
        }
        let _ = writeln!(out, ".\npub {}: {},", naming::field_name(field), naming::field_type(field));
    }
    out.push_str("}\n");
    if !plain {
        let _ = writeln!(out, "impl Default for {} {{ fn default() -> Self {{ Self {{", structure.name);
        for (field, default) in structure.fields.iter().zip(&defaults) {
            let value = default.as_deref().unwrap_or("Default::default()");
            let _ = writeln!(out, "{}: {value},", naming::field_name(field));
        }
        out.push_str("} } }\n");
    }
}

fn emit_trait(out: &mut String, message: &Message) {
    let _ = writeln!(
        out,
        "impl Message for {name} {{\n\
         const NAME: &'static str = \"{name}\";\n\
         const VERSION_MIN: i16 = {min};\n\
         const VERSION_MAX: i16 = {max};\n\
         fn read(decoder: &mut Decoder, version: i16) -> Result<Self, DecodeError> {{ Self::read_fields(decoder, version) }}\n\
         fn write(&self, encoder: &mut Encoder, version: i16) -> Result<(), EncodeError> {{ self.write_fields(encoder, version) }}\n\
         }}",
        name = message.name,
        min = message.versions.min,
        max = message.versions.max,
    );
}
