//! Owns the patterns by which members subscribe to topics: checking one, and finding the topics that whole patterns match.
//!
//! Matching takes time linear in the name, and what a pattern compiles to is bounded, so a hostile pattern costs no more than its
//! length. Checking runs on the coordinator's shard within a request; finding topics runs there too, in slices, as a
//! [`Resolution`]. Nothing here waits.

use std::collections::{BTreeMap, BTreeSet};

use corelog_protocol::Text;
use regex::bytes::{Regex, RegexBuilder};

use super::re2::{SyntaxError, translate};
use super::topology::Topology;

/// Bytes of a pattern's text at most.
pub const PATTERN_BYTES_MAX: usize = 64 * 1024;
/// Bytes that a compiled pattern takes at most.
const PROGRAM_BYTES_MAX: usize = 512 * 1024;
/// Bytes of what a match remembers of a program at most.
const CACHE_BYTES_MAX: usize = 1 << 20;
/// How deep groups may lie in each other.
const NESTING_MAX: u32 = 200;

/// A pattern that compiled.
#[derive(Debug)]
pub struct Pattern(Regex);

impl Pattern {
    /// Compiles a pattern of RE2's syntax.
    ///
    /// # Errors
    /// When it is no such pattern, or larger than is allowed.
    pub fn compile(pattern: &str) -> Result<Pattern, SyntaxError> {
        if pattern.len() > PATTERN_BYTES_MAX {
            return Err(SyntaxError::Size);
        }
        let whole = format!("\\A(?:{})\\z", translate(pattern)?);
        let compiled = RegexBuilder::new(&whole)
            .size_limit(PROGRAM_BYTES_MAX)
            .dfa_size_limit(CACHE_BYTES_MAX)
            .nest_limit(NESTING_MAX)
            .build();
        compiled.map(Pattern).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => SyntaxError::Size,
            _ => SyntaxError::Class,
        })
    }

    /// Whether it matches all of a name.
    pub fn matches(&self, name: &str) -> bool {
        self.0.is_match(name.as_bytes())
    }
}

/// Patterns of a group that are to be resolved against the names of all topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolutionRequest {
    /// The patterns.
    pub patterns: BTreeSet<Text>,
    /// The revision of the topics when this was asked.
    pub revision: i64,
}

/// The topics that each pattern matched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// The topics of each pattern.
    pub topics: BTreeMap<Text, BTreeSet<Text>>,
    /// The revision of the topics when the work began: what is created later is looked at next time.
    pub revision: i64,
}

/// The work of resolving patterns, in slices: call [`Resolution::step`] until it says that it is done.
#[derive(Debug)]
pub struct Resolution {
    left: BTreeSet<Text>,
    current: Option<Current>,
    resolved: Resolved,
}

/// The pattern that is being resolved.
#[derive(Debug)]
struct Current {
    text: Text,
    pattern: Pattern,
    topics: BTreeSet<Text>,
    /// The last name that was looked at.
    after: Option<Text>,
}

impl Resolution {
    /// The work that a request asks for.
    pub fn new(request: ResolutionRequest) -> Resolution {
        let resolved = Resolved { topics: BTreeMap::new(), revision: request.revision };
        Resolution { left: request.patterns, current: None, resolved }
    }

    /// Compiles a pattern, or looks at `name_count_max` names at most; whether nothing is left to do.
    pub fn step(&mut self, topology: &dyn Topology, name_count_max: usize) -> bool {
        let Some(mut current) = self.current.take() else { return self.begin() };
        let names = topology.names_after(current.after.as_deref(), name_count_max);
        let Some(last) = names.last().cloned() else {
            self.resolved.topics.insert(current.text, current.topics);
            return self.left.is_empty();
        };
        current.topics.extend(names.into_iter().filter(|name| current.pattern.matches(name)));
        current.after = Some(last);
        self.current = Some(current);
        false
    }

    /// Compiles the next pattern. One that does not compile, which only an older version can have accepted, matches nothing.
    fn begin(&mut self) -> bool {
        let Some(text) = self.left.pop_first() else { return true };
        match Pattern::compile(&text) {
            Ok(pattern) => self.current = Some(Current { text, pattern, topics: BTreeSet::new(), after: None }),
            Err(error) => {
                tracing::warn!(pattern = %text, %error, "a stored pattern is refused and matches nothing");
                self.resolved.topics.insert(text, BTreeSet::new());
            }
        }
        false
    }

    /// What came of it.
    pub fn finish(self) -> Resolved {
        self.resolved
    }
}
