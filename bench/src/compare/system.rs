//! A system that is started for one turn, and stopped after it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::plan::System;
use crate::cluster::control::Control;

/// How long a system may take until it answers.
const START_TIME_MAX: Duration = Duration::from_mins(2);
/// How long a command in the foreground may take to end.
const STOP_TIME_MAX: Duration = Duration::from_mins(1);
/// Between two questions.
const PAUSE: Duration = Duration::from_millis(100);

/// One that runs.
pub struct Running<'a> {
    system: &'a System,
    /// Where it listens.
    pub address: String,
    /// Its processes.
    pub pids: Vec<u32>,
    directory: PathBuf,
    foreground: Option<Child>,
}

impl<'a> Running<'a> {
    /// Starts it with a new directory, or takes the one that runs, and waits until it answers.
    pub fn start(system: &'a System, directory: &Path, port: u16) -> Result<Running<'a>> {
        let directory = directory.to_path_buf();
        let Some(start) = &system.start else {
            let address =
                system.address.clone().with_context(|| format!("{}: neither start nor address", system.name))?;
            wait_until_it_answers(&address, None)?;
            return Ok(Running { system, address, pids: system.pids.clone(), directory, foreground: None });
        };
        fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
        let address = format!("127.0.0.1:{port}");
        let mut running = Running { system, address, pids: Vec::new(), directory, foreground: None };
        let log = fs::File::create(running.directory.join("start.log"))?;
        let mut command = running.command(start, port);
        let mut child = command.stdout(log.try_clone()?).stderr(log).spawn().with_context(|| start.clone())?;
        let answered = wait_until_it_answers(&running.address, Some(&mut child));
        running.foreground = match child.try_wait()? {
            None => Some(child),
            Some(_) => None,
        };
        if let Err(error) = answered {
            // What it said of the reason stays.
            running.end(port).ok();
            return Err(error.context(format!("{} does not start, see {}", system.name, running.directory.display())));
        }
        match running.find_pids(port) {
            Ok(pids) => running.pids = pids,
            Err(error) => {
                running.end(port).ok();
                return Err(error);
            }
        }
        Ok(running)
    }

    /// Forgets the start command as the system where it returns within `patience` after all: it only started others, whose cost it has not.
    ///
    /// # Errors
    /// Those of waiting for it.
    pub fn look_again(&mut self, patience: Duration) -> Result<()> {
        let began = Instant::now();
        while let Some(child) = &mut self.foreground
            && self.system.pid.is_none()
            && began.elapsed() < patience
        {
            if child.try_wait()?.is_some() {
                self.foreground = None;
                self.pids.clear();
                return Ok(());
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    fn find_pids(&self, port: u16) -> Result<Vec<u32>> {
        let Some(pid) = &self.system.pid else {
            return Ok(self.foreground.iter().map(Child::id).collect());
        };
        let output = self.command(pid, port).stdout(Stdio::piped()).output().with_context(|| pid.clone())?;
        let text = String::from_utf8_lossy(&output.stdout);
        let pids: Result<Vec<u32>, _> = text.split_whitespace().map(str::parse).collect();
        pids.with_context(|| format!("{pid} prints no process ids: {text:?}"))
    }

    /// Stops it and removes its directory.
    ///
    /// # Errors
    /// One that does not stop; its directory stays.
    pub fn stop(&mut self, port: u16) -> Result<()> {
        if self.system.start.is_none() {
            return Ok(());
        }
        self.end(port)?;
        fs::remove_dir_all(&self.directory).with_context(|| format!("cannot remove {}", self.directory.display()))
    }

    fn end(&mut self, port: u16) -> Result<()> {
        if let Some(stop) = &self.system.stop {
            let status = self.command(stop, port).stdout(Stdio::null()).status().with_context(|| stop.clone())?;
            if !status.success() {
                bail!("{stop}: {status}");
            }
        }
        if let Some(child) = &mut self.foreground {
            end(child)?;
        }
        Ok(())
    }

    fn command(&self, line: &str, port: u16) -> Command {
        let line = line.replace("{dir}", &self.directory.display().to_string()).replace("{port}", &port.to_string());
        let mut command = Command::new("sh");
        // `exec` keeps the process id where the line is one command.
        command.arg("-c").arg(if line.contains([';', '|', '&']) { line } else { format!("exec {line}") });
        command.envs(&self.system.environment).stdin(Stdio::null());
        command
    }
}

fn end(child: &mut Child) -> Result<()> {
    let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    if child.try_wait()?.is_none()
        && let Some(pid) = pid
    {
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
    }
    let began = Instant::now();
    while child.try_wait()?.is_none() {
        if began.elapsed() > STOP_TIME_MAX {
            child.kill()?;
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

fn wait_until_it_answers(address: &str, mut child: Option<&mut Child>) -> Result<()> {
    let began = Instant::now();
    loop {
        let Err(failed) = Control::connect(address) else { return Ok(()) };
        if let Some(child) = child.as_deref_mut()
            && let Some(status) = child.try_wait()?
            && !status.success()
        {
            bail!("the start command ended with {status}");
        }
        if began.elapsed() > START_TIME_MAX {
            return Err(failed);
        }
        std::thread::sleep(PAUSE);
    }
}
