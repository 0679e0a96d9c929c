//! Keeps `CONFIGS.md` equal to the registry: the table that people read is the one that the broker obeys.
//!
//! `UPDATE_DOCS=1 cargo test -p corelog-engine --test config_table` writes it anew.
#![expect(clippy::disallowed_methods, reason = "a test of a file in the repository, outside any shard")]

use corelog_engine::config::{ConfigScope, Effect, UpdateMode, definitions};
use std::fmt::Write;
use std::path::Path;

const INTRODUCTION: &str = "# Configs

Every name that Apache Kafka 4.3.1 has is known here, with Kafka's type, default and checks; names that begin with `corelog.`, and
`write.caching`, are ours. A config that *acts* changes what the broker does. One that is *stored* is validated, kept and described
to whoever asks, and changes nothing: either it has no meaning in this design, or what it governs is not implemented yet.
";

fn table(out: &mut String, title: &str, scope: ConfigScope, effect: Effect) {
    let _ = write!(out, "\n## {title}\n\n| name | type | default | what it does |\n|---|---|---|---|\n");
    for config in definitions(scope) {
        if config.effect != effect || config.update == UpdateMode::Internal {
            continue;
        }
        let default = config.default_text().map_or(String::new(), |text| format!("`{text}`").replace("``", ""));
        let kind = config.kind.kafka_name().to_lowercase();
        let summary = config.summary.replace('|', "\\|");
        let _ = writeln!(out, "| `{}` | {kind} | {default} | {summary} |", config.name);
    }
}

#[test]
fn the_table_in_docs_is_the_registry() {
    let mut text = INTRODUCTION.to_owned();
    table(&mut text, "Broker configs that act", ConfigScope::Broker, Effect::Acts);
    table(&mut text, "Topic configs that act", ConfigScope::Topic, Effect::Acts);
    table(&mut text, "Topic configs that are stored", ConfigScope::Topic, Effect::Stored);
    table(&mut text, "Broker configs that are stored", ConfigScope::Broker, Effect::Stored);
    table(&mut text, "Group configs that are stored", ConfigScope::Group, Effect::Stored);
    table(&mut text, "Client-metrics configs that act", ConfigScope::ClientMetrics, Effect::Acts);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../CONFIGS.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &text).expect("CONFIGS.md is writable");
    }
    let committed = std::fs::read_to_string(&path).expect("CONFIGS.md is there");
    assert!(committed == text, "CONFIGS.md is not what the registry says: run with UPDATE_DOCS=1");
}
