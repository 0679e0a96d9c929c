//! Messages in the JSON form of Kafka's own converters: names in lower camel case, bytes in base64, tagged fields only
//! where they differ from their default. For cross-checks and tools; no part of the broker's paths.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value};

use crate::{DecodeError, EncodeError, Records, Text, Uuid};

/// Why a message has no JSON form, or JSON no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// The version lacks a field that is set.
    #[error("{field} does not exist in version {version}")]
    NotInVersion {
        /// `Structure.Field`.
        field: &'static str,
        /// The version.
        version: i16,
    },
    /// A field that the version needs is missing.
    #[error("{field} is missing")]
    Missing {
        /// `Structure.Field`.
        field: &'static str,
    },
    /// A field has another type, or its value does not fit.
    #[error("{field} is not {wanted}")]
    Type {
        /// `Structure.Field`.
        field: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// The bytes are no such message.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The message does not exist in this version.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl JsonError {
    pub(crate) fn not_in_version(field: &'static str, version: i16) -> JsonError {
        JsonError::NotInVersion { field, version }
    }

    pub(crate) fn null(field: &'static str) -> JsonError {
        JsonError::Type { field, wanted: "anything but null" }
    }
}

/// What a value looks like in JSON.
pub trait JsonValue: Sized {
    /// The JSON form.
    fn to_json(&self, version: i16) -> Result<Value, JsonError>;
    /// Reads the JSON form; `name` is for the error.
    fn from_json(value: &Value, version: i16, name: &'static str) -> Result<Self, JsonError>;
}

pub(crate) fn object<'a>(value: &'a Value, name: &'static str) -> Result<&'a Map<String, Value>, JsonError> {
    value.as_object().ok_or(JsonError::Type { field: name, wanted: "an object" })
}

pub(crate) fn member<'a>(
    object: &'a Map<String, Value>,
    key: &str,
    field: &'static str,
) -> Result<&'a Value, JsonError> {
    object.get(key).ok_or(JsonError::Missing { field })
}

fn integer<T: TryFrom<i64>>(value: &Value, field: &'static str) -> Result<T, JsonError> {
    let integer = value.as_i64().and_then(|integer| T::try_from(integer).ok());
    integer.ok_or(JsonError::Type { field, wanted: "an integer in range" })
}

fn string<'a>(value: &'a Value, field: &'static str) -> Result<&'a str, JsonError> {
    value.as_str().ok_or(JsonError::Type { field, wanted: "a string" })
}

fn base64_bytes(value: &Value, field: &'static str) -> Result<Bytes, JsonError> {
    let decoded = STANDARD.decode(string(value, field)?);
    decoded.map(Bytes::from).map_err(|_| JsonError::Type { field, wanted: "base64" })
}

impl JsonValue for bool {
    fn to_json(&self, _version: i16) -> Result<Value, JsonError> {
        Ok(Value::from(*self))
    }

    fn from_json(value: &Value, _version: i16, name: &'static str) -> Result<Self, JsonError> {
        value.as_bool().ok_or(JsonError::Type { field: name, wanted: "true or false" })
    }
}

impl JsonValue for i8 {
    fn to_json(&self, _version: i16) -> Result<Value, JsonError> {
        Ok(Value::from(*self))
    }

    fn from_json(value: &Value, _version: i16, name: &'static str) -> Result<Self, JsonError> {
        integer(value, name)
    }
}

impl JsonValue for i16 {
    fn to_json(&self, _version: i16) -> Result<Value, JsonError> {
        Ok(Value::from(*self))
    }

    fn from_json(value: &Value, _version: i16, name: &'static str) -> Result<Self, JsonError> {
        integer(value, name)
    }
}

impl JsonValue for u16 {
    fn to_json(&self, _version: i16) -> Result<Value, JsonError> {
        Ok(Value::from(*self))
    }

    fn from_json(value: &Value, _version: i16, name: &'static str) -> Result<Self, JsonError> {
        integer(value, name)
    }
}

impl JsonValue for i32 {
    fn to_json(&self, _version: i16) -> Result<Value, JsonError> {
        Ok(Value::from(*self))
    }

    fn from_json(value: &Value, _version: i16, name: &'static str) -> Result<Self, JsonError> {
        integer(value, name)
    }
}

impl JsonValue for i64 {
    fn to_json(&self, _version: i16) -> Result<Value, JsonError> {
        Ok(Value::from(*self))
    }

    fn from_json(value: &Value, _version: i16, name: &'static str) -> Result<Self, JsonError> {
        integer(value, name)
    }
}

impl JsonValue for f64 {
    /// JSON has no word for what is not a number, so that goes as text.
    fn to_json(&self, _version: i16) -> Result<Value, JsonError> {
        Ok(match *self {
            number if number.is_nan() => Value::from("NaN"),
            f64::INFINITY => Value::from("Infinity"),
            f64::NEG_INFINITY => Value::from("-Infinity"),
            number => Value::from(number),
        })
    }

    fn from_json(value: &Value, _version: i16, name: &'static str) -> Result<Self, JsonError> {
        value.as_f64().ok_or(JsonError::Type { field: name, wanted: "a number" })
    }
}

impl JsonValue for Uuid {
    fn to_json(&self, _version: i16) -> Result<Value, JsonError> {
        Ok(Value::from(self.to_string()))
    }

    fn from_json(value: &Value, _version: i16, name: &'static str) -> Result<Self, JsonError> {
        string(value, name)?.parse().map_err(|_| JsonError::Type { field: name, wanted: "an identifier" })
    }
}

impl JsonValue for Text {
    fn to_json(&self, _version: i16) -> Result<Value, JsonError> {
        Ok(Value::from(self.as_str()))
    }

    fn from_json(value: &Value, _version: i16, name: &'static str) -> Result<Self, JsonError> {
        string(value, name).map(Text::from)
    }
}

impl JsonValue for Bytes {
    fn to_json(&self, _version: i16) -> Result<Value, JsonError> {
        Ok(Value::from(STANDARD.encode(self)))
    }

    fn from_json(value: &Value, _version: i16, name: &'static str) -> Result<Self, JsonError> {
        base64_bytes(value, name)
    }
}

impl JsonValue for Records {
    fn to_json(&self, version: i16) -> Result<Value, JsonError> {
        self.clone().into_contiguous().to_json(version)
    }

    fn from_json(value: &Value, _version: i16, name: &'static str) -> Result<Self, JsonError> {
        base64_bytes(value, name).map(Records::from)
    }
}

impl<T: JsonValue> JsonValue for Option<T> {
    fn to_json(&self, version: i16) -> Result<Value, JsonError> {
        self.as_ref().map_or(Ok(Value::Null), |value| value.to_json(version))
    }

    fn from_json(value: &Value, version: i16, name: &'static str) -> Result<Self, JsonError> {
        if value.is_null() { Ok(None) } else { T::from_json(value, version, name).map(Some) }
    }
}

impl<T: JsonValue> JsonValue for Vec<T> {
    fn to_json(&self, version: i16) -> Result<Value, JsonError> {
        self.iter().map(|value| value.to_json(version)).collect::<Result<Vec<Value>, JsonError>>().map(Value::from)
    }

    fn from_json(value: &Value, version: i16, name: &'static str) -> Result<Self, JsonError> {
        let items = value.as_array().ok_or(JsonError::Type { field: name, wanted: "an array" })?;
        items.iter().map(|item| T::from_json(item, version, name)).collect()
    }
}
