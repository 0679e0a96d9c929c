//! Tasks, timers, queues and shards, on whichever backend is compiled in.

use corelog_rt::{mesh, rand, runtime, sync, task, testing, time};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[test]
fn timers_fire_in_order_and_never_early() {
    testing::run(|| async {
        let fired = Rc::new(RefCell::new(Vec::new()));
        let start = time::now();
        let sleepers: Vec<_> = [30_u64, 10, 20, 0]
            .into_iter()
            .map(|delay_ms| {
                let fired = Rc::clone(&fired);
                task::spawn(async move {
                    time::sleep(Duration::from_millis(delay_ms)).await;
                    assert!(start.elapsed() >= Duration::from_millis(delay_ms));
                    fired.borrow_mut().push(delay_ms);
                })
            })
            .collect();
        for sleeper in sleepers {
            sleeper.await;
        }
        assert_eq!(*fired.borrow(), [0, 10, 20, 30]);
        time::sleep_until(start).await;
        let deadline = time::now() + Duration::from_millis(5);
        time::sleep_until(deadline).await;
        assert!(time::now() >= deadline);
    });
}

#[test]
fn timeout_cuts_what_takes_too_long() {
    testing::run(|| async {
        let slow = time::timeout(Duration::from_millis(5), std::future::pending::<()>()).await;
        assert_eq!(slow, Err(time::Elapsed));
        assert_eq!(time::timeout(Duration::from_secs(5), async { 7 }).await, Ok(7));
    });
}

#[test]
fn yielding_lets_other_tasks_and_timers_run() {
    testing::run(|| async {
        let seen = Rc::new(Cell::new(false));
        let setter = Rc::clone(&seen);
        let timer = task::spawn(async move {
            time::sleep(Duration::from_millis(2)).await;
            setter.set(true);
        });
        let start = time::now();
        while !seen.get() {
            task::yield_now().await;
            assert!(start.elapsed() < Duration::from_secs(5), "the timer never ran");
        }
        timer.await;
        let ran = Rc::new(Cell::new(0));
        let count = Rc::clone(&ran);
        task::spawn(async move { count.set(count.get() + 1) });
        for _ in 0..3 {
            task::yield_to_ready().await;
        }
        assert_eq!(ran.get(), 1);
    });
}

#[test]
fn detached_task_runs_on() {
    testing::run(|| async {
        let notify = sync::Notify::new();
        let notified = notify.notified();
        let waker = notify.clone();
        drop(task::spawn(async move {
            time::sleep(Duration::from_millis(1)).await;
            waker.notify_all();
        }));
        notified.await;
    });
}

#[test]
fn full_queue_holds_the_sender_back() {
    testing::run(|| async {
        let (sender, mut receiver) = mesh::channel(2);
        let sent = Rc::new(Cell::new(0));
        let count = Rc::clone(&sent);
        let sending = task::spawn(async move {
            for value in 0..10 {
                sender.send(value).await.unwrap();
                count.set(value + 1);
            }
            assert!(matches!(sender.try_send(10), Err(mesh::TrySendError::Full(10)) | Ok(())));
        });
        time::sleep(Duration::from_millis(5)).await;
        assert_eq!(sent.get(), 2, "the capacity is the bound");
        let mut values = Vec::new();
        while receiver.recv_many(&mut values, 3).await > 0 {}
        sending.await;
        assert_eq!(values[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        let (sender, receiver) = mesh::channel(1);
        drop(receiver);
        assert_eq!(sender.send(5).await.unwrap_err().0, 5);
        assert!(sender.is_closed());
    });
}

#[test]
fn shards_answer_each_other() {
    const ROUNDS: u64 = 500;
    static SUM: AtomicU64 = AtomicU64::new(0);
    type Request = (u64, sync::cross::Sender<u64>);
    testing::run_shards(2, |shard| async move {
        type Ends = (mesh::Sender<Request>, flume::Receiver<mesh::Receiver<Request>>);
        static QUEUE: OnceLock<Ends> = OnceLock::new();
        let (requests, receivers) = QUEUE.get_or_init(|| {
            let (sender, receiver) = mesh::channel(8);
            let (give, take) = flume::bounded(1);
            give.send(receiver).unwrap();
            (sender, take)
        });
        assert_eq!(runtime::shard(), shard);
        if shard == 0 {
            let clients: Vec<_> = (0..ROUNDS)
                .map(|value| {
                    task::spawn(async move {
                        let (answer, answered) = sync::cross::channel();
                        requests.send((value, answer)).await.unwrap();
                        answered.await.unwrap()
                    })
                })
                .collect();
            for client in clients {
                SUM.fetch_add(client.await, Ordering::Relaxed);
            }
        } else {
            let mut receiver = receivers.recv_async().await.unwrap();
            for _ in 0..ROUNDS {
                let (value, answer) = receiver.recv().await.unwrap();
                answer.send(value * 2).unwrap();
            }
        }
    });
    assert_eq!(SUM.load(Ordering::Relaxed), ROUNDS * (ROUNDS - 1));
}

#[test]
fn random_numbers_differ_and_keep_their_bound() {
    testing::run(|| async {
        assert_ne!(rand::u64(), rand::u64());
        let mut long = [0; 2000];
        rand::fill(&mut long);
        assert!(long.chunks(8).all(|chunk| chunk.iter().any(|byte| *byte != 0)));
        let mut hits = [0; 5];
        for _ in 0..500 {
            hits[rand::below(5) as usize] += 1;
        }
        assert!(hits.iter().all(|hits| *hits > 20), "{hits:?}");
    });
}

#[test]
#[should_panic(expected = "the test's own panic")]
fn panic_reaches_the_test() {
    testing::run(|| async {
        drop(task::spawn(async { panic!("the test's own panic") }));
        std::future::pending::<()>().await;
    });
}
