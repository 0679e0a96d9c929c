//! The layers that settings come from, and which one wins: flag, `--set`, environment, file, default.
//!
//! Runs once, before any shard exists; called by `cli::start`. It checks that
//! names exist //! and that values parse, never what they mean.

use std::path::{Path, PathBuf};

use super::error::{ConfigError, Origin};
use super::names::{self, Refused};
use super::properties;

/// What the environment variables of settings start with: `CORELOG_LOG_DIRS` sets `log.dirs`.
pub const ENVIRONMENT_PREFIX: &str = "CORELOG_";

/// Variables of the command line, which are no settings of the broker.
const ENVIRONMENT_RESERVED: [&str; 4] = ["CORELOG_CONFIG", "CORELOG_LOG_LEVEL", "CORELOG_COLOR", "CORELOG_BOOTSTRAP"];

/// One value and where it was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// As given.
    pub text: String,
    /// Where.
    pub origin: Origin,
}

/// The winning value of each name that somebody set, by its name in Kafka, in the order in which names came first.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    values: Vec<(String, Value)>,
}

impl Layers {
    /// No value set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the file at `path`. Within a file the last line of a name wins.
    pub fn add_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        #[expect(clippy::disallowed_methods, reason = "no runtime yet: this file says how many shards it has")]
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.into(), source })?;
        self.add_file_text(path, &text)
    }

    /// Adds `text` as if read from `path`.
    pub fn add_file_text(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        let properties = properties::parse(text).map_err(|source| ConfigError::Syntax { path: path.into(), source })?;
        for property in properties {
            let origin = Origin::File { path: PathBuf::from(path), line: property.line };
            self.add(&property.name, property.value.trim_end(), origin)?;
        }
        Ok(())
    }

    /// Adds those of `variables` that start with [`ENVIRONMENT_PREFIX`], sorted by name.
    pub fn add_environment(
        &mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(), ConfigError> {
        let mut variables: Vec<_> = variables.into_iter().collect();
        variables.sort();
        for (variable, value) in variables {
            let Some(suffix) = variable.strip_prefix(ENVIRONMENT_PREFIX) else { continue };
            if ENVIRONMENT_RESERVED.contains(&variable.as_str()) || is_service_link(suffix, &value) {
                continue;
            }
            let name = environment_name(suffix);
            self.add(&name, &value, Origin::Environment { variable })?;
        }
        Ok(())
    }

    /// Adds the `name=value` of a `--set`.
    pub fn add_set(&mut self, text: &str) -> Result<(), ConfigError> {
        let Some((name, value)) = text.split_once('=') else {
            return Err(ConfigError::NotAnAssignment { text: text.to_owned() });
        };
        self.add(name.trim(), value.trim(), Origin::Set)
    }

    /// Adds the value of a flag that stands for the setting `name`.
    pub fn add_flag(&mut self, flag: &'static str, name: &str, value: &str) -> Result<(), ConfigError> {
        self.add(name, value, Origin::Flag(flag))
    }

    /// The winning value of `name`, if somebody set it.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// All names that somebody set.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value))
    }

    fn add(&mut self, name: &str, value: &str, origin: Origin) -> Result<(), ConfigError> {
        match names::check(name, value) {
            Ok(()) => {}
            Err(Refused::UnknownName(nearest)) => {
                return Err(ConfigError::UnknownName { name: name.to_owned(), nearest, origin });
            }
            Err(Refused::BadValue(why)) => {
                return Err(ConfigError::BadValue { name: name.to_owned(), value: value.to_owned(), why, origin });
            }
        }
        let value = Value { text: value.to_owned(), origin };
        match self.values.iter_mut().find(|(known, _)| known == name) {
            Some((_, older)) if rank(&older.origin) > rank(&value.origin) => {}
            Some((_, older)) => *older = value,
            None => self.values.push((name.to_owned(), value)),
        }
        Ok(())
    }
}

fn rank(origin: &Origin) -> u8 {
    match origin {
        Origin::Default => 0,
        Origin::File { .. } => 1,
        Origin::Environment { .. } => 2,
        Origin::Set => 3,
        Origin::Flag(_) => 4,
    }
}

