//! Direct files and directories, on whichever backend is compiled in.

use corelog_rt::buffer::{ALIGNMENT, DirectBuffer};
use corelog_rt::file::{DirectFile, WriteMode};
use corelog_rt::{dir, task, testing};
use std::io::ErrorKind;
use std::rc::Rc;

const BLOCK: u64 = ALIGNMENT as u64;

fn filled(bytes: usize, value: u8) -> DirectBuffer {
    let mut buffer = DirectBuffer::unzeroed(bytes);
    buffer.fill(value);
    buffer
}

#[test]
fn written_and_synced_bytes_are_read_back_after_reopening() {
    testing::run(|| async {
        let directory = testing::temp_dir();
        let path = directory.join("segment");
        for mode in [WriteMode::Cached, WriteMode::Through] {
            let file = DirectFile::create_with(&path, 64 * BLOCK, mode).await.unwrap();
            let (result, buffer) = file.write_at(filled(3 * ALIGNMENT, 7), 2 * BLOCK).await;
            result.unwrap();
            assert_eq!(buffer.len(), 3 * ALIGNMENT, "the buffer comes back as it went");
            assert!(buffer.iter().all(|byte| *byte == 7));
            file.sync_data().await.unwrap();
            file.close().await.unwrap();
            let file = DirectFile::open_with(&path, mode).await.unwrap();
            assert_eq!(file.bytes(), 64 * BLOCK);
            let read = file.read_at(0, 64 * ALIGNMENT).await.unwrap();
            for (index, byte) in read.iter().enumerate() {
                let inside = (2 * ALIGNMENT..5 * ALIGNMENT).contains(&index);
                assert_eq!(*byte, if inside { 7 } else { 0 }, "byte {index}");
            }
            file.close().await.unwrap();
            dir::remove(&path).await.unwrap();
        }
    });
}

#[test]
fn many_writes_and_reads_in_flight_keep_apart() {
    testing::run(|| async {
        let path = testing::temp_dir().join("segment");
        let file = Rc::new(DirectFile::create(&path, 256 * BLOCK).await.unwrap());
        let writes: Vec<_> = (0..256_u64)
            .map(|block| {
                let file = Rc::clone(&file);
                task::spawn(async move { file.write_at(filled(ALIGNMENT, block as u8), block * BLOCK).await.0 })
            })
            .collect();
        for write in writes {
            write.await.unwrap();
        }
        let reads: Vec<_> = (0..256_u64)
            .map(|block| {
                let file = Rc::clone(&file);
                task::spawn(async move { (block, file.read_at(block * BLOCK, ALIGNMENT).await) })
            })
            .collect();
        for read in reads {
            let (block, bytes) = read.await;
            assert!(bytes.unwrap().iter().all(|byte| *byte == block as u8), "block {block}");
        }
    });
}

#[test]
fn truncated_buffer_writes_its_length_and_keeps_its_capacity() {
    testing::run(|| async {
        let path = testing::temp_dir().join("segment");
        let file = DirectFile::create(&path, 512 * BLOCK).await.unwrap();
        let mut buffer = filled(256 * ALIGNMENT, 1);
        for round in 1..=20_u8 {
            buffer.restore();
            assert_eq!(buffer.len(), 256 * ALIGNMENT);
            buffer.fill(round);
            buffer.truncate(2 * ALIGNMENT);
            let (result, back) = file.write_at(buffer, u64::from(round) * 4 * BLOCK).await;
            result.unwrap();
            buffer = back;
            assert_eq!((buffer.len(), buffer.capacity()), (2 * ALIGNMENT, 256 * ALIGNMENT));
        }
        let read = file.read_at(80 * BLOCK, 4 * ALIGNMENT).await.unwrap();
        assert!(read[..2 * ALIGNMENT].iter().all(|byte| *byte == 20));
        assert!(read[2 * ALIGNMENT..].iter().all(|byte| *byte == 0), "what was cut off is not written");
    });
}

