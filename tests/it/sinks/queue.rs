//! The queues before the sinks: order, loss and its counting, failure, recovery and the end.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use tympan::domain::{OutputCounters, Overflow, Record};
use tympan::sinks::{
    LineFormat, Outlet, QueueCapacity, RecordFilter, SinkClosed, SinkEnd, SinkError, SinkHandle,
    StdoutSink, spawn_sink,
};

use super::{PATIENCE, close_all, event, event_ids, shared, wait_until, window};

/// A writer whose text can be read from outside and that fails while a test asks for it.
#[derive(Clone, Default)]
struct Page {
    text: Arc<Mutex<Vec<u8>>>,
    failing: Arc<AtomicBool>,
}

impl Page {
    fn text(&self) -> String {
        String::from_utf8(self.text.lock().unwrap().clone()).unwrap()
    }

    fn fail(&self, failing: bool) {
        // SeqCst: a test wants no subtlety
        self.failing.store(failing, Ordering::SeqCst);
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // SeqCst: as above
        if self.failing.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.text.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A writer that blocks in every write until it is given leave, or for ever once nobody can give it.
struct Gate {
    leave: Receiver<()>,
    page: Page,
}

impl Write for Gate {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.leave.recv().map_err(io::Error::other)?;
        self.page.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Rig {
    handle: SinkHandle,
    overflow: Overflow,
    counters: Arc<OutputCounters>,
    ended: Receiver<SinkEnd>,
}

impl Rig {
    fn new(writer: impl Write + Send + 'static, overflow: Overflow) -> Self {
        Self::with_capacity(writer, overflow, QueueCapacity::default())
    }

    fn with_capacity(
        writer: impl Write + Send + 'static,
        overflow: Overflow,
        capacity: QueueCapacity,
    ) -> Self {
        let counters = Arc::new(OutputCounters::default());
        let (ended_sender, ended) = bounded(1);
        let sink = StdoutSink::new(writer, LineFormat::JsonLines, RecordFilter::Everything);
        let handle =
            spawn_sink(Box::new(sink), capacity, overflow, Arc::clone(&counters), ended_sender)
                .unwrap();
        Self { handle, overflow, counters, ended }
    }

    fn offer_events(&self, ids: std::ops::RangeInclusive<u64>) {
        for id in ids {
            self.offer(event(id));
        }
    }

    fn offer(&self, record: Record) {
        self.handle.publish(&shared(record), self.overflow);
    }

    fn close(self) -> SinkClosed {
        close_all(&[&self.handle], PATIENCE)[0]
    }
}

fn gate() -> (Sender<()>, Gate, Page) {
    let (leave, gate) = bounded(1_000);
    let page = Page::default();
    (leave, Gate { leave: gate, page: page.clone() }, page)
}

#[test]
fn a_line_appears_without_another_one_behind_it() {
    let page = Page::default();
    let rig = Rig::new(page.clone(), Overflow::DropNewest);
    rig.offer_events(1..=1);
    wait_until("the first line", || event_ids(&page.text()) == [1]);
    assert_eq!(rig.close(), SinkClosed::Drained);
}

#[test]
fn lines_keep_the_order_of_hand_over_across_kinds() {
    let page = Page::default();
    let rig = Rig::new(page.clone(), Overflow::Block);
    for index in 0..500 {
        rig.offer(window(2 * index));
        rig.offer(event(2 * index + 1));
    }
    assert_eq!(rig.close(), SinkClosed::Drained);
    let starts: Vec<u64> = page
        .text()
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|line| line["start_sample"].as_u64().unwrap() / 48_000)
        .collect();
    assert_eq!(starts, (0..1_000).collect::<Vec<u64>>());
}

#[test]
fn windows_that_find_no_room_are_counted_and_crowd_out_no_event() {
    let (leave, gate, page) = gate();
    let capacity = QueueCapacity { windows: 4, events: 100 };
    let rig = Rig::with_capacity(gate, Overflow::DropNewest, capacity);
    // the first event is in the writer's hands, which blocks from here on
    rig.offer_events(1..=1);
    for index in 0..50 {
        rig.offer(window(index));
    }
    rig.offer_events(2..=60);
    for _ in 0..1_000 {
        leave.send(()).unwrap();
    }
    let counters = Arc::clone(&rig.counters);
    assert_eq!(rig.close(), SinkClosed::Drained);
    let text = page.text();
    assert_eq!(event_ids(&text), (1..=60).collect::<Vec<u64>>());
    assert_eq!(counters.events_dropped.get(), 0);
    let windows = text.lines().filter(|line| line.contains("\"window\"")).count() as u64;
    assert!((4..50).contains(&windows), "{windows} windows passed");
    assert_eq!(windows + counters.records_dropped.get(), 50);
}

#[test]
fn offline_a_slow_sink_loses_nothing() {
    struct Slow(Page);
    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            std::thread::sleep(Duration::from_millis(1));
            self.0.write(&bytes[..bytes.len().min(100)])
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let page = Page::default();
    let capacity = QueueCapacity { windows: 1, events: 1 };
    let rig = Rig::with_capacity(Slow(page.clone()), Overflow::Block, capacity);
    rig.offer_events(1..=100);
    for index in 0..20 {
        rig.offer(window(index));
    }
    let counters = Arc::clone(&rig.counters);
    assert_eq!(close_all(&[&rig.handle], PATIENCE)[0], SinkClosed::Drained);
    assert_eq!(event_ids(&page.text()), (1..=100).collect::<Vec<u64>>());
    assert_eq!(page.text().lines().count(), 120);
    assert_eq!(counters.records_dropped.get() + counters.events_dropped.get(), 0);
}

#[test]
fn a_failing_sink_recovers_with_whole_lines_while_another_loses_nothing() {
    let (broken, sound) = (Page::default(), Page::default());
    broken.fail(true);
    let capacity = QueueCapacity { windows: 10, events: 300 };
    let failing = Rig::with_capacity(broken.clone(), Overflow::DropNewest, capacity);
    let other = Rig::new(sound.clone(), Overflow::DropNewest);
    for id in 1..=1_000 {
        failing.offer_events(id..=id);
        other.offer_events(id..=id);
    }
    wait_until("the sound sink", || event_ids(&sound.text()).len() == 1_000);
    assert_eq!(other.counters.events_dropped.get(), 0);
    let dropped = failing.counters.events_dropped.get();
    assert!(dropped > 0, "the failing sink must have run out of room");
    assert_eq!(broken.text(), "");

    broken.fail(false);
    wait_until("the recovery", || event_ids(&broken.text()).len() as u64 == 1_000 - dropped);
    failing.offer_events(2_000..=2_000);
    wait_until("a line after it", || event_ids(&broken.text()).last() == Some(&2_000));
    assert_eq!(failing.counters.events_dropped.get(), dropped);
    assert_eq!((failing.close(), other.close()), (SinkClosed::Drained, SinkClosed::Drained));
}

#[test]
fn a_sink_that_still_fails_at_the_end_is_given_up_and_says_why() {
    let page = Page::default();
    page.fail(true);
    let rig = Rig::new(page, Overflow::DropNewest);
    rig.offer_events(1..=10);
    assert_eq!(close_all(&[&rig.handle], PATIENCE)[0], SinkClosed::Ended);
    let end = rig.ended.recv_timeout(PATIENCE).unwrap();
    assert_eq!(end.sink, "stdout");
    assert!(matches!(end.cause, SinkError::Write { .. }), "{:?}", end.cause);
    assert_eq!(rig.counters.events_dropped.get(), 10);
}

#[test]
fn offline_a_failing_sink_ends_instead_of_blocking_for_ever() {
    let page = Page::default();
    page.fail(true);
    let capacity = QueueCapacity { windows: 1, events: 1 };
    let rig = Rig::with_capacity(page, Overflow::Block, capacity);
    rig.offer_events(1..=1_000);
    let end = rig.ended.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(end.cause, SinkError::Write { .. }), "{:?}", end.cause);
}

#[test]
fn a_reader_that_is_gone_ends_the_sink_and_is_distinguished() {
    let (reader, writer) = io::pipe().unwrap();
    let rig = Rig::new(writer, Overflow::DropNewest);
    drop(reader);
    rig.offer_events(1..=1);
    let end = rig.ended.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(end.cause, SinkError::Closed), "{:?}", end.cause);
    let counters = Arc::clone(&rig.counters);
    rig.offer_events(2..=10_000);
    assert_eq!(rig.close(), SinkClosed::Ended);
    assert_eq!(counters.events_dropped.get(), 0, "what nobody wants is not lost");
}

#[test]
fn a_blocked_sink_is_left_behind_and_its_records_counted_while_others_drain() {
    let (leave, gate, _) = gate();
    let page = Page::default();
    let blocked = Rig::new(gate, Overflow::DropNewest);
    let other = Rig::new(page.clone(), Overflow::DropNewest);
    blocked.offer_events(1..=20);
    other.offer_events(1..=20);
    let counters = Arc::clone(&blocked.counters);
    let closed = close_all(&[&blocked.handle, &other.handle], Duration::from_millis(300));
    assert_eq!(closed, [SinkClosed::LeftBehind, SinkClosed::Drained]);
    assert_eq!(event_ids(&page.text()).len(), 20);
    assert_eq!(counters.events_dropped.get(), 20);
    drop(leave);
}
