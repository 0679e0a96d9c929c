//! The levels of the process's logs, which administrators see and change while it runs: Kafka's broker loggers.
//!
//! Installed once by the command line, where the logs are set up; a process without them has no loggers. The levels live in
//! the filter of the logs, so what is shown is what holds.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use tracing_subscriber::filter::{EnvFilter, LevelFilter};

/// The logger that the others take their level from where they have none.
pub const ROOT: &str = "root";
/// The others: the crates of the broker.
const LOGGERS: [&str; 5] = ["corelog", "corelog_engine", "corelog_protocol", "corelog_rt", "corelog_tuning"];
/// Kafka's names of levels. Its highest is above all of ours, so it lets through what the next one does.
const LEVELS: [(&str, LevelFilter); 6] = [
    ("TRACE", LevelFilter::TRACE),
    ("DEBUG", LevelFilter::DEBUG),
    ("INFO", LevelFilter::INFO),
    ("WARN", LevelFilter::WARN),
    ("ERROR", LevelFilter::ERROR),
    ("FATAL", LevelFilter::ERROR),
];

static INSTALLED: OnceLock<LogLevels> = OnceLock::new();

/// Changes the filter of the logs.
type Modify = dyn Fn(&mut dyn FnMut(&mut EnvFilter)) + Send + Sync;

/// The levels of the process's logs.
pub struct LogLevels {
    modify: Box<Modify>,
}

impl fmt::Debug for LogLevels {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("LogLevels").finish_non_exhaustive()
    }
}

/// Makes the levels known to the process. Only the first call counts, as with the logs themselves.
pub fn install(modify: impl Fn(&mut dyn FnMut(&mut EnvFilter)) + Send + Sync + 'static) {
    // A second set of logs does not come into force either.
    let _ = INSTALLED.set(LogLevels { modify: Box::new(modify) });
}

/// The levels of the process's logs; `None` where there are no logs.
pub fn installed() -> Option<&'static LogLevels> {
    INSTALLED.get()
}

/// Whether there is such a logger.
pub fn is_logger(name: &str) -> bool {
    name == ROOT || LOGGERS.contains(&name)
}

/// The level of this name, in upper case.
pub fn level(name: &str) -> Option<LevelFilter> {
    LEVELS.iter().find(|(level, _)| *level == name).map(|(_, level)| *level)
}

impl LogLevels {
    /// Every logger with the name of its level.
    pub fn all(&self) -> BTreeMap<&'static str, &'static str> {
        let mut directives = String::new();
        (self.modify)(&mut |filter| directives = filter.to_string());
        levels(&directives)
    }

    /// Sets a logger's level; `None` gives it the root's.
    pub fn set(&self, logger: &str, level: Option<LevelFilter>) {
        (self.modify)(&mut |filter| {
            let root = levels(&filter.to_string()).get(ROOT).and_then(|name| self::level(name));
            let level = level.or(root).unwrap_or(LevelFilter::INFO);
            let text = if logger == ROOT { level.to_string() } else { format!("{logger}={level}") };
            if let Ok(directive) = text.parse() {
                *filter = std::mem::take(filter).add_directive(directive);
            }
        });
    }
}

/// The loggers' levels in a filter's directives: `corelog_engine=debug,info`.
fn levels(directives: &str) -> BTreeMap<&'static str, &'static str> {
    let level_of = |wanted: &str| {
        directives.split(',').find_map(|directive| {
            let (target, level) = directive.rsplit_once('=').unwrap_or(("", directive));
            let level = level.trim().parse::<LevelFilter>().ok()?;
            (target.trim() == wanted).then_some(level)
        })
    };
    let root = level_of("").unwrap_or(LevelFilter::ERROR);
    let shown =
        |level: LevelFilter| LEVELS.iter().find(|(_, known)| *known == level).map_or("FATAL", |(name, _)| *name);
    let loggers = LOGGERS.into_iter().map(|logger| (logger, shown(level_of(logger).unwrap_or(root))));
    loggers.chain([(ROOT, shown(root))]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, RwLock};

    fn levels_of(directives: &str) -> LogLevels {
        let filter = Arc::new(RwLock::new(EnvFilter::new(directives)));
        LogLevels { modify: Box::new(move |work| work(&mut filter.write().expect("not poisoned"))) }
    }

    #[test]
    fn levels_are_those_of_the_filter() {
        let all = levels_of("corelog_engine=debug,warn").all();
        assert_eq!((all["corelog_engine"], all["corelog"], all[ROOT]), ("DEBUG", "WARN", "WARN"));
    }

    #[test]
    fn a_level_that_is_set_holds_until_it_is_taken_back() {
        let levels = levels_of("info");
        levels.set("corelog", Some(LevelFilter::TRACE));
        levels.set(ROOT, Some(LevelFilter::WARN));
        let all = levels.all();
        assert_eq!((all["corelog"], all["corelog_rt"], all[ROOT]), ("TRACE", "WARN", "WARN"));
        levels.set("corelog", None);
        assert_eq!(levels.all()["corelog"], "WARN");
    }

    #[test]
    fn levels_have_kafkas_names() {
        assert_eq!(level("FATAL"), Some(LevelFilter::ERROR));
        assert_eq!((level("debug"), level("OFF")), (None, None));
        assert!(is_logger("root") && is_logger("corelog") && !is_logger("kafka"));
    }
}
