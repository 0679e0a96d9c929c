//! What stands in a broker's way, one file each: whether this host knows it, what is there, what is wanted, how to change it
//! and how to undo that. `list` has all of them in the order of the table.

pub mod aio_requests;
pub mod clock_source;
pub mod cpu_governor;
pub mod cpu_idle;
pub mod cpu_quota;
pub mod device_backlog;
pub mod direct_io;
pub mod disk_merges;
pub mod disk_scheduler;
pub mod file_system;
pub mod free_space;
pub mod halt_polling;
pub mod huge_pages;
pub mod interrupt_affinity;
pub mod io_uring;
pub mod kernel_version;
pub mod list;
pub mod listen_backlog;
pub mod locked_memory;
pub mod memory_limit;
pub mod numa;
pub mod open_files;
pub mod packet_steering;
pub mod pinned_tasks;
pub mod receive_buffers;
pub mod slow_start;
pub mod smt_siblings;
pub mod socket_buffers;
pub mod steal_time;
pub mod swappiness;
mod sysctl;
pub mod time_sync;
pub mod transmit_buffers;
pub mod write_cache;
