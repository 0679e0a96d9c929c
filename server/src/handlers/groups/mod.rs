//! The APIs of groups and their offsets: each finds the coordinators of its groups, and puts their answers together.
//!
//! They run on the shard that owns the connection; the coordinators may live on others.

pub mod address;
pub mod consumer_group_describe;
pub mod consumer_group_heartbeat;
pub mod delete_groups;
pub mod describe_groups;
pub mod fan_out;
pub mod heartbeat;
pub mod join_group;
pub mod leave_group;
pub mod list_groups;
pub mod offset_commit;
pub mod offset_delete;
pub mod offset_fetch;
pub mod sync_group;
