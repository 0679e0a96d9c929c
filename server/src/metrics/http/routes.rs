//! What each path answers.
//!
//! On shard 0. The pages that gather from all shards are made one at a time, and not too often, so that whoever asks without end slows
//! himself alone.

use std::rc::Rc;

use bytes::Bytes;
use corelog_rt::sync::{Permit, Semaphore};
use corelog_rt::time;

use crate::broker::Broker;
use crate::limits::METRICS_PAUSE;
use crate::metrics::gather;
use crate::metrics::lag::LagSample;
use crate::metrics::page::CONTENT_TYPE;
use crate::metrics::report::{self, Facts};
use crate::metrics::sample::Bounds;

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
const OK: &str = "200 OK";
const UNAVAILABLE: &str = "503 Service Unavailable";

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The status line's number and words.
    pub status: &'static str,
    /// What the body is.
    pub content_type: &'static str,
    /// The body, in pieces.
    pub body: Vec<Bytes>,
}

/// Answers for one broker.
pub struct Routes {
    broker: Rc<Broker>,
    bounds: Bounds,
    started_ms: i64,
    /// Why the broker is not ready, if it is not.
    unready: Box<dyn Fn() -> Option<String>>,
    turn: Semaphore,
    health_turn: Semaphore,
}

impl Answer {
    /// A line of text.
    pub fn line(status: &'static str, line: &str) -> Answer {
        Answer { status, content_type: TEXT, body: vec![Bytes::from(format!("{line}\n"))] }
    }
}

impl Routes {
    /// The answers of this broker, which is ready once `unready` has no reason left.
    pub fn new(broker: Rc<Broker>, bounds: Bounds, unready: impl Fn() -> Option<String> + 'static) -> Routes {
        Routes {
            broker,
            bounds,
            started_ms: time::unix_ms(),
            unready: Box::new(unready),
            turn: Semaphore::new(1),
            health_turn: Semaphore::new(1),
        }
    }

    /// What `path` answers.
    pub async fn answer(&self, path: &str) -> Answer {
        match path {
            "/metrics" => self.metrics().await,
            "/health" => self.health().await,
            "/ready" => self.ready().await,
            "/segments" => self.segments().await,
            _ => Answer::line("404 Not Found", "there are /metrics, /segments, /health and /ready"),
        }
    }

    async fn metrics(&self) -> Answer {
        let turn = self.turn.acquire(1).await;
        let began = time::now();
        let shard = self.broker.shard();
        let gathered = match gather::samples(shard, self.bounds).await {
            Ok(samples) if samples.iter().all(|shard| shard.groups == 0) => Ok((samples, LagSample::default())),
            Ok(samples) => gather::lag(shard, self.bounds).await.map(|lag| (samples, lag)),
            Err(silent) => Err(silent),
        };
        let answer = match gathered {
            Ok((shards, lag)) => {
                let facts = Facts { started_ms: self.started_ms, bounds: self.bounds, gathered_in: began.elapsed() };
                let body = report::write(&self.broker, facts, shards, lag).await;
                Answer { status: OK, content_type: CONTENT_TYPE, body }
            }
            Err(silent) => Answer::line(UNAVAILABLE, &silent.to_string()),
        };
        pause(turn);
        answer
    }

    /// The segments of all logs, as JSON.
    async fn segments(&self) -> Answer {
        let turn = self.turn.acquire(1).await;
        let gathered = gather::segments(self.broker.shard()).await;
        let answer = match gathered.map(|rows| serde_json::to_vec(&rows)) {
            Ok(Ok(body)) => Answer { status: OK, content_type: JSON, body: vec![Bytes::from(body)] },
            Ok(Err(error)) => Answer::line("500 Internal Server Error", &error.to_string()),
            Err(silent) => Answer::line(UNAVAILABLE, &silent.to_string()),
        };
        pause(turn);
        answer
    }

    /// Whether every shard answers.
    async fn health(&self) -> Answer {
        let turn = self.health_turn.acquire(1).await;
        let answer = match gather::answers(self.broker.shard()).await {
            Ok(()) => Answer::line(OK, "every shard answers"),
            Err(silent) => Answer::line(UNAVAILABLE, &silent.to_string()),
        };
        drop(turn);
        answer
    }

    /// Whether every shard serves clients, and answers.
    async fn ready(&self) -> Answer {
        if let Some(reason) = (self.unready)() {
            return Answer::line(UNAVAILABLE, &reason);
        }
        let health = self.health().await;
        if health.status == OK { Answer::line(OK, "every shard serves") } else { health }
    }
}

/// The next one has its turn only after a while.
fn pause(turn: Permit) {
    corelog_rt::task::spawn(async move {
        time::sleep(METRICS_PAUSE).await;
        drop(turn);
    });
}
