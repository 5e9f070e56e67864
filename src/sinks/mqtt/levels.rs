//! The level of each source between two messages. Fed with window records on the publisher's thread; pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::topics::Topics;
use crate::domain::WindowRecord;
use crate::dsp::power_to_dbfs;

/// Power of the windows since the last message.
#[derive(Debug, Default)]
pub(super) struct Levels(BTreeMap<Arc<str>, (f64, u32)>);

impl Levels {
    pub(super) fn add(&mut self, window: &WindowRecord) {
        let power = 10_f64.powf(f64::from(window.level_dbfs) / 10.0);
        match self.0.get_mut(&window.source) {
            Some((sum, count)) => (*sum, *count) = (*sum + power, *count + 1),
            None => {
                self.0.insert(Arc::clone(&window.source), (power, 1));
            }
        }
    }

    /// Topic and payload for each source that had a window, and begins anew.
    pub(super) fn take(&mut self, topics: &Topics) -> Vec<(String, String)> {
        let taken = std::mem::take(&mut self.0).into_iter();
        let message = |(source, (sum, count)): (Arc<str>, (f64, u32))| {
            let mean = sum / f64::from(count);
            (topics.level(&source), format!("{:.1}", power_to_dbfs(mean as f32)))
        };
        taken.map(message).collect()
    }
}
