//! Where a group's offsets are moved to, as its arguments or a file say.
//!
//! Pure but for the reading of the file; called once before a broker is asked.

use std::str::FromStr;

use super::arguments::GroupResetArguments;
use crate::cli::client::groups::Place;
use crate::cli::failure::Failure;

/// A topic, or some of its partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Name of the topic.
    pub topic: String,
    /// Its partitions; all if `None`.
    pub partitions: Option<Vec<i32>>,
}

impl FromStr for Selection {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((topic, partitions)) = text.split_once(':') else {
            return Ok(Self { topic: text.to_owned(), partitions: None });
        };
        let number = |text: &str| text.trim().parse().ok().filter(|&number: &i32| number >= 0);
        let numbers: Option<Vec<i32>> = partitions.split(',').map(number).collect();
        let numbers = numbers.ok_or("expected TOPIC or TOPIC:0,1,2")?;
        Ok(Self { topic: topic.to_owned(), partitions: Some(numbers) })
    }
}

/// Where the offsets are moved to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The first record there is.
    Earliest,
    /// After the last record.
    Latest,
    /// Where they are.
    Current,
    /// This offset.
    Offset(i64),
    /// So many records forth or back.
    Shift(i64),
    /// The first record at or after this time, in milliseconds since 1970.
    Time(i64),
    /// The first record that is at most so many milliseconds old.
    Age(i64),
    /// What a file says.
    Listed(Vec<(Place, i64)>),
}

/// The target that the arguments name; reads the file if that is where it stands.
pub fn of(arguments: &GroupResetArguments) -> Result<Target, Failure> {
    if let Some(path) = &arguments.from_file {
        #[expect(clippy::disallowed_methods, reason = "a tool reads its small input before its shard starts")]
        let text =
            std::fs::read_to_string(path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        let listed = parse_file(&text, &arguments.group)
            .map_err(|(line, what)| Failure::usage(format!("{}, line {line}: {what}", path.display())))?;
        return Ok(Target::Listed(listed));
    }
    let target = match arguments {
        GroupResetArguments { to_earliest: true, .. } => Some(Target::Earliest),
        GroupResetArguments { to_latest: true, .. } => Some(Target::Latest),
        GroupResetArguments { to_current: true, .. } => Some(Target::Current),
        GroupResetArguments { to_offset: Some(offset), .. } => Some(Target::Offset(*offset)),
        GroupResetArguments { shift_by: Some(count), .. } => Some(Target::Shift(*count)),
        GroupResetArguments { to_datetime: Some(timestamp_ms), .. } => Some(Target::Time(*timestamp_ms)),
        GroupResetArguments { by_duration: Some(age_ms), .. } => Some(Target::Age(*age_ms)),
        _ => None,
    };
    target.ok_or_else(|| Failure::usage("where to? See --help"))
}

/// Lines of `TOPIC,PARTITION,OFFSET`, or `GROUP,TOPIC,PARTITION,OFFSET` of which only those of `group` count.
fn parse_file(text: &str, group: &str) -> Result<Vec<(Place, i64)>, (usize, String)> {
    let mut listed = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let fields: Vec<&str> = line.split(',').map(|field| field.trim().trim_matches('"')).collect();
        let (topic, partition, offset) = match fields.as_slice() {
            [""] => continue,
            [of_group, ..] if fields.len() == 4 && *of_group != group => continue,
            [topic, partition, offset] | [_, topic, partition, offset] => (*topic, *partition, *offset),
            _ => return Err((index + 1, "expected TOPIC,PARTITION,OFFSET".to_owned())),
        };
        let partition = partition.parse().ok().filter(|&number: &i32| number >= 0);
        let offset = offset.parse().ok().filter(|&number: &i64| number >= 0);
        let (Some(partition), Some(offset)) = (partition, offset) else {
            return Err((index + 1, "partition and offset must be numbers from 0".to_owned()));
        };
        listed.push(((topic.to_owned(), partition), offset));
    }
    Ok(listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(topic: &str, partition: i32, offset: i64) -> (Place, i64) {
        ((topic.to_owned(), partition), offset)
    }

    #[test]
    fn selections_name_topics_and_partitions() {
        let selection = |partitions| Selection { topic: "t".to_owned(), partitions };
        assert_eq!("t".parse(), Ok(selection(None)));
        assert_eq!("t:0, 12".parse(), Ok(selection(Some(vec![0, 12]))));
        for text in ["t:", "t:x", "t:-1"] {
            assert!(text.parse::<Selection>().is_err(), "{text}");
        }
    }

    #[test]
    fn files_of_one_and_of_several_groups_are_read() {
        let text = "t,0,5\n\n \"u\" , 1 , 7\nmine,v,2,9\nother,v,2,1\n";
        assert_eq!(parse_file(text, "mine").unwrap(), [place("t", 0, 5), place("u", 1, 7), place("v", 2, 9)]);
    }

    #[test]
    fn wrong_lines_are_refused_with_their_number() {
        for text in ["t,0,1\nt,0", "t,0,1\nt,x,1", "t,0,1\nt,0,-1", "t,0,1\nmine,t,0,1,2"] {
            assert_eq!(parse_file(text, "mine").unwrap_err().0, 2, "{text}");
        }
    }
}
