//! Ends the simulated process.

use super::executor::{self, Death};
use super::world::world;
use crate::fatal::Reason;

pub(crate) fn exit(reason: Reason, message: &str) -> ! {
    let world = world();
    let node = world.place().node;
    executor::die(&world, node, Death::Exit(reason, message.to_owned()));
    // Only a destructor that runs while its process is cleared away comes here.
    panic!("exit in a process that is dead already: {reason}: {message}");
}
