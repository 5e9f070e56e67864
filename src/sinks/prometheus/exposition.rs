//! The text of a scrape: the daemon's status, and the measurements, by the names that `docs/PROMETHEUS.md` lists. Made on
//! `tympan-clients`.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet, prometheus_text, text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::measurements::{GAP_CAUSES, Measurements, RecordCounts, Stage};
use super::process::ProcessFacts;
use crate::domain::State;
use crate::protocol::{DaemonStatus, InputStatus};

/// The media type of the text that is sent unless OpenMetrics is asked for.
pub(in crate::sinks) const CONTENT_TYPE: &str = prometheus_text::CONTENT_TYPE;
/// The media type of OpenMetrics.
pub(in crate::sinks) const OPEN_METRICS_TYPE: &str =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The text of one scrape.
///
/// # Errors
/// Never in practice: a text takes every write.
pub(in crate::sinks) fn render(
    status: DaemonStatus,
    measurements: &Arc<Measurements>,
    clients: usize,
    is_open_metrics: bool,
) -> Result<String, fmt::Error> {
    let measurements = Arc::clone(measurements);
    let scrape = Scrape { status, measurements, clients, process: ProcessFacts::read() };
    let mut registry = Registry::default();
    registry.register_collector(Box::new(scrape));
    let mut written = String::new();
    if is_open_metrics {
        text::encode(&mut written, &registry)?;
    } else {
        prometheus_text::encode(&mut written, &registry)?;
    }
    Ok(written)
}

/// Everything at one moment.
#[derive(Debug)]
struct Scrape {
    status: DaemonStatus,
    measurements: Arc<Measurements>,
    clients: usize,
    process: ProcessFacts,
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        self.encode_build(&mut encoder)?;
        self.encode_inputs(&mut encoder)?;
        self.encode_records(&mut encoder)?;
        self.encode_latency(&mut encoder)?;
        self.encode_outputs(&mut encoder)?;
        self.encode_process(&mut encoder)
    }
}

impl Scrape {
    fn encode_build(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        let help = "The program and its model";
        let mut build = encoder.encode_descriptor("tympan_build", help, None, MetricType::Info)?;
        let sha256 = self.measurements.model().sha256;
        build.encode_info(&[
            ("version", &*self.status.version),
            ("model", &*self.status.model),
            ("model_sha256", &*sha256),
        ])
    }

    fn encode_inputs(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        let help = "Whether the input is in this state";
        let mut states =
            encoder.encode_descriptor("tympan_source_state", help, None, MetricType::Gauge)?;
        for input in &self.status.inputs {
            for state in State::EACH {
                let name = state.to_string();
                let labels = [("source", &*input.name), ("state", &*name)];
                states.encode_family(&labels)?.encode_gauge(&i64::from(state == input.state))?;
            }
        }
        let help = "Level of the newest window, in dB of full scale";
        let mut levels =
            encoder.encode_descriptor("tympan_level_dbfs", help, None, MetricType::Gauge)?;
        for input in &self.status.inputs {
            if let Some(level) = input.level_dbfs {
                let labels = [("source", &*input.name)];
                levels.encode_family(&labels)?.encode_gauge(&f64::from(level))?;
            }
        }
        for (metric, counter, help) in INPUT_COUNTERS {
            let mut counts = encoder.encode_descriptor(metric, help, None, MetricType::Counter)?;
            for input in &self.status.inputs {
                let count = input.counters.get(counter).copied().unwrap_or_default();
                count_of(&mut counts, &[("source", &*input.name)], count)?;
            }
        }
        Ok(())
    }

    /// The counts of each input's records.
    fn records(&self) -> impl Iterator<Item = (&InputStatus, RecordCounts)> {
        self.status.inputs.iter().filter_map(|input| {
            let counts = self.measurements.of(&input.name)?.records().clone();
            Some((input, counts))
        })
    }

    fn encode_records(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        let records: Vec<_> = self.records().collect();
        let help = "When the newest sample that was scored was captured, in seconds since 1970";
        let name = "tympan_last_audio_timestamp_seconds";
        let mut last = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (input, counts) in &records {
            if let Some(time) = counts.last_audio {
                let seconds = time.as_millisecond() as f64 / 1000.0;
                last.encode_family(&[("source", &*input.name)])?.encode_gauge(&seconds)?;
            }
        }
        let help = "Samples that were lost";
        let mut lost =
            encoder.encode_descriptor("tympan_lost_samples", help, None, MetricType::Counter)?;
        encode_by_cause(&mut lost, &records, |(samples, _)| samples)?;
        let help = "Gaps in the audio";
        let mut gaps = encoder.encode_descriptor("tympan_gaps", help, None, MetricType::Counter)?;
        encode_by_cause(&mut gaps, &records, |(_, gaps)| gaps)?;
        let model = self.measurements.model();
        let mut events: Vec<_> = Vec::new();
        for (input, counts) in &records {
            // also those that have not sounded: the first event is an increase, too
            let silent = model.labels.iter().filter(|label| !counts.events.contains_key(*label));
            let silent = silent.map(|label| (&**label, Default::default()));
            let detected = counts.events.iter().map(|(label, count)| (&**label, *count));
            events.extend(
                detected
                    .chain(silent)
                    .map(|(label, count)| ([("source", &*input.name), ("label", label)], count)),
            );
        }
        let help = "Events that have begun";
        let mut begun =
            encoder.encode_descriptor("tympan_events", help, None, MetricType::Counter)?;
        for (labels, event) in &events {
            count_of(&mut begun, labels, event.begun)?;
        }
        let help = "Whether the label sounds";
        let mut active =
            encoder.encode_descriptor("tympan_event_active", help, None, MetricType::Gauge)?;
        for (labels, event) in &events {
            active.encode_family(labels)?.encode_gauge(&i64::from(event.is_active))?;
        }
        Ok(())
    }

