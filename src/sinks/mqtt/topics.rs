//! Which topics there are, below the one of the configuration. Used by everything that makes messages; pure.

use super::segment::Segments;

/// The topics of one daemon.
#[derive(Debug, Clone)]
pub(super) struct Topics {
    root: String,
    sources: Segments,
    labels: Segments,
}

impl Topics {
    /// Below `root`, for these sources and labels.
    pub(super) fn new<S: AsRef<str>, L: AsRef<str>>(
        root: &str,
        sources: &[S],
        labels: &[L],
    ) -> Self {
        Self {
            root: root.to_owned(),
            sources: Segments::new(sources),
            labels: Segments::new(labels),
        }
    }

    /// Whether the daemon is connected.
    pub(super) fn status(&self) -> String {
        format!("{}/status", self.root)
    }

    /// The last status record of a source.
    pub(super) fn state(&self, source: &str) -> String {
        self.of_source(source, "state")
    }

    /// Onsets of a source, with the type of event that Home Assistant asks for.
    pub(super) fn event(&self, source: &str) -> String {
        self.of_source(source, "event")
    }

    /// Every event, gap and status of a source.
    pub(super) fn records(&self, source: &str) -> String {
        self.of_source(source, "records")
    }

    /// The last event of a source that has ended.
    pub(super) fn last(&self, source: &str) -> String {
        self.of_source(source, "last")
    }

    /// The level of a source.
    pub(super) fn level(&self, source: &str) -> String {
        self.of_source(source, "level")
    }

    /// Whether a label sounds.
    pub(super) fn label(&self, source: &str, label: &str) -> String {
        format!("{}/{}", self.of_source(source, "label"), self.label_segment(label))
    }

    /// The newest record of a label.
    pub(super) fn label_attributes(&self, source: &str, label: &str) -> String {
        format!("{}/attributes", self.label(source, label))
    }

    /// What Home Assistant knows a source by: unlike any other of this daemon.
    pub(super) fn device_id(&self, source: &str) -> String {
        let root: Vec<String> =
            self.root.split('/').map(|level| Segments::default().of(level)).collect();
        format!("{}_{}", root.join("_"), self.sources.of(source))
    }

    /// The source in the words of a person.
    pub(super) fn device_name(&self, source: &str) -> String {
        format!("{} {source}", self.root.replace('/', " "))
    }

    pub(super) fn label_segment(&self, label: &str) -> String {
        self.labels.of(label)
    }

    fn of_source(&self, source: &str, last: &str) -> String {
        format!("{}/{}/{last}", self.root, self.sources.of(source))
    }
}
