//! How names and types of the schema read in Rust.

use crate::schema::{Field, Kind, Versions};

/// `FetchRequest` and `topicName` become `fetch_request` and `topic_name`.
pub fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut before = '_';
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
        before = letter;
    }
    out
}

/// The Rust name of a field.
pub fn field_name(field: &Field) -> String {
    let name = snake(&field.name);
    match name.as_str() {
        "type" | "match" | "where" | "ref" | "move" | "use" | "mod" | "self" | "in" => name + "_",
        _ => name,
    }
}

/// The name in Kafka's JSON form.
pub fn json_name(field: &Field) -> String {
    let mut letters = field.name.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

fn bare_type(kind: &Kind) -> String {
    match kind {
        Kind::Bool => "bool".to_owned(),
        Kind::Int8 => "i8".to_owned(),
        Kind::Int16 => "i16".to_owned(),
        Kind::Uint16 => "u16".to_owned(),
        Kind::Int32 => "i32".to_owned(),
        Kind::Int64 => "i64".to_owned(),
        Kind::Float64 => "f64".to_owned(),
        Kind::Uuid => "Uuid".to_owned(),
        Kind::Text => "Text".to_owned(),
        Kind::Bytes => "Bytes".to_owned(),
        Kind::Records => "Records".to_owned(),
        Kind::Struct(name) => name.clone(),
        Kind::Array(element) => format!("Vec<{}>", bare_type(element)),
    }
}

/// The Rust type of a field.
pub fn field_type(field: &Field) -> String {
    let bare = bare_type(&field.kind);
    if field.nullable.is_some() { format!("Option<{bare}>") } else { bare }
}

/// Whether the field starts as null.
pub fn starts_null(field: &Field) -> bool {
    field.default.as_deref() == Some("null") || (field.nullable.is_some() && field.kind == Kind::Records)
}

/// The default as a Rust expression, or nothing where it is that of the Rust type.
pub fn default_value(field: &Field) -> Option<String> {
    if field.nullable.is_some() {
        return if starts_null(field) { None } else { Some("Some(Default::default())".to_owned()) };
    }
    match (field.default.as_deref(), &field.kind) {
        (None | Some("null"), _) => None,
        (Some(value), Kind::Int8 | Kind::Int16 | Kind::Uint16 | Kind::Int32 | Kind::Int64 | Kind::Bool) => {
            Some(value.to_owned())
        }
        (Some(value), Kind::Text) => Some(format!("Text::from_static({value:?})")),
        (Some(value), kind) => panic!("{}: default {value} for {kind:?}", field.name),
    }
}

/// An expression that is true where `place` (such as `self.name`) differs from the field's default.
pub fn differs_from_default(field: &Field, place: &str) -> String {
    if field.nullable.is_some() {
        return match &field.kind {
            _ if starts_null(field) => format!("{place}.is_some()"),
            Kind::Struct(name) => format!("{place}.as_ref().is_none_or(|value| *value != {name}::default())"),
            _ => format!("{place}.as_ref().is_none_or(|value| !value.is_empty())"),
        };
    }
    match (&field.kind, field.default.as_deref()) {
        (Kind::Bool, Some("true")) => format!("!{place}"),
        (Kind::Bool, _) => place.to_owned(),
        (Kind::Text | Kind::Bytes | Kind::Array(_) | Kind::Records, None) => format!("!{place}.is_empty()"),
        (Kind::Struct(name), _) => format!("{place} != {name}::default()"),
        (Kind::Uuid, _) => format!("{place} != Uuid::ZERO"),
        (Kind::Float64, None) => format!("{place} != 0.0"),
        (_, None) => format!("{place} != 0"),
        (_, Some(value)) => format!("{place} != {value}"),
    }
}

/// The condition `version is in wanted`, given that it is in `given`; nothing where that is always so.
pub fn condition(wanted: Versions, given: Versions) -> Option<String> {
    let (from, until) = (wanted.min > given.min, wanted.max < given.max);
    match (from, until) {
        (false, false) => None,
        (true, false) => Some(format!("version >= {}", wanted.min)),
        (false, true) => Some(format!("version <= {}", wanted.max)),
        (true, true) if wanted.min == wanted.max => Some(format!("version == {}", wanted.min)),
        (true, true) => Some(format!("({}..={}).contains(&version)", wanted.min, wanted.max)),
    }
}