#[test]
fn misaligned_or_outside_access_is_refused() {
    testing::run(|| async {
        let path = testing::temp_dir().join("segment");
        let file = DirectFile::create(&path, 4 * BLOCK).await.unwrap();
        for (position, bytes) in [(1, ALIGNMENT), (0, 1), (4 * BLOCK, ALIGNMENT), (u64::MAX - BLOCK + 1, ALIGNMENT)] {
            assert_eq!(file.read_at(position, bytes).await.unwrap_err().kind(), ErrorKind::InvalidInput);
            let (result, buffer) = file.write_at(filled(bytes, 9), position).await;
            assert_eq!(result.unwrap_err().kind(), ErrorKind::InvalidInput);
            assert_eq!(buffer.len(), bytes);
        }
        assert_eq!(DirectFile::create(&path, BLOCK).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(DirectFile::create(&path, 5).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        let missing = path.with_file_name("missing");
        assert_eq!(DirectFile::open(&missing).await.unwrap_err().kind(), ErrorKind::NotFound);
    });
}

#[test]
fn dropped_write_leaves_file_and_memory_sound() {
    testing::run(|| async {
        let path = testing::temp_dir().join("segment");
        let file = DirectFile::create(&path, 1024 * BLOCK).await.unwrap();
        for round in 0..50 {
            let mut write = Box::pin(file.write_at(filled(256 * ALIGNMENT, round), 0));
            let polled = futures_util::poll!(write.as_mut());
            assert!(polled.is_pending());
            drop(write);
        }
        let (result, _) = file.write_at(filled(256 * ALIGNMENT, 99), 512 * BLOCK).await;
        result.unwrap();
        let read = file.read_at(512 * BLOCK, 256 * ALIGNMENT).await.unwrap();
        assert!(read.iter().all(|byte| *byte == 99));
    });
}

#[test]
fn frozen_buffers_may_be_dropped_on_another_thread() {
    testing::run_shards(2, |shard| async move {
        use std::sync::OnceLock;
        type Queue = (corelog_rt::mesh::Sender<bytes::Bytes>, flume::Receiver<bytes::Bytes>);
        static QUEUE: OnceLock<Queue> = OnceLock::new();
        let (_, receiver) = QUEUE.get_or_init(|| {
            let (sender, mut source) = corelog_rt::mesh::channel(4);
            let (forward, receiver) = flume::unbounded();
            task::spawn(async move {
                while let Some(bytes) = source.recv().await {
                    forward.send(bytes).unwrap();
                }
            });
            (sender, receiver)
        });
        if shard == 0 {
            let path = testing::temp_dir().join("segment");
            let file = DirectFile::create(&path, 64 * BLOCK).await.unwrap();
            let (result, buffer) = file.write_at(filled(64 * ALIGNMENT, 5), 0).await;
            result.unwrap();
            let (sender, _) = QUEUE.get().unwrap();
            sender.send(buffer.freeze().slice(10..20)).await.unwrap();
            for blocks in [1, 2, 64] {
                let read = file.read_at(0, blocks * ALIGNMENT).await.unwrap();
                sender.send(read.slice(4000..4096)).await.unwrap();
            }
            let again = file.read_at(0, ALIGNMENT).await.unwrap();
            assert!(again.iter().all(|byte| *byte == 5));
        } else {
            for _ in 0..4 {
                let bytes = receiver.recv_async().await.unwrap();
                assert!(bytes.iter().all(|byte| *byte == 5));
            }
        }
    });
}

#[test]
fn directories_list_rename_and_replace() {
    testing::run(|| async {
        let base = testing::temp_dir();
        let directory = base.join("a/b");
        dir::create_all(&directory).await.unwrap();
        dir::create_all(&directory).await.unwrap();
        assert!(dir::exists(&directory).await.unwrap());
        for name in ["two", "one", "three"] {
            dir::write_small(&directory.join(name), name.as_bytes()).await.unwrap();
        }
        dir::rename(&directory.join("three"), &directory.join("one")).await.unwrap();
        dir::sync(&directory).await.unwrap();
        assert_eq!(dir::list(&directory).await.unwrap(), ["one", "two"]);
        assert_eq!(dir::read_small(&directory.join("one")).await.unwrap(), b"three");
        dir::write_small(&directory.join("one"), b"").await.unwrap();
        assert_eq!(dir::read_small(&directory.join("one")).await.unwrap(), b"");
        dir::remove(&directory.join("two")).await.unwrap();
        assert_eq!(dir::remove(&directory.join("two")).await.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(dir::read_small(&directory.join("two")).await.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(dir::list(&base.join("c")).await.unwrap_err().kind(), ErrorKind::NotFound);
        let space = dir::space(&base).await.unwrap();
        assert!(space.free_bytes > 0 && space.free_bytes <= space.total_bytes);
        dir::remove_all(&base.join("a")).await.unwrap();
        assert!(!dir::exists(&directory).await.unwrap());
    });
}

#[test]
fn locked_directory_names_its_holder() {
    testing::run(|| async {
        let directory = testing::temp_dir();
        dir::create_all(&directory).await.unwrap();
        let held = dir::lock(&directory).unwrap();
        let error = dir::lock(&directory).unwrap_err();
        let dir::LockError::Held { holder_pid, .. } = &error else { panic!("{error}") };
        assert!(holder_pid.is_some());
        assert!(error.to_string().contains("in use by process"), "{error}");
        drop(held);
        dir::lock(&directory).unwrap();
    });
}
