//! What only the simulation can do: crashes, faults, partitions, and the same run twice.
#![cfg(sim)]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at what it did not expect")]

use bytes::{Bytes, BytesMut};
use corelog_rt::buffer::{ALIGNMENT, DirectBuffer};
use corelog_rt::fatal::{self, Reason};
use corelog_rt::file::{DirectFile, WriteMode};
use corelog_rt::net::{Listener, Stream};
use corelog_rt::sim::{Crash, Limits, Loss, Node, Outcome, Sim};
use corelog_rt::{dir, rand, signal, task, time};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

const BLOCK: u64 = ALIGNMENT as u64;
const SECTOR: usize = 512;

fn data() -> PathBuf {
    PathBuf::from("/sim/data")
}

fn filled(bytes: usize, value: u8) -> DirectBuffer {
    let mut buffer = DirectBuffer::unzeroed(bytes);
    buffer.fill(value);
    buffer
}

async fn write(file: &DirectFile, block: u64, value: u8) {
    file.write_at(filled(ALIGNMENT, value), block * BLOCK).await.0.unwrap();
}

async fn read(file: &DirectFile, block: u64) -> Bytes {
    file.read_at(block * BLOCK, ALIGNMENT).await.unwrap()
}

/// Everything at once: files, sockets, timers, tasks, chance.
async fn busy_work() -> u64 {
    let file = Rc::new(DirectFile::create(&data().join("segment"), 64 * BLOCK).await.unwrap());
    let listener = Rc::new(Listener::bind("0.0.0.0:0".parse().unwrap()).unwrap());
    let address = listener.local_addr();
    let mut tasks = Vec::new();
    for number in 0..8_u64 {
        let file = Rc::clone(&file);
        tasks.push(task::spawn(async move {
            let (mut reader, mut writer) = Stream::connect(address).await.unwrap().split();
            for _ in 0..5 {
                let block = rand::below(64);
                write(&file, block, number as u8).await;
                file.sync_data().await.unwrap();
                writer.write_all(&mut vec![read(&file, block).await]).await.unwrap();
                time::sleep(Duration::from_micros(rand::below(500))).await;
            }
            writer.finish().unwrap();
            let mut rest = BytesMut::with_capacity(10);
            reader.read(&mut rest).await.unwrap()
        }));
    }
    let mut sum = 0;
    for _ in 0..8 {
        let (mut reader, _writer) = listener.accept().await.unwrap().bind().unwrap().split();
        tasks.push(task::spawn(async move {
            let mut received = BytesMut::with_capacity(5 * ALIGNMENT);
            while reader.read(&mut received).await.unwrap() > 0 {
                received.reserve(1);
            }
            assert_eq!(received.len(), 5 * ALIGNMENT);
            received.iter().map(|byte| usize::from(*byte)).sum()
        }));
    }
    for task in tasks {
        sum += task.await as u64;
    }
    sum
}

#[test]
fn same_seed_leaves_the_same_trace() {
    let trace = |seed| {
        let sim = Sim::new(seed);
        let sum = sim.run(busy_work()).done();
        (sum, sim.trace_hash(), sim.elapsed())
    };
    let mut seen = BTreeSet::new();
    for seed in 0..20 {
        let first = trace(seed);
        assert_eq!(first, trace(seed), "seed {seed}");
        seen.insert(first.1);
    }
    assert_eq!(seen.len(), 20, "other seeds take other ways");
}

#[test]
fn virtual_time_costs_nothing() {
    let sim = Sim::new(1);
    sim.run(async {
        let start = time::now();
        let wall_ms = time::unix_ms();
        time::sleep(Duration::from_hours(10)).await;
        assert!(start.elapsed() >= Duration::from_hours(10));
        assert!(time::unix_ms() - wall_ms >= 36_000_000);
        Sim::current().jump_wall_clock(-1_000_000_000);
        assert!(time::unix_ms() < wall_ms);
        assert!(start.elapsed() < Duration::from_hours(11));
    })
    .done();
}

