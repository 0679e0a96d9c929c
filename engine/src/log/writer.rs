//! Owns the way of commits to the device: writer tasks and syncer tasks.
//!
//! As many writers as commits may be in flight, each takes the next commit, writes it, reports it. Syncers cover what was written before
//! they began. Started by the log, end when it stops. A failed write or sync ends the process: nothing is ever retried, nothing acknowledged after.

use super::core::{Core, fail};
use super::prewriter::commits_came_nearer;
use super::queue::{SyncJob, WriteJob};
use corelog_rt::buffer::DirectBuffer;
use corelog_rt::fatal::Reason;
use corelog_rt::time;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};

/// Writes commits until the log stops.
pub(super) async fn write_commits(core: Rc<Core>, number: usize) {
    while let Some((job, buffer)) = poll_fn(|context| poll_write(&core, number, context)).await {
        let segment = Rc::clone(&job.place.segment);
        let taken = time::now();
        if let Some(began) = job.began {
            core.meters.queue_ns.record_duration(taken - began);
        }
        let mark = core.pace.mark();
        let (result, buffer) = segment.file.write_at(buffer, job.place.position).await;
        let took = taken.elapsed();
        core.meters.write_ns.record_duration(took);
        core.pace.committed(mark, took);
        if let Err(error) = result {
            fail(Reason::DeviceWriteFailed, &segment, &error);
        }
        commit_written(&core, job, buffer);
    }
}

fn poll_write(core: &Core, number: usize, context: &Context<'_>) -> Poll<Option<(WriteJob, DirectBuffer)>> {
    let (job, more) = {
        let mut queue = core.queue.borrow_mut();
        let job = if queue.has_write() { queue.take_write(time::unix_ms()) } else { None };
        (job, queue.has_write())
    };
    if more {
        core.signals.writers.wake_one();
    }
    if job.is_some() || core.stopping.get() {
        return Poll::Ready(job);
    }
    core.signals.writers.wait(number, context);
    Poll::Pending
}

pub(super) fn commit_written(core: &Core, job: WriteJob, buffer: DirectBuffer) {
    let commits = core.queue.borrow_mut().written(job, buffer);
    for commit in commits {
        let place = &commit.job.place;
        let sequence = place.sequence;
        let end = place.position + commit.bytes.len() as u64;
        place.segment.commit_written(sequence, end, commit.job.crc, commit.job.wall_ms);
        let bytes = commit.bytes.clone();
        core.meters.commit_bytes.record(bytes.len() as u64);
        core.tail.borrow_mut().add(place.segment.header.sequence, place.position, bytes, commit.held_bytes);
        if !commit.progress().is_empty() {
            core.observe(|observer| observer.written(commit.progress()));
        }
        core.queue.borrow_mut().await_sync(commit);
        core.written.reach(sequence);
        if core.options.durable_when_written() {
            core.became_durable(sequence);
        }
    }
    core.signals.syncers.wake_one();
    commits_came_nearer(core);
}

/// Syncs what was written until the log stops.
pub(super) async fn sync_commits(core: Rc<Core>, number: usize) {
    while let Some(job) = poll_fn(|context| poll_sync(&core, number, context)).await {
        let began = time::now();
        if let Err(error) = job.segment.file.sync_data().await {
            fail(Reason::DeviceSyncFailed, &job.segment, &error);
        }
        core.meters.sync_ns.record_duration(began.elapsed());
        core.became_durable(job.sequence);
    }
}

fn poll_sync(core: &Core, number: usize, context: &Context<'_>) -> Poll<Option<SyncJob>> {
    let job = core.queue.borrow_mut().take_sync();
    if job.is_some() || core.stopping.get() {
        return Poll::Ready(job);
    }
    core.signals.syncers.wait(number, context);
    Poll::Pending
}
