//! The broker that `corelog-bench run` starts itself.

use std::path::PathBuf;

use clap::Args;

use crate::compare::plan::System;

/// How it is started and ended.
#[derive(Args)]
pub struct StartArguments {
    /// Starts the broker with new data, and may return or stay; {dir} is a new directory, {port} the port to listen on
    #[arg(long, value_name = "COMMAND")]
    start: Option<String>,
    /// Ends what --start started; without it, --start gets SIGTERM
    #[arg(long, value_name = "COMMAND", requires = "start")]
    stop: Option<String>,
    /// Prints the process ids of what --start started; without it, that of --start is taken
    #[arg(long, value_name = "COMMAND", requires = "start")]
    pid_command: Option<String>,
    /// Port of what --start starts, on 127.0.0.1; it may take the next one too
    #[arg(long, default_value_t = 21900, requires = "start")]
    pub port: u16,
    /// Folder for the data of what --start starts
    #[arg(long, value_name = "FOLDER", requires = "start")]
    scratch: Option<PathBuf>,
}

impl StartArguments {
    /// The broker to start, if there is one.
    pub fn system(&self) -> Option<System> {
        let start = self.start.clone()?;
        let (pid, stop) = (self.pid_command.clone(), self.stop.clone());
        Some(System { name: "the broker".to_owned(), start: Some(start), pid, stop, ..System::default() })
    }

    /// A directory of this process.
    pub fn directory(&self) -> PathBuf {
        let scratch = self.scratch.clone().unwrap_or_else(std::env::temp_dir);
        scratch.join(format!("corelog-bench-run-{}", std::process::id()))
    }
}
