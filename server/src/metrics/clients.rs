//! Metrics that clients pushed of themselves (KIP-714), told beside the broker's own, up to a bound.
//!
//! One metric for all gauges and one for all sums: the clients' own names are labels, so that nobody can make up a metric of ours.

use std::collections::BTreeMap;
use std::rc::Rc;

use corelog_engine::config::client_match::ClientAttribute;
use corelog_rt::{task, time};

use super::catalog as metric;
use super::page::Page;
use crate::broker::Broker;
use crate::limits::METRICS_CLIENTS_PER_SLICE;
use crate::telemetry::figures::Figure;

/// What a series is about; in this order, the first ones are told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    client_id: String,
    instance: String,
    software: String,
    version: String,
    metric: String,
    attributes: String,
}

/// What the clients of a shard pushed, or those of all.
#[derive(Clone, Debug, Default)]
pub struct ClientsSample {
    /// Numbers, by what they are about.
    pub told: BTreeMap<Subject, Figure>,
    /// Series that are not told.
    pub untold: u64,
    /// Clients that take part.
    pub clients: u64,
    /// Pushes that were taken.
    pub pushes: u64,
    /// Pushes among them that could not be read.
    pub unreadable: u64,
}

/// What the clients of this shard pushed, at most `told_max` series.
pub async fn take(broker: &Rc<Broker>, told_max: usize) -> ClientsSample {
    let mut sample = ClientsSample::default();
    let ids = {
        let telemetry = broker.telemetry();
        sample.clients = telemetry.clients.len() as u64;
        (sample.pushes, sample.unreadable) = telemetry.clients.pushes();
        telemetry.clients.ids()
    };
    let now = time::now();
    for slice in ids.chunks(METRICS_CLIENTS_PER_SLICE) {
        {
            let telemetry = broker.telemetry();
            for id in slice {
                let Some((attributes, figures)) = telemetry.clients.figures(*id, now) else { continue };
                let attribute = |name| attributes.get(&name).cloned().unwrap_or_default();
                let client = Subject {
                    client_id: attribute(ClientAttribute::ClientId),
                    instance: attribute(ClientAttribute::InstanceId),
                    software: attribute(ClientAttribute::SoftwareName),
                    version: attribute(ClientAttribute::SoftwareVersion),
                    metric: String::new(),
                    attributes: String::new(),
                };
                if sample.is_beyond(&client, told_max) {
                    sample.untold += figures.len() as u64;
                    continue;
                }
                for (metric, attributes, figure) in figures.iter() {
                    let subject = Subject { metric: metric.into(), attributes: attributes.into(), ..client.clone() };
                    sample.told.insert(subject, figure);
                    sample.keep_to(told_max);
                }
            }
        }
        task::yield_now().await;
    }
    sample
}

impl ClientsSample {
    /// Whether none of a client's series would be told.
    fn is_beyond(&self, client: &Subject, told_max: usize) -> bool {
        self.told.len() >= told_max && self.told.last_key_value().is_none_or(|(last, _)| last < client)
    }

    fn keep_to(&mut self, told_max: usize) {
        while self.told.len() > told_max {
            self.told.pop_last();
            self.untold += 1;
        }
    }

    /// Adds what another shard told.
    pub fn merge(&mut self, other: ClientsSample, told_max: usize) {
        // A client that moved to another shard is on both for a while; one of them is told.
        self.told.extend(other.told);
        self.untold += other.untold;
        self.clients += other.clients;
        self.pushes += other.pushes;
        self.unreadable += other.unreadable;
        self.keep_to(told_max);
    }
}

/// Writes the series of the clients.
pub async fn write(page: &mut Page, sample: &ClientsSample) {
    page.single(metric::CLIENTS, sample.clients as f64);
    page.single(metric::CLIENT_PUSHES, sample.pushes as f64);
    page.single(metric::CLIENT_PUSHES_UNREADABLE, sample.unreadable as f64);
    page.single(metric::CLIENT_SERIES_UNTOLD, sample.untold as f64);
    for (family, is_counter) in [(metric::CLIENT_GAUGE, false), (metric::CLIENT_SUM, true)] {
        page.begin(family);
        for (subject, figure) in sample.told.iter().filter(|(_, figure)| figure.is_counter == is_counter) {
            let labels = [
                ("metric", subject.metric.as_str()),
                ("client_id", &subject.client_id),
                ("client_instance_id", &subject.instance),
                ("client_software_name", &subject.software),
                ("client_software_version", &subject.version),
                ("attributes", &subject.attributes),
            ];
            page.value(&labels, figure.value);
            page.breathe().await;
        }
    }
}
