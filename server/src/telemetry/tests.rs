//! Clients that come, push, come too early, and are too many.

use std::time::Duration;

use bytes::Bytes;
use corelog_engine::config::ConfigScope;
use corelog_engine::config::client_match::ClientAttribute;
use corelog_engine::metadata::{MetadataImage, MetadataRecord};
use corelog_protocol::Uuid;
use corelog_rt::time;

use super::clients::{Limits, Told};
use super::otlp::tests::{gauge, pushed};
use super::*;

const CLIENT: Uuid = Uuid([7; 16]);

struct World {
    image: MetadataImage,
    telemetry: Telemetry,
    now: time::Instant,
}

impl World {
    fn new(clients_max: usize, figures_bytes_max: usize) -> World {
        let limits = Limits { clients_max, figures_bytes_max, push_bytes_max: 100 };
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
        self.push_bytes(id, Push { subscription_id, is_last, compression: 0, metrics: Bytes::from(vec![1; bytes]) })
    }

    fn push_gauge(&mut self, id: Uuid, subscription_id: i32, value: f64) -> Result<(), TelemetryError> {
        let metrics = Bytes::from(pushed(&[gauge("g", value)]));
        self.push_bytes(id, Push { subscription_id, is_last: false, compression: 0, metrics })
    }

    /// Each client that is told of, with its first number.
    fn told(&self) -> Vec<(Uuid, f64)> {
        let clients = &self.telemetry.clients;
        let first = |id| Some((id, clients.figures(id, self.now)?.1.iter().next()?.2.value));
        clients.ids().into_iter().filter_map(first).collect()
    }

    #[expect(clippy::needless_pass_by_value, reason = "made for this call")]
    fn push_bytes(&mut self, id: Uuid, push: Push) -> Result<(), TelemetryError> {
        self.telemetry.subscriptions.refresh(&self.image);
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
        assert_eq!(world.telemetry.clients.pushes(), (0, 0));
    });
}

#[test]
fn numbers_of_clients_are_kept_within_bounds() {
    in_time(|| {
        let bytes_of_one = 1 + "node=1".len() + 128;
        let mut world = World::new(3, 2 * bytes_of_one);
        for number in 0..5_u8 {
            let id = Uuid([number + 1; 16]);
            let subscription = world.get(id).expect("told").subscription_id;
            world.pass(1);
            assert_eq!(world.push_gauge(id, subscription, f64::from(number)), Ok(()));
        }
        assert_eq!(world.telemetry.clients.len(), 3);
        let kept = |world: &World| {
            let mut kept: Vec<u8> = world.told().into_iter().map(|(id, _)| id.0[0]).collect();
            kept.sort_unstable();
            kept
        };
        assert_eq!(kept(&world), [4, 5]);
        assert_eq!(world.telemetry.clients.memory_in_use().used, 2 * bytes_of_one as u64);
        world.pass(300_000);
        let id = Uuid([5; 16]);
        let subscription = world.get(id).expect("told").subscription_id;
        world.pass(1);
        assert_eq!(world.push_gauge(id, subscription, 7.0), Ok(()));
        assert!(world.told().contains(&(id, 7.0)));
        world.pass(3 * 300_000 - 1);
        assert_eq!(kept(&world), [5], "the other one has not pushed for three intervals");
    });
}

#[test]
fn a_push_that_is_no_otlp_is_taken_and_counted() {
    in_time(|| {
        let mut world = World::new(3, 1000);
        world.subscribe("a", "interval.ms", "1000");
        let id = world.get(CLIENT).expect("told").subscription_id;
        world.pass(1);
        assert_eq!(world.push(CLIENT, id, 5, false), Ok(()));
        assert_eq!(world.telemetry.clients.pushes(), (1, 1));
        assert!(world.told().is_empty());
    });
}
