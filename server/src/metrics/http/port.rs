//! Owns the metrics port: accepting, reading a head, answering, closing.
//!
//! On shard 0, one task per address and one per connection. A connection has one request, a bounded head, and a bounded time; beyond as many
//! as there may be, further ones are closed at once.

use std::io;
use std::rc::Rc;

use bytes::{Bytes, BytesMut};
use corelog_rt::net::{Accepted, Listener, ReadHalf, Stream, WriteHalf};
use corelog_rt::sync::Semaphore;
use corelog_rt::task::{self, JoinHandle};
use corelog_rt::time;

use super::head::{self, HEAD_BYTES_MAX, Head, Refused};
use super::routes::{Answer, Routes};
use crate::limits::{
    ACCEPT_PAUSE, METRICS_CONNECTIONS_MAX, METRICS_FAREWELL, METRICS_REQUEST_TIME_MAX, METRICS_SEND_TIME_MAX,
};

/// The open metrics port.
pub struct Port {
    listeners: Vec<Rc<Listener>>,
    accepting: Vec<JoinHandle<()>>,
    places: Semaphore,
}

impl Port {
    /// Serves `routes` on the listeners.
    pub fn serve(listeners: Vec<Rc<Listener>>, routes: &Rc<Routes>) -> Port {
        let places = Semaphore::new(METRICS_CONNECTIONS_MAX);
        let accept =
            |listener: &Rc<Listener>| task::spawn(accept(Rc::clone(listener), Rc::clone(routes), places.clone()));
        let accepting = listeners.iter().map(accept).collect();
        Port { listeners, accepting, places }
    }

    /// Takes no more requests, and waits a moment for those that are there.
    pub async fn close(self) {
        for listener in &self.listeners {
            listener.stop();
        }
        for accepting in self.accepting {
            accepting.await;
        }
        // Whoever is slower than this ends with the process.
        let _ = time::timeout(METRICS_FAREWELL, self.places.acquire(METRICS_CONNECTIONS_MAX)).await;
    }
}

async fn accept(listener: Rc<Listener>, routes: Rc<Routes>, places: Semaphore) {
    loop {
        match listener.accept().await {
            Ok(accepted) => admit(accepted, &routes, &places),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => return,
            Err(error) => {
                tracing::warn!(listener = %listener.local_addr(), "accepting a connection failed: {error}");
                time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn admit(accepted: Accepted, routes: &Rc<Routes>, places: &Semaphore) {
    let Some(place) = places.try_acquire(1) else { return };
    let peer = accepted.peer();
    let Ok(stream) = accepted.bind() else { return };
    let routes = Rc::clone(routes);
    task::spawn(async move {
        if let Err(error) = serve(stream, &routes).await {
            tracing::debug!(%peer, "metrics: {error}");
        }
        drop(place);
    });
}

/// One request and its answer.
async fn serve(stream: Stream, routes: &Routes) -> io::Result<()> {
    let (mut read, mut write) = stream.split();
    let head = match time::timeout(METRICS_REQUEST_TIME_MAX, receive(&mut read)).await {
        Ok(head) => head?,
        Err(_) => return Err(io::ErrorKind::TimedOut.into()),
    };
    let (answer, is_head) = match head {
        None => return Ok(()),
        Some(Ok(Head { path, is_head })) => (routes.answer(&path).await, is_head),
        Some(Err(refused)) => (Answer::line(refused.status(), &refused.to_string()), false),
    };
    let sending = send(&mut write, answer, is_head);
    time::timeout(METRICS_SEND_TIME_MAX, sending).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
    // What the other end still says is read, or the kernel would take the answer back.
    let _ = time::timeout(METRICS_FAREWELL, drain(&mut read)).await;
    write.shutdown();
    Ok(())
}

/// Reads a head; none where the other end went away before.
async fn receive(read: &mut ReadHalf) -> io::Result<Option<Result<Head, Refused>>> {
    let mut buffer = BytesMut::with_capacity(HEAD_BYTES_MAX);
    loop {
        if read.read(&mut buffer).await? == 0 {
            return Ok(None);
        }
        match head::read(&buffer) {
            Ok(None) => {}
            Ok(Some(head)) => return Ok(Some(Ok(head))),
            Err(refused) => return Ok(Some(Err(refused))),
        }
    }
}

async fn send(write: &mut WriteHalf, answer: Answer, is_head: bool) -> io::Result<()> {
    let bytes: usize = answer.body.iter().map(Bytes::len).sum();
    let head = format!(
        "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {bytes}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
        answer.status, answer.content_type,
    );
    let mut slices = vec![Bytes::from(head)];
    if !is_head {
        slices.extend(answer.body);
    }
    write.write_all(&mut slices).await?;
    write.finish()
}

async fn drain(read: &mut ReadHalf) {
    let mut left = HEAD_BYTES_MAX;
    while left > 0 {
        let mut buffer = BytesMut::with_capacity(left);
        match read.read(&mut buffer).await {
            Ok(bytes) if bytes > 0 => left = left.saturating_sub(bytes),
            _ => return,
        }
    }
}
