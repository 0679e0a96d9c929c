//! Emits one decode and one encode function per structure; versions are conditions inside them.

use std::fmt::Write as _;

use crate::naming::{condition, differs_from_default, field_name};
use crate::schema::{Field, Kind, Message, Struct};

fn emit_flexible(out: &mut String, message: &Message, structure: &Struct) {
    let expression = match message.flexible_from {
        None => "false".to_owned(),
        Some(from) if from <= structure.versions.min => "true".to_owned(),
        Some(from) => format!("version >= {from}"),
    };
    let _ = writeln!(out, "let flexible = {expression};");
}

fn flexible(field: &Field) -> &'static str {
    if field.rigid { "false" } else { "flexible" }
}

fn uses_flexible(message: &Message, structure: &Struct) -> bool {
    let length_prefixed =
        |field: &Field| matches!(field.kind, Kind::Text | Kind::Bytes | Kind::Records | Kind::Array(_)) && !field.rigid;
    message.flexible_from.is_some() || structure.fields.iter().any(length_prefixed)
}

fn scalar(kind: &Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Bool => "boolean",
        Kind::Int8 => "int8",
        Kind::Int16 => "int16",
        Kind::Uint16 => "uint16",
        Kind::Int32 => "int32",
        Kind::Int64 => "int64",
        Kind::Float64 => "float64",
        Kind::Uuid => "uuid",
        _ => return None,
    })
}

fn read_expression(field: &Field) -> String {
    let name = &field.name;
    let null = if field.nullable.is_some() { "_nullable" } else { "" };
    let flexible = flexible(field);
    match &field.kind {
        Kind::Text => format!("decoder.text{null}(\"{name}\", {flexible})?"),
        Kind::Bytes => format!("decoder.bytes{null}(\"{name}\", {flexible})?"),
        Kind::Records => format!("decoder.records{null}(\"{name}\", {flexible})?"),
        Kind::Struct(structure) => {
            format!("decoder.structure{null}(\"{name}\", |decoder| {structure}::read_fields(decoder, version))?")
        }
        Kind::Array(element) => {
            let each = match element.as_ref() {
                Kind::Struct(structure) => format!("{structure}::read_fields(decoder, version)"),
                Kind::Text => format!("decoder.text(\"\", {flexible})"),
                other => {
                    format!("decoder.{}(\"\")", scalar(other).expect("arrays hold scalars, strings or structures"))
                }
            };
            format!("decoder.array{null}(\"{name}\", {flexible}, |decoder| {each})?")
        }
        other => format!("decoder.{}(\"{name}\")?", scalar(other).expect("the rest are scalars")),
    }
}

fn emit_read_field(out: &mut String, field: &Field) {
    let place = format!("this.{}", field_name(field));
    let _ = writeln!(out, "{place} = {};", read_expression(field));
    if let Some(null) = field.nullable
        && let Some(allowed) = condition(null, field.versions)
    {
        let _ =
            writeln!(out, "if {place}.is_none() && !({allowed}) {{ return Err(decoder.null(\"{}\")); }}", field.name);
    }
}

/// The decode function.
pub fn emit_read(out: &mut String, message: &Message, structure: &Struct) {
    let name = &structure.name;
    let _ = writeln!(
        out,
        "impl {name} {{\nfn read_fields(decoder: &mut Decoder, version: i16) -> Result<Self, DecodeError> {{"
    );
    out.push_str("let _ = version;\n");
    if uses_flexible(message, structure) {
        emit_flexible(out, message, structure);
    }
    out.push_str("let mut this = Self::default();\n");
    for field in structure.fields.iter().filter(|field| field.tag.is_none()) {
        match condition(field.versions, structure.versions) {
            None => emit_read_field(out, field),
            Some(condition) => {
                let _ = writeln!(out, "if {condition} {{");
                emit_read_field(out, field);
                out.push_str("}\n");
            }
        }
    }
    if message.flexible_from.is_some() {
        out.push_str("if flexible {\ndecoder.tagged_fields(|decoder, tag| {\nmatch tag {\n");
        for field in structure.fields.iter().filter(|field| field.tag.is_some()) {
            let tag = field.tag.expect("filtered");
            let guard =
                condition(field.versions, structure.versions).map_or(String::new(), |text| format!(" if {text}"));
            let _ = writeln!(out, "{tag}{guard} => {{");
            emit_read_field(out, field);
            out.push_str("Ok(true)\n}\n");
        }
        out.push_str("_ => { let _ = decoder; Ok(false) }\n}\n})?;\n}\n");
    }
    out.push_str("Ok(this)\n}\n}\n");
}

