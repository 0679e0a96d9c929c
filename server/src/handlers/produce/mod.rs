//! `Produce`, in two stages: the order of the appends is fixed as requests arrive, answers follow when they are safe.

mod append;
mod refusal;
mod request;

pub use request::handle;
