//! Groups as tables for people.
//!
//! Pure but for the output; called by `group describe`.

use super::describe::Described;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, table};
use crate::cli::text;

/// Characters of an id or a name in a table.
const CELL_CHARACTERS_MAX: usize = 44;

/// Prints groups one after the other.
pub fn print(groups: &[Described], members: bool, output: &mut Output) -> Result<(), Failure> {
    for (index, group) in groups.iter().enumerate() {
        if index > 0 {
            output.line("")?;
        }
        output.line(heading(group))?;
        if members && !group.members.is_empty() {
            output.line("")?;
            print_members(group, output)?;
        }
        if !group.partitions.is_empty() {
            output.line("")?;
            print_partitions(group, output)?;
        }
    }
    Ok(())
}

/// `group billing (consumer, Stable): 3 members, uniform, epoch 7, coordinator 1, lag 120`
fn heading(group: &Described) -> String {
    let count = group.members.len();
    let plural = if count == 1 { "" } else { "s" };
    let assignor = if group.assignor.is_empty() { String::new() } else { format!(", {}", group.assignor) };
    let epoch = group.epoch.map_or(String::new(), |epoch| format!(", epoch {epoch}"));
    // Without a single commit there is nothing that the group could be behind of.
    let is_known = group.partitions.is_empty() || group.partitions.iter().any(|partition| partition.lag.is_some());
    let lag = if is_known { group.lag.to_string() } else { "unknown".to_owned() };
    let Described { group, kind, state, coordinator, .. } = group;
    format!(
        "group {group} ({kind}, {state}): {count} member{plural}{assignor}{epoch}, coordinator {coordinator}, lag {lag}"
    )
}

fn print_members(group: &Described, output: &mut Output) -> Result<(), Failure> {
    let mut rows = table(&["member", "instance", "client", "host", "partitions"]);
    for member in &group.members {
        rows.add_row([
            cell(Some(&member.member)),
            cell(member.instance.as_deref()),
            cell(Some(&member.client)),
            cell(Some(&member.host)),
            member.partitions.to_string(),
        ]);
    }
    output.table(&rows)
}

fn print_partitions(group: &Described, output: &mut Output) -> Result<(), Failure> {
    let number = |number: Option<i64>| number.map_or("-".to_owned(), |number| number.to_string());
    let mut rows = table(&["topic", "partition", "committed", "end", "lag", "member", "client", "host"]);
    for partition in &group.partitions {
        rows.add_row([
            partition.topic.clone(),
            partition.partition.to_string(),
            number(partition.committed),
            number(partition.end),
            number(partition.lag),
            cell(partition.member.as_deref()),
            cell(partition.client.as_deref()),
            cell(partition.host.as_deref()),
        ]);
    }
    output.table(&rows)
}

fn cell(name: Option<&str>) -> String {
    match name {
        None | Some("") => "-".to_owned(),
        Some(name) => text::shorten(text::escape(name.as_bytes()), CELL_CHARACTERS_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heading_tells_what_is_known() {
        let mut group = Described {
            group: "g".to_owned(),
            kind: "classic",
            state: "Empty".to_owned(),
            assignor: String::new(),
            epoch: None,
            coordinator: 1,
            lag: 3,
            members: Vec::new(),
            partitions: Vec::new(),
        };
        assert_eq!(heading(&group), "group g (classic, Empty): 0 members, coordinator 1, lag 3");
        group.assignor = "uniform".to_owned();
        group.epoch = Some(4);
        assert_eq!(heading(&group), "group g (classic, Empty): 0 members, uniform, epoch 4, coordinator 1, lag 3");
    }

    #[test]
    fn names_cannot_break_the_table() {
        assert_eq!(cell(None), "-");
        assert_eq!(cell(Some("a\nb")), "a\\nb");
    }
}
