//! `corelog-bench sink`: takes everything and keeps nothing, to see what the generator can do.

use std::io::{Write, stdout};
use std::net::TcpListener;

use anyhow::{Context, Result};
use clap::Args;

use super::entry::Verdict;
use crate::sink::answers::{Face, answer};
use crate::sink::server::serve;

/// Where it listens.
#[derive(Args)]
pub struct SinkArguments {
    /// HOST:PORT to listen on and to name to clients
    #[arg(long, default_value = "127.0.0.1:21990")]
    listen: String,
    /// Partitions of every topic
    #[arg(long, default_value_t = 16)]
    partitions: i32,
}

/// Runs the command until it is killed.
pub fn run(arguments: &SinkArguments) -> Result<Verdict> {
    let listener =
        TcpListener::bind(&arguments.listen).with_context(|| format!("cannot listen on {}", arguments.listen))?;
    let (host, _) = arguments.listen.rsplit_once(':').context("expected HOST:PORT")?;
    let port = listener.local_addr()?.port();
    writeln!(stdout(), "a sink on {host}:{port}, pid {}", std::process::id())?;
    let face = Face { host: host.to_owned(), port, partitions: arguments.partitions };
    serve(&listener, &|frame| answer(&face, frame))?;
    Ok(Verdict::Sound)
}
