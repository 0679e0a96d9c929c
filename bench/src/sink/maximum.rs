//! What the generator can do: the load of a run once more, on a sink of this process, as fast as it goes.
//!
//! Called by the command after a run. The sink works on the same cores as the generator, so what is found is less than the generator
//! could do alone.

use anyhow::{Context, Result, bail};

use super::answers::answer;
use super::server::{HOST, start};
use crate::load::observer::Deaf;
use crate::load::run::{Target, run};
use crate::report::result::{RunResult, Throughput};
use crate::workload::{Mode, Workload};

/// Seconds of the measurement, at most.
const SECONDS_MAX: f64 = 3.0;
/// Seconds before it, at most.
const WARM_UP_SECONDS_MAX: f64 = 1.0;

/// Checks that there is such a maximum, before the run.
///
/// # Errors
/// A workload without producers, or whose batches a closed loop would not compress as it goes.
pub fn check(workload: &Workload) -> Result<()> {
    if !workload.produces() {
        bail!("the maximum is that of producers: there are none");
    }
    if closed(workload, None).is_compressed_before() && !workload.is_compressed_before() {
        bail!(
            "a run that compresses as it goes has no maximum: its closed loop takes batches that were compressed before"
        );
    }
    Ok(())
}

/// Measures it for a run that is over. `cores` are those of the generator's threads.
///
/// # Errors
/// What [`check`] finds; a sink that does not take everything.
pub fn measure(of: &RunResult, cores: &[usize]) -> Result<Throughput> {
    check(&of.workload)?;
    let records = of.produced.records.checked_div(of.produced.batches);
    let workload = closed(&of.workload, records.map(usize::try_from).transpose()?);
    let partitions = i32::try_from(workload.partitions).context("too many partitions")?;
    let port = start(partitions, |face| move |frame| answer(&face, frame)).context("no port for a sink")?;
    let target = Target {
        bootstrap: format!("{HOST}:{port}"),
        topic: "maximum".to_owned(),
        create: true,
        topic_configs: Vec::new(),
        delete: true,
        pids: Vec::new(),
        cores: cores.to_vec(),
    };
    let result = run(&target, &workload, &mut Deaf).context("the maximum")?;
    if !result.integrity.is_clean() {
        bail!("the maximum: the sink did not take everything: {:?}", result.integrity);
    }
    Ok(result.produced)
}

/// The producers of a run in a closed loop. Where a rate made the batches, they are as large as they were on average.
fn closed(workload: &Workload, records_mean: Option<usize>) -> Workload {
    let records = if workload.rate.is_some() { records_mean.map(|mean| mean.max(1)) } else { None };
    Workload {
        mode: Mode::Produce,
        rate: None,
        records: None,
        groups: 1,
        idle_connections: 0,
        records_per_batch: records.or(workload.records_per_batch),
        warm_up: workload.warm_up.min(WARM_UP_SECONDS_MAX),
        duration: workload.duration.min(SECONDS_MAX),
        ..workload.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::Compression;

    #[test]
    fn the_maximum_is_of_the_same_batches_without_a_rate() {
        let workload = Workload { rate: Some(100.0), mode: Mode::EndToEnd, groups: 2, ..Workload::default() };
        let maximum = closed(&workload, Some(7));
        assert_eq!((maximum.check(), maximum.rate, maximum.records_per_batch), (Ok(()), None, Some(7)));
        assert_eq!(closed(&workload, Some(0)).records_per_batch, Some(1));
        assert_eq!(closed(&Workload::default(), Some(7)).records_per_batch, None);
        assert!(maximum.duration <= SECONDS_MAX && maximum.warm_up <= WARM_UP_SECONDS_MAX);
    }

    #[test]
    fn what_a_closed_loop_would_not_do_has_no_maximum() {
        let compressed = Workload { compression: Compression::Lz4, ..Workload::default() };
        assert!(check(&compressed).is_ok() && check(&Workload::default()).is_ok());
        assert!(check(&Workload { rate: Some(1.0), ..compressed.clone() }).is_err());
        assert!(check(&Workload { mode: Mode::EndToEnd, ..compressed }).is_err());
        assert!(check(&Workload { mode: Mode::Consume, ..Workload::default() }).is_err());
    }
}
