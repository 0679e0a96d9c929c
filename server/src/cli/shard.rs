//! The one shard of a tool.
//!
//! Called by every command that speaks to a broker, on the first thread of the process, which waits for it.

use std::future::Future;
use std::sync::mpsc;

use corelog_rt::runtime;

use super::failure::Failure;
use super::start::refusal;

/// Runs `main` on a shard that is bound to no cpu, and returns what it returns.
pub fn run<F, Fut>(main: F) -> Result<(), Failure>
where
    F: FnOnce() -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<(), Failure>> + 'static,
{
    let config = runtime::Config { shards: 1, cpus: Some(Vec::new()), ..Default::default() };
    let (sender, receiver) = mpsc::channel();
    let body = move |_shard| {
        let (main, sender) = (main.clone(), sender.clone());
        async move {
            let outcome = main().await;
            // The receiver lives until the shard has ended.
            let _ = sender.send(outcome);
        }
    };
    runtime::run(&config, body).map_err(|error| refusal::of_runtime(&error))?;
    receiver.recv().unwrap_or_else(|_| Err(Failure::new("the tool's shard ended without a word")))
}