/// Which of the values that were written to a block can be seen after each of many power losses.
fn values_after_power_loss(loss: Loss, mode: WriteMode, sync_first: bool) -> BTreeSet<Vec<u8>> {
    let mut seen = BTreeSet::new();
    for seed in 0..200 {
        let sim = Sim::new(seed);
        sim.disk().set_loss(loss);
        let outcome = sim.run(async move {
            let file = DirectFile::create_with(&data().join("segment"), BLOCK, mode).await.unwrap();
            dir::sync(&data()).await.unwrap();
            write(&file, 0, 1).await;
            if sync_first {
                file.sync_data().await.unwrap();
            }
            write(&file, 0, 2).await;
            Sim::current().crash(Node::FIRST, Crash::PowerLoss);
        });
        assert_eq!(outcome, Outcome::Crashed(Crash::PowerLoss));
        let sectors = sim
            .run(async {
                let file = DirectFile::open(&data().join("segment")).await.unwrap();
                let block = read(&file, 0).await;
                let sectors = block.chunks(SECTOR).map(|sector| {
                    assert!(sector.iter().all(|byte| *byte == sector[0]), "a sector is never torn");
                    sector[0]
                });
                sectors.collect::<Vec<u8>>()
            })
            .done();
        seen.insert(sectors);
    }
    seen
}

#[test]
fn unsynced_writes_are_lost_torn_or_kept_and_synced_ones_stay() {
    let unsynced = values_after_power_loss(Loss::Random, WriteMode::Cached, false);
    for whole in [0, 1, 2] {
        assert!(unsynced.contains(&vec![whole; 8]), "{whole} can be all that is left");
    }
    assert!(unsynced.iter().any(|sectors| sectors.contains(&0) && sectors.contains(&2)), "a torn write");
    let synced = values_after_power_loss(Loss::Random, WriteMode::Cached, true);
    assert!(synced.iter().flatten().all(|value| *value == 1 || *value == 2), "what was synced never goes");
    assert!(synced.len() > 2);
    assert_eq!(values_after_power_loss(Loss::All, WriteMode::Cached, true), [vec![1; 8]].into());
    assert_eq!(values_after_power_loss(Loss::Nothing, WriteMode::Cached, false), [vec![2; 8]].into());
    assert_eq!(values_after_power_loss(Loss::All, WriteMode::Through, false), [vec![2; 8]].into());
}

#[test]
fn sync_covers_only_writes_complete_before_it() {
    let mut lost = 0;
    for seed in 0..300 {
        let sim = Sim::new(seed);
        sim.disk().set_loss(Loss::All);
        let late_was_done = Rc::new(Cell::new(false));
        let late = Rc::clone(&late_was_done);
        sim.run(async move {
            let file = Rc::new(DirectFile::create(&data().join("segment"), 2 * BLOCK).await.unwrap());
            dir::sync(&data()).await.unwrap();
            write(&file, 0, 1).await;
            let other = Rc::clone(&file);
            task::spawn(async move {
                write(&other, 1, 2).await;
                late.set(true);
            });
            task::yield_to_ready().await;
            file.sync_data().await.unwrap();
            Sim::current().crash(Node::FIRST, Crash::PowerLoss);
        });
        let (first, second) = sim
            .run(async {
                let file = DirectFile::open(&data().join("segment")).await.unwrap();
                (read(&file, 0).await[0], read(&file, 1).await[0])
            })
            .done();
        assert_eq!(first, 1);
        lost += u32::from(late_was_done.get() && second == 0);
    }
    assert!(lost > 0, "a write that overtakes the sync is not covered by it");
}

#[test]
fn kill_keeps_what_was_written() {
    let sim = Sim::new(3);
    let outcome = sim.run(async {
        let file = DirectFile::create(&data().join("segment"), BLOCK).await.unwrap();
        write(&file, 0, 9).await;
        Sim::current().crash(Node::FIRST, Crash::Kill);
    });
    assert_eq!(outcome, Outcome::Crashed(Crash::Kill));
    sim.run(async {
        let file = DirectFile::open(&data().join("segment")).await.unwrap();
        assert_eq!(read(&file, 0).await[0], 9);
    })
    .done();
}

#[test]
fn crash_at_every_step_leaves_a_small_file_old_or_new() {
    let work = |step: Option<u64>, seed| {
        let sim = Sim::new(seed);
        sim.run(async { dir::write_small(&data().join("state"), b"old").await.unwrap() }).done();
        if let Some(step) = step {
            sim.disk().crash_at_step(step);
        }
        let before = sim.disk().steps();
        let outcome = sim.run(async { dir::write_small(&data().join("state"), b"new").await.unwrap() });
        sim.disk().cancel_crash();
        let steps = sim.disk().steps() - before;
        let left = sim.run(async {
            assert_eq!(dir::list(&data()).await.unwrap(), ["state"], "unfinished files are not listed");
            dir::read_small(&data().join("state")).await.unwrap()
        });
        (outcome, left.done(), steps)
    };
    let (outcome, left, steps) = work(None, 1);
    assert_eq!((outcome, &left[..]), (Outcome::Done(()), &b"new"[..]));
    assert!(steps >= 4);
    let mut seen = BTreeSet::new();
    for step in 0..steps {
        for seed in 0..20 {
            let (outcome, left, _) = work(Some(step), seed);
            assert_eq!(outcome, Outcome::Crashed(Crash::PowerLoss), "step {step}");
            assert!(left == b"old" || left == b"new", "step {step} seed {seed}: {left:?}");
            seen.insert(left);
        }
    }
    assert_eq!(seen.len(), 2, "both happen");
}

