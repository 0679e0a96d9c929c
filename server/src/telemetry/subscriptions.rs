//! Owns the client-metrics subscriptions in the form in which clients are matched.
//!
//! Made from the metadata image of the shard whenever a subscription changed; what the configs say is checked before they are stored.

use std::collections::{BTreeMap, BTreeSet};

use corelog_engine::config::client_match::{ClientAttribute, ClientPattern};
use corelog_engine::config::{ConfigMap, ConfigScope};
use corelog_engine::metadata::MetadataImage;

use crate::limits::SUBSCRIPTIONS_MAX;

/// The interval of a client that no subscription matches, and of subscriptions that do not name one.
pub const INTERVAL_MS_DEFAULT: i32 = 300_000;
/// Stands for every metric.
const EVERY_METRIC: &str = "*";

/// What is known of a client.
pub type ClientAttributes = BTreeMap<ClientAttribute, String>;

#[derive(Debug)]
struct Subscription {
    metrics: Vec<String>,
    interval_ms: i32,
    patterns: BTreeMap<ClientAttribute, ClientPattern>,
}

/// Every subscription.
#[derive(Debug, Default)]
pub struct Subscriptions {
    version: u64,
    all: Vec<Subscription>,
}

/// What one client is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Prefixes of metrics' names; the only one `*` for all.
    pub metrics: Vec<String>,
    /// How long the client waits between two pushes.
    pub interval_ms: i32,
}

impl Subscriptions {
    /// Which state of the configs this is.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Follows the image.
    pub fn refresh(&mut self, image: &MetadataImage) {
        let version = image.client_metrics_version();
        if version == self.version {
            return;
        }
        self.version = version;
        let names: Vec<_> = image.configured(ConfigScope::ClientMetrics).collect();
        if names.len() > SUBSCRIPTIONS_MAX {
            tracing::warn!("{} client-metrics subscriptions: only the first {SUBSCRIPTIONS_MAX} are used", names.len());
        }
        let configs = |name: &&std::sync::Arc<str>| image.configs(ConfigScope::ClientMetrics, name);
        self.all = names.iter().take(SUBSCRIPTIONS_MAX).map(configs).map(subscription).collect();
    }

    /// What a client is asked for.
    pub fn of(&self, client: &ClientAttributes) -> Asked {
        let fits = |subscription: &&Subscription| {
            let is_match = |(attribute, pattern): (&ClientAttribute, &ClientPattern)| match client.get(attribute) {
                Some(value) => pattern.matches(value),
                None => false,
            };
            subscription.patterns.iter().all(is_match)
        };
        let (mut metrics, mut interval_ms) = (BTreeSet::new(), INTERVAL_MS_DEFAULT);
        for subscription in self.all.iter().filter(fits) {
            metrics.extend(subscription.metrics.iter().cloned());
            interval_ms = interval_ms.min(subscription.interval_ms);
        }
        if metrics.contains(EVERY_METRIC) {
            metrics.retain(|metric| metric == EVERY_METRIC);
        }
        Asked { metrics: metrics.into_iter().collect(), interval_ms }
    }
}

fn subscription(configs: &ConfigMap) -> Subscription {
    let list = |name: &str| {
        let text = configs.get(name).map_or("", AsRef::as_ref);
        text.split(',').map(str::trim).filter(|element| !element.is_empty())
    };
    let patterns = list("match").filter_map(ClientPattern::parse).map(|pattern| (pattern.attribute, pattern));
    let interval_ms = configs.get("interval.ms").and_then(|text| text.trim().parse().ok());
    Subscription {
        metrics: list("metrics").map(str::to_owned).collect(),
        interval_ms: interval_ms.unwrap_or(INTERVAL_MS_DEFAULT),
        patterns: patterns.collect(),
    }
}
