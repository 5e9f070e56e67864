//! What a full queue does. Chosen once for a whole pipeline, by the pace of its source; obeyed by every queue in it.

/// What happens to an item that finds a queue full, and to an output that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    /// Live: the item is dropped and counted; a failing output is tried again and again.
    DropNewest,
    /// Offline: the caller waits for room, so nothing is lost; an output that fails ends, for a wait could last for ever.
    Block,
}
