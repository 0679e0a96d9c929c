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
    /// What came of it.
    pub result: RunResult,
}

/// Takes all turns. `told` hears of each before (none) and after (its turn).
///
/// # Errors
/// A system that does not start or stop, a workload that cannot be, a run that cannot take place.
pub fn take(plan: &Plan, scratch: &Path, port: u16, told: &mut dyn FnMut(&str, Option<&Turn>)) -> Result<Vec<Turn>> {
    if plan.systems.is_empty() || plan.rounds == 0 {
        bail!("a comparison has systems and rounds");
    }
    let mut turns = Vec::new();
    for named in &plan.workloads {
        let workload = named.resolve().with_context(|| format!("workload {}", named.name))?;
        workload.check().with_context(|| format!("workload {}", named.name))?;
        for round in 0..plan.rounds {
            for system in in_turn(&plan.systems, round) {
                told(&format!("{}, round {} of {}, {}", named.name, round + 1, plan.rounds, system.name), None);
                let directory = scratch.join(format!("{}-{}-{round}", system.name, named.name));
                let result = take_one(system, &workload, &directory, system.port.unwrap_or(port))
                    .with_context(|| format!("{} under {}", system.name, named.name))?;
                let turn = Turn { workload: named.name.clone(), system: system.name.clone(), round, result };
                told("", Some(&turn));
                turns.push(turn);
            }
        }
    }
    Ok(turns)
}

/// The systems in the order of a round.
fn in_turn(systems: &[System], round: usize) -> Vec<&System> {
    if round.is_multiple_of(2) { systems.iter().collect() } else { systems.iter().rev().collect() }
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
    fn the_order_turns_from_round_to_round() {
        let systems: Vec<System> = ["a", "b", "c"].map(|name| System { name: name.into(), ..System::default() }).into();
        let order = |round| in_turn(&systems, round).iter().map(|system| system.name.as_str()).collect::<String>();
        assert_eq!([order(0), order(1), order(2)], ["abc", "cba", "abc"]);
    }
}
