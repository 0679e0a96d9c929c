//! What is changed on a host, how that is undone, and how it is kept over a restart of the machine.

pub mod apply;
pub mod keep;
pub mod record;
pub mod script;
mod write;

pub use keep::{Snippet, SnippetFile};
pub use write::{Change, same, shown, sysctl_path};