fn write_value(field: &Field, owner: &str, value: &str) -> String {
    let name = format!("{owner}.{}", field.name);
    let flexible = flexible(field);
    match &field.kind {
        Kind::Text => format!("encoder.text(\"{name}\", {value}, {flexible})?;"),
        Kind::Bytes => format!("encoder.bytes(\"{name}\", {value}, {flexible})?;"),
        Kind::Records => format!("encoder.records(\"{name}\", {value}, {flexible})?;"),
        Kind::Struct(_) => format!("{value}.write_fields(encoder, version)?;"),
        Kind::Array(element) => {
            let each = match element.as_ref() {
                Kind::Struct(_) => "item.write_fields(encoder, version)?;".to_owned(),
                Kind::Text => format!("encoder.text(\"{name}\", item, {flexible})?;"),
                other => format!("encoder.{}(*item);", scalar(other).expect("as in decoding")),
            };
            format!("encoder.array(\"{name}\", {value}.len(), {flexible})?;\nfor item in {value} {{ {each} }}")
        }
        Kind::Int16 if field.name.ends_with("ErrorCode") => format!("encoder.error_code({value});"),
        other => format!("encoder.{}({value});", scalar(other).expect("as in decoding")),
    }
}

fn emit_write_field(out: &mut String, field: &Field, owner: &str) {
    let place = format!("self.{}", field_name(field));
    if let Some(null) = field.nullable {
        let none = match &field.kind {
            Kind::Text => format!("encoder.null_text({})", flexible(field)),
            Kind::Bytes | Kind::Records | Kind::Array(_) => format!("encoder.null_length({})", flexible(field)),
            Kind::Struct(_) => "encoder.int8(-1)".to_owned(),
            other => panic!("{owner}.{}: a nullable {other:?}", field.name),
        };
        let mark = if matches!(field.kind, Kind::Struct(_)) { "encoder.int8(1);\n" } else { "" };
        if let Some(allowed) = condition(null, field.versions) {
            let _ = writeln!(
                out,
                "if {place}.is_none() && !({allowed}) {{ return Err(encoder.null(\"{owner}.{}\")); }}",
                field.name
            );
        }
        let _ = writeln!(
            out,
            "match &{place} {{ None => {none}, Some(value) => {{ {mark}{} }} }}",
            write_value(field, owner, "value")
        );
    } else {
        let by_value = scalar(&field.kind).is_some() || matches!(field.kind, Kind::Struct(_));
        let value = if by_value { place } else { format!("&{place}") };
        let value = if matches!(field.kind, Kind::Array(_)) { format!("({value})") } else { value };
        let _ = writeln!(out, "{}", write_value(field, owner, &value));
    }
}

/// The encode function.
pub fn emit_write(out: &mut String, message: &Message, structure: &Struct) {
    let owner = &structure.name;
    let _ = writeln!(
        out,
        "impl {owner} {{\nfn write_fields(&self, encoder: &mut Encoder, version: i16) -> Result<(), EncodeError> {{"
    );
    out.push_str("let _ = (version, &encoder);\n");
    if uses_flexible(message, structure) {
        emit_flexible(out, message, structure);
    }
    for field in &structure.fields {
        emit_write_guarded(out, field, structure);
    }
    if message.flexible_from.is_some() {
        emit_write_tagged(out, structure);
    }
    out.push_str("Ok(())\n}\n}\n");
}

fn emit_write_guarded(out: &mut String, field: &Field, structure: &Struct) {
    let owner = &structure.name;
    let outside = condition(field.versions, structure.versions);
    let refuse = || {
        let differs = differs_from_default(field, &format!("self.{}", field_name(field)));
        format!("if {differs} {{ return Err(encoder.not_in_version(\"{owner}.{}\")); }}", field.name)
    };
    match (outside, field.tag, field.ignorable) {
        (None, None, _) => emit_write_field(out, field, owner),
        (Some(condition), None, ignorable) => {
            let _ = writeln!(out, "if {condition} {{");
            emit_write_field(out, field, owner);
            out.push('}');
            if !ignorable {
                let _ = write!(out, " else {}", refuse());
            }
            out.push('\n');
        }
        (Some(condition), Some(_), false) => {
            let _ = writeln!(out, "if !({condition}) {{ {} }}", refuse());
        }
        (_, Some(_), _) => {}
    }
}

fn emit_write_tagged(out: &mut String, structure: &Struct) {
    let owner = &structure.name;
    let mut tagged: Vec<&Field> = structure.fields.iter().filter(|field| field.tag.is_some()).collect();
    tagged.sort_by_key(|field| field.tag);
    if tagged.is_empty() {
        out.push_str("if flexible { encoder.unsigned_varint(0); }\n");
        return;
    }
    out.push_str("if flexible {\n");
    for field in &tagged {
        let name = field_name(field);
        let inside =
            condition(field.versions, structure.versions).map_or(String::new(), |text| format!("({text}) && "));
        let differs = differs_from_default(field, &format!("self.{name}"));
        let _ = writeln!(out, "let has_{name} = {inside}({differs});");
    }
    let count: Vec<String> = tagged.iter().map(|field| format!("u32::from(has_{})", field_name(field))).collect();
    let _ = writeln!(out, "encoder.unsigned_varint({});", count.join(" + "));
    for field in &tagged {
        let _ = writeln!(out, "if has_{} {{", field_name(field));
        let _ = writeln!(out, "let tagged = encoder.open_tag({});", field.tag.expect("filtered"));
        emit_write_field(out, field, owner);
        out.push_str("encoder.close_tag(tagged);\n}\n");
    }
    out.push_str("}\n");
}
