//! Clients that come, push, come too early, and are too many.

use std::time::Duration;

use bytes::Bytes;
use corelog_engine::config::ConfigScope;
use corelog_engine::config::client_match::ClientAttribute;
use corelog_engine::metadata::{MetadataImage, MetadataRecord};
use corelog_protocol::Uuid;
use corelog_rt::time;

use super::clients::{Limits, Told};
use super::*;

const CLIENT: Uuid = Uuid([7; 16]);

struct World {
    image: MetadataImage,
    telemetry: Telemetry,
    now: time::Instant,
}

impl World {
    fn new(clients_max: usize, payloads_bytes_max: usize) -> World {
        let limits = Limits { clients_max, payloads_bytes_max, push_bytes_max: 100 };
        let telemetry = Telemetry { subscriptions: Subscriptions::default(), clients: Clients::new(limits) };
        World { image: MetadataImage::default(), telemetry, now: time::now() }
    }

    fn subscribe(&mut self, name: &str, config: &str, value: &str) {
        let record = MetadataRecord::Config {
            scope: ConfigScope::ClientMetrics,
            resource: name.into(),
            name: config.into(),
            value: Some(value.into()),
        };
        self.image.apply([&record]).expect("applies");
    }

    fn get(&mut self, id: Uuid) -> Result<Told, TelemetryError> {
        self.telemetry.subscriptions.refresh(&self.image);
        let attributes = ClientAttributes::from([(ClientAttribute::ClientId, "app".to_owned())]);
        self.telemetry.clients.get(id, attributes, &self.telemetry.subscriptions, self.now)
    }

    fn push(&mut self, id: Uuid, subscription_id: i32, bytes: usize, is_last: bool) -> Result<(), TelemetryError> {
        self.telemetry.subscriptions.refresh(&self.image);
        let push = Push { subscription_id, is_last, compression: 0, metrics: Bytes::from(vec![1; bytes]) };
        let attributes = ClientAttributes::new();
        self.telemetry.clients.push(id, attributes, &self.telemetry.subscriptions, &push, self.now)
    }

    fn pass(&mut self, milliseconds: u64) {
        self.now += Duration::from_millis(milliseconds);
    }
}

fn in_time(test: fn()) {
    corelog_rt::testing::run(move || async move { test() });
}

#[test]
fn a_client_is_asked_for_what_its_subscriptions_want_together() {
    in_time(|| {
        let mut world = World::new(10, 1000);
        world.subscribe("a", "metrics", "x.,y.");
        world.subscribe("a", "interval.ms", "2000");
        world.subscribe("b", "metrics", "y.,z.");
        world.subscribe("b", "interval.ms", "1000");
        world.subscribe("other", "metrics", "*");
        world.subscribe("other", "match", "client_id=nobody");
        let asked = world.get(CLIENT).expect("told").asked;
        assert_eq!((asked.metrics, asked.interval_ms), (vec!["x.".into(), "y.".into(), "z.".into()], 1000));
        world.subscribe("other", "match", "client_id=ap+");
        assert_eq!(world.get(CLIENT).expect("told anew").asked.metrics, ["*"]);
    });
}

#[test]
fn a_client_that_comes_too_early_is_refused() {
    in_time(|| {
        let mut world = World::new(10, 1000);
        world.subscribe("a", "interval.ms", "1000");
        let id = world.get(CLIENT).expect("told").subscription_id;
        assert_eq!(world.get(CLIENT), Err(TelemetryError::TooEarly));
        world.pass(1);
        assert_eq!(world.push(CLIENT, id, 1, false), Ok(()), "the first push may be early");
        assert_eq!(world.push(CLIENT, id, 1, false), Err(TelemetryError::TooEarly));
        world.pass(1000);
        assert_eq!(world.push(CLIENT, id, 1, false), Ok(()));
        assert_eq!(world.push(CLIENT, id, 1, true), Ok(()), "the last push may be early");
        world.pass(5000);
        assert_eq!(world.push(CLIENT, id, 1, false), Err(TelemetryError::Invalid), "it has said that it ends");
    });
}

#[test]
fn what_does_not_fit_the_subscription_is_refused() {
    in_time(|| {
        let mut world = World::new(10, 1000);
        world.subscribe("a", "interval.ms", "100");
        let id = world.get(CLIENT).expect("told").subscription_id;
        world.pass(100);
        assert_eq!(world.push(CLIENT, id.wrapping_add(1), 1, false), Err(TelemetryError::UnknownSubscription));
        world.pass(100);
        assert_eq!(world.push(CLIENT, id, 101, false), Err(TelemetryError::TooLarge));
        world.subscribe("a", "metrics", "x");
        world.pass(100);
        assert_eq!(world.push(CLIENT, id, 1, false), Err(TelemetryError::UnknownSubscription), "it was changed");
        assert!(world.telemetry.clients.payloads().next().is_none());
    });
}

#[test]
fn the_latest_push_of_each_client_is_kept_within_bounds() {
    in_time(|| {
        let mut world = World::new(3, 150);
        for number in 0..5_u8 {
            let id = Uuid([number + 1; 16]);
            let subscription = world.get(id).expect("told").subscription_id;
            world.pass(1);
            assert_eq!(world.push(id, subscription, 60, false), Ok(()));
        }
        assert_eq!(world.telemetry.clients.len(), 3);
        let mut kept: Vec<u8> = world.telemetry.clients.payloads().map(|(id, _, _)| id.0[0]).collect();
        kept.sort_unstable();
        assert_eq!(kept, [4, 5]);
        world.pass(300_000);
        let id = Uuid([5; 16]);
        let subscription = world.get(id).expect("told").subscription_id;
        world.pass(1);
        assert_eq!(world.push(id, subscription, 10, false), Ok(()));
        let bytes: Vec<usize> =
            world.telemetry.clients.payloads().map(|(_, _, payload)| payload.metrics.len()).collect();
        assert_eq!(bytes.iter().sum::<usize>(), 70);
    });
}