    fn encode_latency(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        let help = "How long a stage took for a window; all: from its last sample to its record";
        let name = "tympan_window_latency_seconds";
        let mut latency = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for input in &self.status.inputs {
            let Some(measured) = self.measurements.of(&input.name) else { continue };
            for stage in Stage::EACH {
                let labels = [("source", &*input.name), ("stage", stage.name())];
                measured.stage(stage).encode(latency.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }

    fn encode_outputs(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        let sinks = &self.status.sinks;
        let help = "Whether the output works";
        let mut up = encoder.encode_descriptor("tympan_sink_up", help, None, MetricType::Gauge)?;
        for sink in sinks {
            up.encode_family(&[("sink", &*sink.name)])?
                .encode_gauge(&i64::from(!sink.is_failing))?;
        }
        let help = "Records that wait for the output";
        let name = "tympan_sink_queue_records";
        let mut queued = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for sink in sinks {
            queued.encode_family(&[("sink", &*sink.name)])?.encode_gauge(&sink.queued)?;
        }
        let help = "Records that were dropped because the output could not take them";
        let name = "tympan_sink_dropped_records";
        let mut dropped = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for sink in sinks {
            count_of(&mut dropped, &[("sink", &*sink.name)], sink.dropped)?;
        }
        let help = "Clients of the sockets and of the page's stream";
        let mut clients =
            encoder.encode_descriptor("tympan_clients", help, None, MetricType::Gauge)?;
        clients.encode_gauge(&(self.clients as u64))?;
        let help = "Reloads of the configuration";
        let mut reloads =
            encoder.encode_descriptor("tympan_reloads", help, None, MetricType::Counter)?;
        let (succeeded, failed) = self
            .status
            .reload
            .as_ref()
            .map_or((0, 0), |reload| (reload.succeeded_so_far, reload.failed_so_far));
        for (result, count) in [("succeeded", succeeded), ("failed", failed)] {
            count_of(&mut reloads, &[("result", result)], count)?;
        }
        Ok(())
    }

    fn encode_process(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        let help = "Processor time used, in seconds";
        let name = "process_cpu_seconds";
        let mut cpu = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        cpu.encode_counter::<NoLabelSet, _, f64>(&self.status.cpu_s, None)?;
        let help = "When the process was started, in seconds since 1970";
        let name = "process_start_time_seconds";
        let mut start = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        start.encode_gauge(&(self.status.started.as_millisecond() as f64 / 1000.0))?;
        let ProcessFacts { resident_bytes, virtual_bytes, open_files, max_files, threads } =
            self.process;
        for (name, help, value) in [
            ("process_resident_memory_bytes", "Memory in use", resident_bytes),
            ("process_virtual_memory_bytes", "Addresses in use", virtual_bytes),
            ("process_open_fds", "Open files", open_files),
            ("process_max_fds", "Files that may be open", max_files),
            ("process_threads", "Threads", threads),
        ] {
            if let Some(value) = value {
                let mut gauge = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
                gauge.encode_gauge(&value)?;
            }
        }
        Ok(())
    }
}

/// The counters of an input: the metric, the counter's own name, what it counts.
const INPUT_COUNTERS: [(&str, &str, &str); 6] = [
    (
        "tympan_captured_samples",
        "samples_captured",
        "Samples of one channel that the source delivered",
    ),
    (
        "tympan_dropped_samples",
        "samples_dropped",
        "Samples that found no room, a part of those lost",
    ),
    (
        "tympan_repaired_samples",
        "samples_repaired",
        "Samples that were no numbers and were replaced",
    ),
    ("tympan_driver_overruns", "driver_overruns", "Overruns that the audio driver reported"),
    ("tympan_windows_scored", "windows_scored", "Windows that were scored"),
    (
        "tympan_windows_skipped",
        "windows_skipped",
        "Windows that were skipped because the classifier was busy",
    ),
];

fn encode_by_cause(
    family: &mut MetricEncoder,
    records: &[(&InputStatus, RecordCounts)],
    count: fn((u64, u64)) -> u64,
) -> fmt::Result {
    for (input, counts) in records {
        for ((_, cause), lost) in GAP_CAUSES.iter().zip(counts.lost) {
            count_of(family, &[("source", &*input.name), ("cause", *cause)], count(lost))?;
        }
    }
    Ok(())
}

fn count_of(family: &mut MetricEncoder, labels: &[(&str, &str)], count: u64) -> fmt::Result {
    family.encode_family(&labels)?.encode_counter::<NoLabelSet, _, f64>(&count, None)
}
