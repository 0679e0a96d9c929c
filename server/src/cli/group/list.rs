//! `corelog group list`.
//!
//! Runs on the tool's shard.

use serde::Serialize;

use super::arguments::GroupListArguments;
use crate::cli::client::cluster::Cluster;
use crate::cli::client::groups;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, table};

/// One group of the list.
#[derive(Debug, Serialize)]
struct Listed {
    group: String,
    #[serde(rename = "type")]
    kind: String,
    state: String,
    protocol: String,
}

/// Prints the groups by name.
pub async fn list(cluster: &mut Cluster, arguments: &GroupListArguments, output: &mut Output) -> Result<(), Failure> {
    let found = groups::list(cluster, &arguments.states, &arguments.types).await?;
    let mut groups: Vec<Listed> = found
        .into_iter()
        .map(|group| Listed {
            group: group.group_id.to_string(),
            kind: group.group_type.to_string(),
            state: group.group_state.to_string(),
            protocol: group.protocol_type.to_string(),
        })
        .collect();
    groups.sort_by(|left, right| left.group.cmp(&right.group));
    if arguments.json {
        return output.json(&groups);
    }
    if groups.is_empty() {
        return output.line("there are no such groups");
    }
    let mut rows = table(&["group", "type", "state", "protocol"]);
    for group in &groups {
        let protocol = if group.protocol.is_empty() { "-" } else { &group.protocol };
        rows.add_row([&group.group, &group.kind, &group.state, protocol]);
    }
    output.table(&rows)
}
