//! What goes into one batch, and who it comes from. Pure.

/// One batch of a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    /// The partition that it goes to.
    pub partition: i32,
    /// Records, at least 1.
    pub count: usize,
    /// Place of the first record in the order of this producer and partition.
    pub sequence: u64,
    /// When the first record was due, in ns since 1970.
    pub time_ns: u64,
    /// How much later each following record was due, in ns.
    pub step_ns: f64,
    /// The first record's place among all that the connection draws: sizes go by it. Of batches that are ready, the batch's place.
    pub drawn: u64,
    /// Of records with chosen keys, each one's key and place behind the first.
    pub keyed: Vec<Keyed>,
    /// Bytes of keys and values; known once the batch is made.
    pub payload_bytes: u64,
    /// Bytes of the batch; known once it is made.
    pub batch_bytes: u64,
}

/// A record with a chosen key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keyed {
    /// The key's number.
    pub key: u32,
    /// How many records the connection had due between the part's first one and this.
    pub place: u32,
}

impl Part {
    /// How far the record at `index` of this batch is behind the first.
    pub fn place_of(&self, index: usize) -> usize {
        self.keyed.get(index).map_or(index, |keyed| keyed.place as usize)
    }

    /// When the record at `index` of this batch was due.
    pub fn time_of(&self, index: usize) -> u64 {
        self.time_ns + (self.place_of(index) as f64 * self.step_ns) as u64
    }
}

/// Who the batches come from.
#[derive(Clone, Copy, Debug)]
pub struct Author {
    /// Goes into every stamp.
    pub stamp: u32,
    /// Id and epoch of an idempotent producer.
    pub idempotent: Option<(i64, i16)>,
}
