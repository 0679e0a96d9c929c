//! Owns parsing: a config's text becomes a typed value, or the error that Kafka would give.
//!
//! Pure functions, called wherever a value enters: the server's settings, a change of configs, the replay of stored ones.

use std::fmt;

use super::definition::{ConfigDefinition, ConfigType};
use super::error::ConfigError;
use super::number::{parse_double, parse_integer, print_double, trim};

/// A parsed value. `Display` prints it as Kafka does in `DescribeConfigs`.
#[derive(Clone, Debug, PartialEq)]
pub enum ConfigValue {
    /// Of type boolean.
    Boolean(bool),
    /// Of type short, int or long.
    Integer(i64),
    /// Of type double.
    Double(f64),
    /// Of type string or class.
    Text(String),
    /// Of type list.
    List(Vec<String>),
    /// Of type password.
    Password(String),
}

impl ConfigValue {
    /// The number, if it is one of the integer types.
    pub fn as_integer(&self) -> Option<i64> {
        if let ConfigValue::Integer(value) = self { Some(*value) } else { None }
    }

    /// The number, if it is of type double.
    pub fn as_double(&self) -> Option<f64> {
        if let ConfigValue::Double(value) = self { Some(*value) } else { None }
    }

    /// The boolean, if it is one.
    pub fn as_boolean(&self) -> Option<bool> {
        if let ConfigValue::Boolean(value) = self { Some(*value) } else { None }
    }

    /// The list, if it is one.
    pub fn as_list(&self) -> Option<&[String]> {
        if let ConfigValue::List(value) = self { Some(value) } else { None }
    }

    /// The text, if it is a string or a class name.
    pub fn as_text(&self) -> Option<&str> {
        if let ConfigValue::Text(value) = self { Some(value) } else { None }
    }
}

impl fmt::Display for ConfigValue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigValue::Boolean(value) => value.fmt(out),
            ConfigValue::Integer(value) => value.fmt(out),
            ConfigValue::Double(value) => print_double(*value).fmt(out),
            ConfigValue::Text(value) => value.fmt(out),
            ConfigValue::List(values) => values.join(",").fmt(out),
            ConfigValue::Password(_) => "[hidden]".fmt(out),
        }
    }
}

/// Parses and validates `text` as a value of `config`.
pub fn parse(config: &ConfigDefinition, text: &str) -> Result<ConfigValue, ConfigError> {
    let value = read(config, text)?;
    config.valid.check(config.name, value)
}

fn read(config: &ConfigDefinition, text: &str) -> Result<ConfigValue, ConfigError> {
    let trimmed = trim(text);
    let not_a_number =
        || ConfigError::invalid(config.name, text, format!("Not a number of type {}", config.kind.kafka_name()));
    Ok(match config.kind {
        ConfigType::Boolean if trimmed.eq_ignore_ascii_case("true") => ConfigValue::Boolean(true),
        ConfigType::Boolean if trimmed.eq_ignore_ascii_case("false") => ConfigValue::Boolean(false),
        ConfigType::Boolean => {
            return Err(ConfigError::invalid(config.name, text, "Expected value to be either true or false"));
        }
        ConfigType::Int => ConfigValue::Integer(parse_integer::<i32>(trimmed).ok_or_else(not_a_number)?.into()),
        ConfigType::Short => ConfigValue::Integer(parse_integer::<i16>(trimmed).ok_or_else(not_a_number)?.into()),
        ConfigType::Long => ConfigValue::Integer(parse_integer::<i64>(trimmed).ok_or_else(not_a_number)?),
        ConfigType::Double => ConfigValue::Double(parse_double(trimmed).ok_or_else(not_a_number)?),
        ConfigType::String | ConfigType::Class => ConfigValue::Text(trimmed.to_owned()),
        ConfigType::Password => ConfigValue::Password(trimmed.to_owned()),
        ConfigType::List if trimmed.is_empty() => ConfigValue::List(Vec::new()),
        ConfigType::List => ConfigValue::List(trimmed.split(',').map(|element| trim(element).to_owned()).collect()),
    })
}
