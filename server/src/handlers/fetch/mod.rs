//! `Fetch`: records for consumers, with incremental sessions, limits and long polls.

pub mod interest;
mod memory;
mod read;
mod request;
pub mod session;
mod wait;

pub use memory::FetchMemory;
pub use request::handle;
