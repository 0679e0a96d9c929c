//! Groups of the classic protocol: members elect a leader, which assigns the partitions; the coordinator only conducts.
//!
//! Pure code, called by the coordinator. One file per part of a group's life; the state itself is in `group` and `member`.

mod commit;
mod describe;
mod group;
mod join;
mod leave;
mod member;
mod migrate;
mod persist;
mod protocol;
mod rebalance;
mod session;
mod sync;

pub use group::{ClassicGroup, ClassicState, refused_join, refused_sync};
pub use join::JoinCall;
pub use member::{ClassicMember, Protocol};