/// `LOG_DIRS` is `log.dirs`; `SHARDS` is `corelog.shards`, since Kafka has no `shards`.
fn environment_name(suffix: &str) -> String {
    let name = suffix.to_ascii_lowercase().replace('_', ".");
    let ours = format!("{}{name}", names::OUR_PREFIX);
    if !names::is_known(&name) && names::is_known(&ours) { ours } else { name }
}

/// Variables that Kubernetes and Docker put into every container when a service is called `corelog` or `corelog-...`.
fn is_service_link(suffix: &str, value: &str) -> bool {
    suffix.ends_with("SERVICE_HOST")
        || suffix.contains("SERVICE_PORT")
        || (suffix.ends_with("PORT") && value.contains("://"))
        || (suffix.contains("PORT_") && ["_TCP", "_UDP"].iter().any(|protocol| suffix.contains(protocol)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text<'layers>(layers: &'layers Layers, name: &str) -> &'layers str {
        &layers.get(name).unwrap().text
    }

    #[test]
    fn the_stronger_layer_wins_in_any_order() {
        let mut layers = Layers::new();
        layers.add_flag("--data", "log.dirs", "/flag").unwrap();
        layers.add_set("log.dirs=/set").unwrap();
        layers.add_set("num.partitions = 2").unwrap();
        layers.add_set("num.partitions=3").unwrap();
        let environment = [
            ("CORELOG_LOG_DIRS", "/environment"),
            ("CORELOG_NUM_PARTITIONS", "4"),
            ("CORELOG_NODE_ID", "5"),
            ("PATH", "/bin"),
        ];
        layers.add_environment(environment.map(|(name, value)| (name.to_owned(), value.to_owned()))).unwrap();
        let file = Path::new("server.properties");
        layers.add_file_text(file, "log.dirs=/file\nnode.id=6\nnum.partitions=7\nmessage.max.bytes=8 \n").unwrap();
        assert_eq!(text(&layers, "log.dirs"), "/flag");
        assert_eq!(text(&layers, "num.partitions"), "3");
        assert_eq!(text(&layers, "node.id"), "5");
        assert_eq!(text(&layers, "message.max.bytes"), "8");
        assert_eq!(layers.get("message.max.bytes").unwrap().origin, Origin::File { path: file.into(), line: 4 });
    }

    #[test]
    fn our_names_need_no_second_prefix_in_the_environment() {
        let mut layers = Layers::new();
        layers.add_environment([("CORELOG_SHARDS".to_owned(), "2".to_owned())]).unwrap();
        layers.add_environment([("CORELOG_CORELOG_MEMORY_BYTES".to_owned(), "3".to_owned())]).unwrap();
        assert_eq!(text(&layers, "corelog.shards"), "2");
        assert_eq!(text(&layers, "corelog.memory.bytes"), "3");
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_nearest_and_its_place() {
        let mut layers = Layers::new();
        let error = layers.add_file_text(Path::new("f"), "\nlog.dir.s=/x").unwrap_err().to_string();
        assert_eq!(error, "unknown setting \"log.dir.s\" (f, line 2); did you mean \"log.dirs\"?");
        let error = layers.add_environment([("CORELOG_LOG_DIRZ".to_owned(), String::new())]).unwrap_err().to_string();
        assert!(error.contains("environment variable CORELOG_LOG_DIRZ"), "{error}");
        let error = layers.add_set("corelog.shard=1").unwrap_err().to_string();
        assert!(error.contains("did you mean \"corelog.shards\"?"), "{error}");
    }

    #[test]
    fn a_set_without_a_value_is_refused() {
        let error = Layers::new().add_set("node.id").unwrap_err().to_string();
        assert_eq!(error, "--set node.id: expected name=value");
    }

    #[test]
    fn service_links_of_an_orchestrator_are_no_settings() {
        let names = [
            "SERVICE_HOST",
            "SERVICE_PORT",
            "SERVICE_PORT_KAFKA",
            "PORT",
            "PORT_9092_TCP",
            "PORT_9092_TCP_ADDR",
            "BROKER_SERVICE_HOST",
        ];
        let mut layers = Layers::new();
        layers.add_environment(names.map(|name| (format!("CORELOG_{name}"), "tcp://10.0.0.1:9092".into()))).unwrap();
        assert_eq!(layers.iter().count(), 0);
    }
}