#[test]
fn names_are_durable_after_a_directory_sync_and_may_be_lost_before() {
    let mut listings = BTreeSet::new();
    for seed in 0..100 {
        let sim = Sim::new(seed);
        sim.run(async {
            DirectFile::create(&data().join("a"), BLOCK).await.unwrap();
            dir::sync(&data()).await.unwrap();
            DirectFile::create(&data().join("b"), BLOCK).await.unwrap();
            dir::rename(&data().join("a"), &data().join("c")).await.unwrap();
            Sim::current().crash(Node::FIRST, Crash::PowerLoss);
        });
        listings.insert(sim.run(async { dir::list(&data()).await.unwrap() }).done());
    }
    let expected: BTreeSet<Vec<String>> =
        [vec!["a"], vec!["a", "b"], vec!["b", "c"]].map(|names| names.iter().map(ToString::to_string).collect()).into();
    assert_eq!(listings, expected, "changes of names keep their order");
}

#[test]
fn scheduled_faults_hit_the_operation_they_were_meant_for() {
    let sim = Sim::new(5);
    let disk = sim.disk();
    let faults = disk.clone();
    sim.run(async move {
        let file = DirectFile::create(&data().join("segment"), 4 * BLOCK).await.unwrap();
        faults.fail_write(1);
        faults.fail_sync(0);
        faults.fail_read(2);
        assert!(file.write_at(filled(ALIGNMENT, 1), 0).await.0.is_ok());
        let (result, buffer) = file.write_at(filled(ALIGNMENT, 1), 0).await;
        assert_eq!(result.unwrap_err().raw_os_error(), Some(5));
        assert_eq!(buffer.len(), ALIGNMENT, "the buffer comes back from a failed write too");
        assert!(file.sync_data().await.is_err());
        assert!(file.sync_data().await.is_ok());
        for expected in [true, true, false, true] {
            assert_eq!(file.read_at(0, ALIGNMENT).await.is_ok(), expected);
        }
        faults.decay(&data().join("segment"), 100, &[0x81]).unwrap();
        assert_eq!(read(&file, 0).await[100], 1 ^ 0x81);
        faults.corrupt_reads_per_million(1_000_000);
        let differing: u32 = read(&file, 1).await.iter().map(|byte| byte.count_ones()).sum();
        assert_eq!(differing, 1, "one bit of a block of zeroes");
    })
    .done();
    assert_eq!(disk.files(), [(data().join("segment"), 4 * BLOCK)]);
}

#[test]
fn full_disk_refuses_new_files_and_recovers() {
    let sim = Sim::new(6);
    let disk = sim.disk();
    disk.set_bytes_max(Some(10 * BLOCK));
    sim.run(async move {
        let first = data().join("first");
        drop(DirectFile::create(&first, 8 * BLOCK).await.unwrap());
        assert_eq!(dir::space(&data()).await.unwrap().free_bytes, 2 * BLOCK);
        let refused = DirectFile::create(&data().join("second"), 4 * BLOCK).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::StorageFull);
        assert_eq!(dir::list(&data()).await.unwrap(), ["first"], "a refused file leaves nothing");
        dir::remove(&first).await.unwrap();
        DirectFile::create(&data().join("second"), 4 * BLOCK).await.unwrap();
    })
    .done();
}

#[test]
fn fatal_exit_ends_the_process_with_its_reason() {
    let sim = Sim::new(7);
    let ran_on = Rc::new(Cell::new(false));
    let witness = Rc::clone(&ran_on);
    let outcome = sim.run(async move {
        task::spawn(async move {
            time::sleep(Duration::from_secs(1)).await;
            witness.set(true);
        });
        let _lock = dir::lock(&data()).unwrap();
        task::spawn(async { fatal::exit(Reason::DeviceSyncFailed, "no more") });
        std::future::pending::<()>().await;
    });
    assert_eq!(outcome, Outcome::Exited(Reason::DeviceSyncFailed, "no more".to_owned()));
    sim.run(async {
        time::sleep(Duration::from_secs(5)).await;
        dir::lock(&data()).unwrap();
    })
    .done();
    assert!(!ran_on.get(), "tasks die with their process");
}

