//! How a machine crashes and what its disk then loses.

/// What ends a process from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// SIGKILL: the process is gone; what it wrote stays, as far as it got.
    Kill,
    /// The machine loses power: the disk loses what was not synced, as its [`Loss`] says.
    PowerLoss,
}

/// What a loss of power does to writes that no sync covered, and to names that no directory sync covered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Loss {
    /// Each write is kept, lost or torn into sectors of 512 bytes, each kept or lost; the latest changes of names are
    /// lost from a random one on.
    #[default]
    Random,
    /// Everything is lost.
    All,
    /// Everything that was complete is kept.
    Nothing,
}
