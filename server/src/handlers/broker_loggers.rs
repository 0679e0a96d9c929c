//! The configs of broker loggers, for the handlers of configs: one config for each logger, its level.
//!
//! They hold for the process and are gone when it ends, as in Kafka; the metadata knows nothing of them.

use corelog_engine::metadata::{AlterOperation, ConfigUpdate};
use corelog_protocol::ErrorCode;
use corelog_protocol::Text;
use corelog_protocol::messages::describe_configs_response::DescribeConfigsResourceResult;

use crate::broker::Broker;
use crate::log_levels;

/// Kafka's number for a config that comes from a logger.
const SOURCE_LOGGER: i8 = 6;

/// What may be wrong.
pub type Refusal = (ErrorCode, String);

/// The levels of the loggers.
pub fn describe(
    broker: &Broker,
    name: &str,
    with_documentation: bool,
) -> Result<Vec<DescribeConfigsResourceResult>, Refusal> {
    if name.is_empty() {
        return Err((ErrorCode::InvalidRequest, "Broker id must not be empty".to_owned()));
    }
    check_broker(broker, name)?;
    let levels = log_levels::installed().map(log_levels::LogLevels::all).unwrap_or_default();
    let shown = |(logger, level): (&'static str, &'static str)| DescribeConfigsResourceResult {
        name: Text::from_static(logger),
        value: Some(Text::from_static(level)),
        config_source: SOURCE_LOGGER,
        documentation: Some(if with_documentation {
            Text::from_static("The level of this logger.")
        } else {
            Text::default()
        }),
        ..Default::default()
    };
    Ok(levels.into_iter().map(shown).collect())
}

/// Changes levels, or only says whether it would: all of them or none.
pub fn alter(broker: &Broker, name: &str, updates: &[ConfigUpdate], validate_only: bool) -> Result<(), Refusal> {
    check_broker(broker, name)?;
    let mut changes = Vec::with_capacity(updates.len());
    for update in updates {
        let level = check(update)?;
        changes.push((update.name.as_str(), level));
    }
    if let Some(levels) = log_levels::installed().filter(|_| !validate_only) {
        for (logger, level) in changes {
            levels.set(logger, level);
            tracing::info!(
                "the level of logger {logger} was changed to {}",
                level.map_or("the root's".to_owned(), |level| level.to_string())
            );
        }
    }
    Ok(())
}

fn check(update: &ConfigUpdate) -> Result<Option<tracing::level_filters::LevelFilter>, Refusal> {
    let invalid = |why: String| Err((ErrorCode::InvalidRequest, why));
    let bad_config = |why: String| Err((ErrorCode::InvalidConfig, why));
    let logger = &update.name;
    let level = match (update.operation, &update.value) {
        (AlterOperation::Append | AlterOperation::Subtract, _) => {
            return invalid("A logger has one level: it can be set or deleted".to_owned());
        }
        (AlterOperation::Delete, _) => None,
        (AlterOperation::Set, None) => return invalid(format!("Null value not supported for : {logger}")),
        (AlterOperation::Set, Some(name)) => match log_levels::level(name) {
            Some(level) => Some(level),
            None => {
                return bad_config(format!(
                    "Logger {logger} cannot have the level {name}; there are DEBUG, ERROR, FATAL, INFO, TRACE, WARN"
                ));
            }
        },
    };
    if level.is_none() && logger == log_levels::ROOT {
        return invalid("The root logger must have a level".to_owned());
    }
    if log_levels::is_logger(logger) { Ok(level) } else { bad_config(format!("Logger {logger} does not exist!")) }
}

fn check_broker(broker: &Broker, name: &str) -> Result<(), Refusal> {
    let own = broker.node_id();
    let why = match name.parse::<i32>() {
        Ok(id) if broker.endpoints().node_id_of(id) == own => return Ok(()),
        Ok(id) => format!("Unexpected broker id, expected {own}, but received {id}"),
        Err(_) => format!("Broker id must be an integer, but it is: {name}"),
    };
    Err((ErrorCode::InvalidRequest, why))
}
