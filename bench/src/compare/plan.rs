//! What is compared: the systems, how each is started, and the workloads. Read from a YAML file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::workload::Workload;

/// A comparison.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Plan {
    /// Turns of each system under each workload.
    #[serde(default = "rounds_default")]
    pub rounds: usize,
    /// A turn is taken again if the host of a virtual machine took more of the cores meanwhile, in percent; five times at most.
    pub stolen_percent_max: Option<f64>,
    /// The systems; ratios are those of the first to each other.
    pub systems: Vec<System>,
    /// The workloads.
    pub workloads: Vec<NamedWorkload>,
}

/// A workload with its name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NamedWorkload {
    /// Its name in the report.
    pub name: String,
    /// What is done.
    #[serde(flatten)]
    pub workload: serde_json::Value,
}

impl NamedWorkload {
    /// The workload, with the defaults of the command line where it says nothing.
    ///
    /// # Errors
    /// Options that do not exist or have no such value.
    pub fn resolve(&self) -> Result<Workload, serde_json::Error> {
        serde_json::from_value(self.workload.clone())
    }
}

/// One system: commands that start it, or the address of one that runs. In commands `{dir}` stands for a new directory and `{port}` for
/// the port to listen on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct System {
    /// Its name in the report.
    pub name: String,
    /// Starts it and returns, or stays in the foreground: either way it must answer in time.
    pub start: Option<String>,
    /// Prints its process ids; without it, that of `start` is taken.
    pub pid: Option<String>,
    /// Stops it; without it, `start` is ended with SIGTERM.
    pub stop: Option<String>,
    /// Environment of these commands.
    pub environment: BTreeMap<String, String>,
    /// Port to listen on.
    pub port: Option<u16>,
    /// Address of one that runs already.
    pub address: Option<String>,
    /// Its processes.
    pub pids: Vec<u32>,
    /// Settings of its topics.
    pub topic_configs: BTreeMap<String, String>,
}

fn rounds_default() -> usize {
    5
}
