//! The course of a probe: files made and filled, every cell measured, files removed.
//!
//! Runs on a shard of its own, that of the tool, through the engine's file path and nothing else.

use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use corelog_rt::file::{DirectFile, WriteMode};
use corelog_rt::{dir, time};

use super::measure::{measure, random_buffer};
use super::plan::{self, Area, Cell, Operation, PASSES};
use super::sample::{Gathered, Sample};

/// Name of the file that is written over and over.
const OVERWRITTEN: &str = ".tune-probe-overwritten";
/// Name of the file whose space is written once.
const FRESH: &str = ".tune-probe-fresh";
/// Bytes of the file that is written over; a part of the free space where there is less.
const OVERWRITTEN_BYTES: u64 = 512 << 20;
/// The least that says anything.
const OVERWRITTEN_BYTES_MIN: u64 = 32 << 20;
/// Bytes of the file whose space is written once.
const FRESH_BYTES: u64 = 128 << 20;
/// Bytes of one write while the file is filled.
const FILL_BYTES: usize = 1 << 20;
/// How long the file is filled at most: a slow disk gets a shorter one.
const FILL_TIME_MAX: Duration = Duration::from_secs(6);

/// What a probe is told.
#[derive(Debug, Clone)]
pub struct Orders {
    /// Where the data is, or will be.
    pub dir: PathBuf,
    /// Time of all measurements together.
    pub time: Duration,
}

/// What happens, for a progress bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Files are being filled.
    Filling,
    /// A cell is about to be measured.
    Measuring(Cell),
    /// One more of so many passes over cells is done.
    Done {
        /// How many are done.
        done: usize,
        /// Of how many.
        of: usize,
    },
}

/// The files of a probe.
struct Files {
    dir: PathBuf,
    cached: Rc<DirectFile>,
    through: Rc<DirectFile>,
    /// Bytes that were written at least once.
    bytes: u64,
}

/// Measures everything; `told` hears of each step. Leaves no file behind, whatever happens.
pub async fn run(orders: &Orders, told: &mut dyn FnMut(Step)) -> io::Result<Vec<Sample>> {
    remove_files(&orders.dir).await?;
    let measured = run_all(orders, told).await;
    let removed = remove_files(&orders.dir).await;
    let samples = measured?;
    removed.map(|()| samples)
}

async fn run_all(orders: &Orders, told: &mut dyn FnMut(Step)) -> io::Result<Vec<Sample>> {
    told(Step::Filling);
    let files = make(&orders.dir).await?;
    let cells = plan::cells();
    let mut gathered = vec![Gathered::default(); cells.len()];
    for pass in 0..PASSES {
        // The other way round the second time, so that a disk that grows slower favours nobody.
        let order: Vec<usize> =
            if pass % 2 == 0 { (0..cells.len()).collect() } else { (0..cells.len()).rev().collect() };
        for (done, index) in order.into_iter().enumerate() {
            let (Some(cell), Some(sum)) = (cells.get(index), gathered.get_mut(index)) else { continue };
            told(Step::Measuring(*cell));
            sum.join(&one(&files, *cell, plan::time(*cell, orders.time)).await?);
            told(Step::Done { done: pass * cells.len() + done + 1, of: PASSES * cells.len() });
        }
    }
    Ok(cells.iter().zip(&gathered).map(|(cell, gathered)| gathered.sample(*cell)).collect())
}

async fn one(files: &Files, cell: Cell, time: Duration) -> io::Result<Gathered> {
    if cell.operation == Operation::WriteLinked {
        return linked(files, cell, time).await;
    }
    if cell.area == Area::Overwrite {
        let file = if cell.operation == Operation::WriteThrough { &files.through } else { &files.cached };
        return measure(file, cell, files.bytes, false, time).await;
    }
    let mode = if cell.operation == Operation::WriteThrough { WriteMode::Through } else { WriteMode::Cached };
    let path = files.dir.join(FRESH);
    let file = Rc::new(DirectFile::create_with(&path, FRESH_BYTES.min(files.bytes), mode).await?);
    let measured = measure(&file, cell, file.bytes(), true, time).await;
    drop(file);
    dir::remove(&path).await?;
    measured
}

async fn linked(files: &Files, cell: Cell, time: Duration) -> io::Result<Gathered> {
    let mut gathered = Gathered::default();
    let begun = time::now();
    let path = files.dir.join(OVERWRITTEN);
    let times = match corelog_rt::linked::write_and_sync(&path, cell.bytes, files.bytes, time).await {
        // Nothing depends on it: what cannot be measured stays empty.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Vec::new(),
        times => times?,
    };
    for took in times {
        gathered.add(took);
    }
    gathered.took(begun.elapsed());
    Ok(gathered)
}

/// Makes the file that is written over, and writes all of it once.
async fn make(dir: &Path) -> io::Result<Files> {
    let free_bytes = crate::tunables::free_space::free_bytes(dir)?;
    let bytes = OVERWRITTEN_BYTES.min(free_bytes / 4).next_multiple_of(FILL_BYTES as u64);
    if bytes < OVERWRITTEN_BYTES_MIN {
        return Err(io::Error::new(io::ErrorKind::StorageFull, "the probe needs 128 MiB of free space"));
    }
    let path = dir.join(OVERWRITTEN);
    let cached = Rc::new(DirectFile::create(&path, bytes).await?);
    let begun = time::now();
    let mut written = 0;
    let mut buffer = random_buffer(FILL_BYTES);
    while written < bytes && (begun.elapsed() < FILL_TIME_MAX || written < OVERWRITTEN_BYTES_MIN) {
        let (result, same) = cached.write_at(buffer, written).await;
        buffer = same;
        result?;
        written += FILL_BYTES as u64;
    }
    cached.sync_data().await?;
    let through = Rc::new(DirectFile::open_with(&path, WriteMode::Through).await?);
    Ok(Files { dir: dir.to_owned(), cached, through, bytes: written })
}

async fn remove_files(dir: &Path) -> io::Result<()> {
    for name in [OVERWRITTEN, FRESH] {
        let path = dir.join(name);
        if dir::exists(&path).await? {
            dir::remove(&path).await?;
        }
    }
    Ok(())
}
