//! The turns of a comparison: in every round each system has one turn, in rising order in one round and falling in the next, so that a
//! machine that grows slower or faster favours nobody.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::plan::{Plan, System};
use super::system::Running;
use crate::load::observer::Deaf;
use crate::load::run::{Target, run};
use crate::report::result::RunResult;
use crate::workload::Workload;

/// One system's turn.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Turn {
    /// Name of the workload.
    pub workload: String,
    /// Name of the system.
    pub system: String,
    /// The round, from 0.
    pub round: usize,
    /// What the host took during the attempts before this one, in percent of the cores: more than the plan allows.
    pub disturbed_percent: Vec<f64>,
    /// What came of it.
    pub result: RunResult,
}

/// How often a turn is taken where the host takes too much each time.
const ATTEMPTS_MAX: usize = 5;

/// Takes all turns, and puts each with `turns`. `told` hears of each before (none) and after (its turn).
///
/// # Errors
/// A system that does not start or stop, a workload that cannot be, a run that cannot take place. The turns before it are there.
pub fn take(
    plan: &Plan,
    scratch: &Path,
    port: u16,
    turns: &mut Vec<Turn>,
    told: &mut dyn FnMut(&str, Option<&Turn>),
) -> Result<()> {
    if plan.systems.is_empty() || plan.rounds == 0 {
        bail!("a comparison has systems and rounds");
    }
    for named in &plan.workloads {
        let workload = named.resolve().with_context(|| format!("workload {}", named.name))?;
        workload.check().with_context(|| format!("workload {}", named.name))?;
        for round in 0..plan.rounds {
            for system in in_turn(&plan.systems, round) {
                told(&format!("{}, round {} of {}, {}", named.name, round + 1, plan.rounds, system.name), None);
                let attempt = |number| {
                    let directory = scratch.join(format!("{}-{}-{round}-{number}", system.name, named.name));
                    take_one(system, &workload, &directory, system.port.unwrap_or(port))
                };
                let percent_max = plan.stolen_percent_max.unwrap_or(f64::INFINITY);
                let (result, disturbed_percent) =
                    undisturbed(percent_max, attempt, |result| result.machine.stolen_percent())
                        .with_context(|| format!("{} under {}", system.name, named.name))?;
                let (workload, system) = (named.name.clone(), system.name.clone());
                let turn = Turn { workload, system, round, disturbed_percent, result };
                told("", Some(&turn));
                turns.push(turn);
            }
        }
    }
    Ok(())
}

/// The systems in the order of a round.
fn in_turn(systems: &[System], round: usize) -> Vec<&System> {
    if round.is_multiple_of(2) { systems.iter().collect() } else { systems.iter().rev().collect() }
}

/// The first attempt of which the host took no more than it may, or the last; and what it took of those before.
fn undisturbed<T>(
    percent_max: f64,
    mut attempt: impl FnMut(usize) -> Result<T>,
    stolen_percent: impl Fn(&T) -> f64,
) -> Result<(T, Vec<f64>)> {
    let mut disturbed_percent = Vec::new();
    loop {
        let result = attempt(disturbed_percent.len())?;
        let percent = stolen_percent(&result);
        if percent <= percent_max || disturbed_percent.len() + 1 == ATTEMPTS_MAX {
            return Ok((result, disturbed_percent));
        }
        disturbed_percent.push(percent);
    }
}

/// One turn: starts the system with new data, runs the workload, stops it.
///
/// # Errors
/// As [`take`].
pub fn take_one(system: &System, workload: &Workload, directory: &Path, port: u16) -> Result<RunResult> {
    let mut running = Running::start(system, directory, port)?;
    let target = Target {
        bootstrap: running.address.clone(),
        topic: format!("compare-{}", std::process::id()),
        create: true,
        topic_configs: system.topic_configs.clone().into_iter().collect(),
        delete: system.start.is_none(),
        pids: running.pids.clone(),
        cores: Vec::new(),
    };
    let result = run(&target, workload, &mut Deaf);
    let stopped = running.stop(port);
    let result = result?;
    stopped?;
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_taken_until_the_host_leaves_it_alone_but_not_for_ever() {
        let take = |percent_max, stolen: &[f64]| {
            undisturbed(percent_max, |number| Ok(stolen[number]), |percent| *percent).unwrap()
        };
        assert_eq!(take(2.0, &[2.0]), (2.0, vec![]));
        assert_eq!(take(2.0, &[9.0, 2.1, 0.0]), (0.0, vec![9.0, 2.1]));
        assert_eq!(take(2.0, &[9.0, 8.0, 7.0, 6.0, 5.0]), (5.0, vec![9.0, 8.0, 7.0, 6.0]));
        assert_eq!(take(f64::INFINITY, &[9.0]), (9.0, vec![]));
        assert!(undisturbed(2.0, |_| Err::<f64, _>(anyhow::anyhow!("it does not start")), |percent| *percent).is_err());
    }

    #[test]
    fn the_order_turns_from_round_to_round() {
        let systems: Vec<System> = ["a", "b", "c"].map(|name| System { name: name.into(), ..System::default() }).into();
        let order = |round| in_turn(&systems, round).iter().map(|system| system.name.as_str()).collect::<String>();
        assert_eq!([order(0), order(1), order(2)], ["abc", "cba", "abc"]);
    }
}
