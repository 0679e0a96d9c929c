//! Emits the JSON form of Kafka's own converters, and random values: both for the cross-check with Kafka's classes.

use std::fmt::Write as _;

use crate::naming::{condition, differs_from_default, field_name, json_name};
use crate::schema::{Message, Struct};

/// `to_json`, `from_json` and `random` of one structure.
pub fn emit(out: &mut String, _message: &Message, structure: &Struct) {
    let name = &structure.name;
    let _ = writeln!(
        out,
        "impl JsonValue for {name} {{\nfn to_json(&self, version: i16) -> Result<Value, JsonError> {{\n\
         let _ = version;\nlet mut object = Map::new();"
    );
    for field in &structure.fields {
        let (place, key) = (format!("self.{}", field_name(field)), json_name(field));
        let differs = differs_from_default(field, &place);
        let mut insert = format!("object.insert(\"{key}\".to_owned(), {place}.to_json(version)?);");
        if field.tag.is_some() {
            insert = format!("if {differs} {{ {insert} }}");
        }
        match condition(field.versions, structure.versions) {
            None => out.push_str(&insert),
            Some(condition) if field.ignorable => {
                let _ = write!(out, "if {condition} {{ {insert} }}");
            }
            Some(condition) => {
                let refuse = format!("return Err(JsonError::not_in_version(\"{name}.{}\", version));", field.name);
                let _ = write!(out, "if {condition} {{ {insert} }} else if {differs} {{ {refuse} }}");
            }
        }
        out.push('\n');
    }
    out.push_str("Ok(Value::Object(object))\n}\n");
    let _ = writeln!(
        out,
        "fn from_json(value: &Value, version: i16, name: &'static str) -> Result<Self, JsonError> {{\n\
         let _ = version;\nlet mut this = Self::default();\nlet object = json::object(value, name)?;"
    );
    for field in &structure.fields {
        let (place, key) = (format!("this.{}", field_name(field)), json_name(field));
        let full = format!("{name}.{}", field.name);
        let mut read = if field.tag.is_some() {
            format!(
                "if let Some(value) = object.get(\"{key}\") {{ {place} = JsonValue::from_json(value, version, \"{full}\")?; }}"
            )
        } else {
            format!(
                "{place} = JsonValue::from_json(json::member(object, \"{key}\", \"{full}\")?, version, \"{full}\")?;"
            )
        };
        if let Some(allowed) = field.nullable.and_then(|null| condition(null, field.versions)) {
            let _ = write!(read, "if {place}.is_none() && !({allowed}) {{ return Err(JsonError::null(\"{full}\")); }}");
        }
        match condition(field.versions, structure.versions) {
            None => out.push_str(&read),
            Some(condition) => {
                let _ = write!(out, "if {condition} {{ {read} }}");
            }
        }
        out.push('\n');
    }
    out.push_str("let _ = object;\nOk(this)\n}\n}\n");
    emit_random(out, structure);
}

fn emit_random(out: &mut String, structure: &Struct) {
    let _ = writeln!(
        out,
        "impl Random for {} {{\nfn random(source: &mut Source, version: i16) -> Self {{\n\
         let _ = (version, &source);\nlet mut this = Self::default();",
        structure.name
    );
    for field in &structure.fields {
        let place = format!("this.{}", field_name(field));
        let mut draw = format!("{place} = Random::random(source, version);");
        if field.tag.is_some() {
            draw = format!("if source.coin() {{ {draw} }}");
        }
        if let Some(allowed) = field.nullable.and_then(|null| condition(null, field.versions)) {
            let _ = write!(draw, "if {place}.is_none() && !({allowed}) {{ {place} = Some(Default::default()); }}");
        }
        match condition(field.versions, structure.versions) {
            None => out.push_str(&draw),
            // What may be ignored is sometimes set where the version lacks it: it must leave no trace.
            Some(condition) if field.ignorable && field.kind.structure().is_none() => {
                let _ = write!(out, "if {condition} || source.coin() {{ {draw} }}");
            }
            Some(condition) => {
                let _ = write!(out, "if {condition} {{ {draw} }}");
            }
        }
        out.push('\n');
    }
    out.push_str("this\n}\n}\n");
}