#[test]
fn other_machines_are_reached_cut_off_and_crashed() {
    let sim = Sim::new(8);
    let server = sim.add_node();
    sim.run(async move {
        let sim = Sim::current();
        let end = sim.spawn_on(server, async {
            let listener = Listener::bind("0.0.0.0:9092".parse().unwrap()).unwrap();
            let (mut reader, mut writer) = listener.accept().await.unwrap().bind().unwrap().split();
            let mut buffer = BytesMut::with_capacity(100);
            while reader.read(&mut buffer).await.unwrap() > 0 {
                writer.write_all(&mut vec![buffer.split().freeze()]).await.unwrap();
                buffer.reserve(100);
            }
        });
        time::sleep(Duration::from_millis(1)).await;
        let refused = Stream::connect(server.address(1)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        let (mut reader, mut writer) = Stream::connect(server.address(9092)).await.unwrap().split();
        let mut answer = BytesMut::with_capacity(100);
        writer.write_all(&mut vec![Bytes::from_static(b"1")]).await.unwrap();
        assert_eq!(reader.read(&mut answer).await.unwrap(), 1);
        sim.partition(Node::FIRST, server);
        writer.write_all(&mut vec![Bytes::from_static(b"2")]).await.unwrap();
        let cut = time::timeout(Duration::from_secs(5), reader.read(&mut answer)).await;
        assert!(cut.is_err(), "nothing passes a cut");
        assert_eq!(Stream::connect(server.address(9092)).await.unwrap_err().kind(), ErrorKind::TimedOut);
        sim.heal(Node::FIRST, server);
        assert_eq!(reader.read(&mut answer).await.unwrap(), 1);
        assert_eq!(answer, b"12"[..], "what waited at the cut arrives");
        let waiting = task::spawn(async move { reader.read(&mut answer).await });
        sim.crash(server, Crash::PowerLoss);
        assert_eq!(waiting.await.unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert!(end.await.is_err(), "the process is gone");
    })
    .done();
}

#[test]
fn stuck_run_is_noticed() {
    let sim = Sim::new(9);
    assert_eq!(sim.run(std::future::pending::<()>()), Outcome::Stuck);
    sim.set_limits(Limits { time_max: Duration::from_mins(1), ..Limits::default() });
    let ticking = sim.run(async {
        loop {
            time::sleep(Duration::from_secs(1)).await;
        }
    });
    assert_eq!(ticking, Outcome::<()>::Stuck);
}

#[test]
fn order_of_ready_tasks_is_drawn() {
    let orders: BTreeSet<Vec<u32>> = (0..50)
        .map(|seed| {
            let order = Rc::new(RefCell::new(Vec::new()));
            let seen = Rc::clone(&order);
            let sim = Sim::new(seed);
            sim.run(async move {
                let tasks: Vec<_> = (0..3)
                    .map(|number| {
                        let seen = Rc::clone(&seen);
                        task::spawn(async move { seen.borrow_mut().push(number) })
                    })
                    .collect();
                for task in tasks {
                    task.await;
                }
            })
            .done();
            order.take()
        })
        .collect();
    assert_eq!(orders.len(), 6, "every order of three happens");
}

#[test]
fn termination_reaches_every_waiter() {
    let sim = Sim::new(10);
    sim.run(async {
        let waiters: Vec<_> = (0..3).map(|_| task::spawn(signal::termination())).collect();
        time::sleep(Duration::from_secs(1)).await;
        Sim::current().terminate();
        for waiter in waiters {
            waiter.await;
        }
        signal::termination().await;
    })
    .done();
}

#[test]
#[should_panic(expected = "the test's own panic")]
fn panic_of_any_task_ends_the_run() {
    Sim::new(11).run(async {
        task::spawn(async { panic!("the test's own panic") });
        std::future::pending::<()>().await;
    });
}

#[test]
fn write_under_way_at_a_crash_may_be_torn() {
    let mut torn = 0;
    for seed in 0..100 {
        let sim = Sim::new(seed);
        sim.run(async {
            let file = DirectFile::create(Path::new("/sim/data/segment"), BLOCK).await.unwrap();
            dir::sync(&data()).await.unwrap();
            Sim::current().disk().crash_at_step(0);
            write(&file, 0, 1).await;
        });
        let block = sim.run(async { read(&DirectFile::open(&data().join("segment")).await.unwrap(), 0).await }).done();
        torn += u32::from(block.contains(&0) && block.contains(&1));
    }
    assert!(torn > 20, "{torn}");
}
