//! Who is told how far long work has come. Handed to whatever works on many recordings, called from its threads; a command shows
//! a bar.

/// Told of one stretch of work after the other.
pub trait Progress: Sync {
    /// `steps` pieces of work begin; `unit` names them: clips, scenes.
    fn begin(&self, steps: usize, unit: &str);

    /// One of them is done.
    fn advance(&self);

    /// The work has ended.
    fn finish(&self);
}

/// Tells nobody.
impl Progress for () {
    fn begin(&self, _: usize, _: &str) {}

    fn advance(&self) {}

    fn finish(&self) {}
}
