// The page: one stream of records from the daemon in, everything on the page out.

import { Recent, Spectrogram, plot } from '/draw.js';

const element = (id) => document.getElementById(id);
const KINDS = 'window,event,gap,status,level,mel';
const LOWEST_DB = -80;
const MOST_EVENTS = 200;
/** A page that nobody has looked at for so long lets its stream go. */
const SLEEP_MS = 30000;

/** A name as it may be shown: no control characters, no marks that turn the direction of writing. */
const shown = (name) => String(name).replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\ufffd').slice(0, 200);

/** An element of this kind with this text, properties and children. */
function make(kind, properties = {}, ...children) {
  const made = Object.assign(document.createElement(kind), properties);
  made.append(...children);
  return made;
}
const name = (text) => make('bdi', { textContent: shown(text), title: shown(text) });

// ---------------------------------------------------------------- the sources, one of which is shown

const sources = new Map();
let current = null;
let isFrozen = false;

function sourceOf(record) {
  if (!sources.has(record.source)) {
    sources.set(record.source, { state: '', events: new Map(), levels: new Recent(600), lastSecond: 0, peakHold: LOWEST_DB, heldAt: 0, clipped: 0, hopMs: 80 });
    const choice = element('source');
    choice.append(make('option', { value: record.source, textContent: shown(record.source) }));
    element('source-choice').hidden = sources.size < 2;
    current ??= record.source;
  }
  return sources.get(record.source);
}

element('source').addEventListener('change', (event) => {
  current = event.target.value;
  spectrogram.clear();
  showState(sources.get(current).state);
});

// ---------------------------------------------------------------- now

const spectrogram = new Spectrogram(element('columns'), element('axes'));
let hasColumns = false;

function onMel(record) {
  const source = sourceOf(record);
  if (source.lastEnd !== undefined && source.rate) {
    const hopMs = 1000 * (record.end_sample - source.lastEnd) / source.rate;
    if (hopMs > 0 && hopMs < 1000) source.hopMs = hopMs;
  }
  source.lastEnd = record.end_sample;
  hasColumns = true;
  if (record.source !== current || isFrozen) return;
  spectrogram.push(record, source.hopMs);
  // windows and levels of the last hop are shown with it
  show();
}

function onLevel(record) {
  const source = sourceOf(record);
  const now = performance.now();
  source.clipped += record.clipped_samples;
  if (record.peak_dbfs >= source.peakHold || now - source.heldAt > 2000) {
    source.peakHold = record.peak_dbfs;
    source.heldAt = now;
  }
  source.level = record;
  if (now - source.lastSecond > 1000) {
    source.lastSecond = now;
    source.levels.push(record.rms_dbfs);
  }
}

function showLevel() {
  const source = sources.get(current);
  if (!source || !source.level || isFrozen) return;
  const { rms_dbfs: rms, floor_dbfs: floor } = source.level;
  const place = (level) => Math.min(Math.max(1 - level / LOWEST_DB, 0), 1);
  element('rms').style.transform = `scaleX(${place(rms)})`;
  element('floor').style.transform = `translateX(${100 * place(floor)}%)`;
  element('peak').style.transform = `translateX(${100 * place(source.peakHold)}%)`;
  element('level').ariaValueNow = rms.toFixed(0);
  element('level-text').textContent = `${rms.toFixed(1)} dBFS, peak ${source.peakHold.toFixed(1)}, floor ${floor.toFixed(1)}`;
  element('clip').hidden = source.clipped === 0;
  element('clip').textContent = `clipped: ${source.clipped} samples`;
}

function clearClip() {
  const source = sources.get(current);
  if (source) source.clipped = 0;
  element('clip').hidden = true;
}
element('clip').addEventListener('click', clearClip);
element('seconds').addEventListener('change', (event) => spectrogram.setSeconds(Number(event.target.value)));

function freeze() {
  isFrozen = !isFrozen;
  element('freeze').ariaPressed = String(isFrozen);
}
element('freeze').addEventListener('click', freeze);

// ---------------------------------------------------------------- labels and reasons

const REASONS = {
  event: () => 'its event is on',
  too_quiet: () => 'the window is below min_level_dbfs',
  not_allowed: () => 'it is no event here (detector.allow, detector.deny, or the model)',
  cooldown: () => 'its last event ended just now (cooldown)',
  unconfirmed: (reason) => `${reason.windows} of the last ${reason.of} windows reach the threshold, ${reason.needed} have to`,
  verifier: (reason) => `the verifier gave it ${reason.verifier_score.toFixed(2)}`,
  held_back: (reason) => `held back by ${shown(reason.by)}`,
  below_threshold: () => 'below its threshold',
};
const rows = [];

function onWindow(record) {
  const source = sourceOf(record);
  source.window = record;
  if (!hasColumns) show();
}

function showLabels() {
  const source = sources.get(current);
  if (!source || !source.window || isFrozen || source.window === source.windowShown) return;
  source.windowShown = source.window;
  const reasons = (source.window.reasons || []).slice(0, 8);
  while (rows.length < reasons.length) rows.push(labelRow());
  rows.forEach((row, index) => {
    const reason = reasons[index];
    row.item.hidden = !reason;
    if (!reason) return;
    const label = shown(reason.label);
    if (row.label.textContent !== label) row.label.textContent = row.label.title = label;
    row.item.className = reason.reason === 'event' ? 'event' : '';
    row.score.style.transform = `scaleX(${reason.score})`;
    row.threshold.style.transform = `translateX(${100 * reason.threshold}%)`;
    row.number.textContent = reason.score.toFixed(2);
    const words = (REASONS[reason.reason] || (() => reason.reason))(reason);
    const why = reason.reason === 'below_threshold' ? `${words}, ${reason.threshold.toFixed(2)}` : words;
    if (row.why.textContent !== why) row.why.textContent = why;
  });
  element('no-labels').hidden = reasons.length > 0;
}

function labelRow() {
  const row = { label: make('bdi'), score: make('div', { className: 'score' }), threshold: make('div', { className: 'threshold' }), number: make('output'), why: make('span', { className: 'why' }) };
  row.item = make('li', {}, row.label, make('div', { className: 'bar' }, row.score, row.threshold), row.number, row.why);
  element('labels').append(row.item);
  return row;
}

// ---------------------------------------------------------------- events

const clock = (time) => new Date(time).toLocaleTimeString([], { hour12: false });
const lasted = (ms) => (ms < 60000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.floor(ms / 60000)} min ${Math.round(ms % 60000 / 1000)} s`);

function onEvent(record) {
  const source = sourceOf(record);
  const list = element('events');
  if (record.phase === 'onset') {
    const length = make('span', { className: 'open', textContent: 'on' });
    const score = make('span', { textContent: record.score.toFixed(2) });
    const item = make('li', {}, make('time', { textContent: clock(record.time), dateTime: record.time }), name(record.label), length, score);
    if (sources.size > 1) item.append(name(record.source));
    list.prepend(item);
    source.events.set(record.id, { length, score, start: Date.parse(record.time) });
    while (list.children.length > MOST_EVENTS) list.lastChild.remove();
    element('no-events').hidden = true;
    return;
  }
  const open = source.events.get(record.id);
  if (!open) return;
  source.events.delete(record.id);
  open.length.className = '';
  open.length.textContent = lasted(Date.parse(record.time) - open.start);
  open.score.textContent = record.peak_score.toFixed(2);
  if (element('date').value === dayOf(new Date())) scheduleDay();
}

function onGap(record) {
  sourceOf(record);
  const words = `${record.samples} samples lost (${record.cause.replaceAll('_', ' ')})`;
  element('events').prepend(make('li', {}, make('time', { textContent: clock(record.time) }), make('bdi', { textContent: words })));
  element('no-events').hidden = true;
}

// ---------------------------------------------------------------- state and health

const latencies = new Recent(300);

function showState(state, detail = '') {
  element('state').textContent = detail && state !== 'listening' ? `${state}: ${shown(detail)}` : state;
  element('state').dataset.state = state;
}

function onStatus(record) {
  const source = sourceOf(record);
  source.state = record.state;
  source.rate = record.sample_rate_hz;
  if (record.source === current) showState(record.state, record.detail);
}

let lastDaemon = null;

function onDaemon(daemon) {
  const cpu = lastDaemon && daemon.up_s > lastDaemon.up_s ? 100 * (daemon.cpu_s - lastDaemon.cpu_s) / (daemon.up_s - lastDaemon.up_s) : null;
  if (!lastDaemon || daemon.up_s - lastDaemon.up_s >= 10 || daemon.up_s < lastDaemon.up_s) lastDaemon = daemon;
  if (cpu !== null) onDaemon.cpu = cpu;
  const input = (daemon.inputs ?? []).find((it) => it.name === current) ?? daemon;
  element('device').textContent = `${shown(input.device)} · ${input.sample_rate_hz / 1000} kHz · model ${shown(daemon.model)} · tympan ${daemon.version}`;
  latencies.push(daemon.latency.p99_us / 1000);
  const { counters } = daemon;
  const figures = {
    'latency p50, p99': `${(daemon.latency.p50_us / 1000).toFixed(1)} ms, ${(daemon.latency.p99_us / 1000).toFixed(1)} ms`,
    'windows scored': counters.windows_scored,
    'windows skipped': counters.windows_skipped,
    'samples dropped': counters.samples_dropped,
    'driver overruns': counters.driver_overruns,
    processor: onDaemon.cpu === undefined ? '…' : `${onDaemon.cpu.toFixed(1)} % of a core`,
    'running for': lasted(1000 * daemon.up_s),
  };
  for (const sink of daemon.sinks) figures[`output ${sink.name}`] = sink.fails ? `fails, ${sink.lost} records lost` : sink.lost ? `${sink.lost} records lost` : 'well';
  element('figures').replaceChildren(...Object.entries(figures).flatMap(([term, value]) => [make('dt', { textContent: term }), make('dd', { textContent: value ?? '–' })]));
  element('no-columns').hidden = hasColumns || counters.windows_scored < 20;
  showPlots();
}

function showPlots() {
  const source = sources.get(current);
  if (source) plot(element('level-plot'), source.levels, { low: LOWEST_DB, high: 0, unit: 'dB' });
  plot(element('latency-plot'), latencies, { low: 0, high: Math.max(5, ...latencies.items), unit: 'ms' });
}

// ---------------------------------------------------------------- the stream

const HANDLERS = { mel: onMel, level: onLevel, window: onWindow, event: onEvent, gap: onGap, status: onStatus, daemon: onDaemon };
let stream = null;

function connect() {
  if (stream) return;
  stream = new EventSource(`/events?records=${KINDS}&reasons`);
  for (const [kind, handle] of Object.entries(HANDLERS)) {
    stream.addEventListener(kind, (event) => handle(JSON.parse(event.data)));
  }
  stream.onopen = () => {
    for (const source of sources.values()) source.lastEnd = undefined;
    lastDaemon = null;
  };
  stream.onerror = () => {
    showState('gone', 'the daemon does not answer; trying again');
    if (stream.readyState === EventSource.CLOSED) {
      stream = null;
      setTimeout(connect, 3000);
    }
  };
}

let sleeping = null;
document.addEventListener('visibilitychange', () => {
  clearTimeout(sleeping);
  if (document.hidden) {
    sleeping = setTimeout(() => {
      if (stream) stream.close();
      stream = null;
    }, SLEEP_MS);
  } else {
    if (!stream) spectrogram.clear();
    connect();
    loadDay();
  }
});

let isDue = false;

/** Shows what has come with the next frame, and no more often than there is something new. */
function show() {
  if (isDue || isFrozen) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    spectrogram.draw();
    showLabels();
    showLevel();
  });
}

// ---------------------------------------------------------------- a day of the log

const dayOf = (date) => [date.getFullYear(), String(date.getMonth() + 1).padStart(2, '0'), String(date.getDate()).padStart(2, '0')].join('-');
let day = { events: [] };
let dayTimer = null;

function scheduleDay() {
  clearTimeout(dayTimer);
  dayTimer = setTimeout(loadDay, 2000);
}

async function loadDay() {
  const from = new Date(`${element('date').value}T00:00:00`);
  if (Number.isNaN(from.getTime())) return;
  const to = new Date(from);
  to.setDate(to.getDate() + 1);
  const note = element('day-note');
  try {
    const answer = await fetch(`/history?from=${from.toISOString()}&to=${to.toISOString()}`);
    if (!answer.ok) {
      note.textContent = await answer.text();
      day = { events: [] };
    } else {
      day = await answer.json();
      const cut = day.is_cut ? ', and more than are shown' : '';
      const torn = day.unreadable_lines ? `; ${day.unreadable_lines} lines of the log cannot be read` : '';
      note.textContent = `${day.events.length} events${cut}${torn}`;
    }
  } catch {
    note.textContent = 'the daemon does not answer';
  }
  showDay();
}

function showDay() {
  const wanted = element('search').value.trim().toLowerCase();
  const events = day.events.filter((event) => event.label.toLowerCase().includes(wanted));
  const labels = new Map();
  for (const event of events) {
    if (!labels.has(event.label)) labels.set(event.label, new Array(24).fill(0));
    labels.get(event.label)[new Date(event.start).getHours()] += 1;
  }
  const most = Math.max(1, ...[...labels.values()].flat());
  const total = (hours) => hours.reduce((sum, count) => sum + count, 0);
  const head = make('thead', {}, make('tr', {}, make('th', { textContent: 'Label' }), ...Array.from({ length: 24 }, (_, hour) => make('th', { scope: 'col', textContent: hour }))));
  const body = make('tbody');
  for (const [label, hours] of [...labels].sort((a, b) => total(b[1]) - total(a[1]))) {
    const row = make('tr', {}, make('th', { scope: 'row' }, name(label)));
    hours.forEach((count, hour) => {
      const cell = make('td');
      if (count > 0) {
        cell.style.background = `rgba(var(--heat), ${0.2 + 0.6 * count / most})`;
        const words = `${count} of ${shown(label)} from ${hour} to ${hour + 1} o'clock`;
        const button = make('button', { textContent: count, title: words });
        button.ariaLabel = words;
        button.addEventListener('click', () => showLog(events.filter((event) => event.label === label && new Date(event.start).getHours() === hour)));
        cell.append(button);
      }
      row.append(cell);
    });
    body.append(row);
  }
  element('heat').replaceChildren(...(labels.size ? [head, body] : []));
  showLog(events);
}

function showLog(events) {
  const row = (event) => make('tr', {}, make('td', { textContent: clock(event.start) }), make('td', {}, name(event.label)), make('td', { textContent: event.end ? lasted(Date.parse(event.end) - Date.parse(event.start)) : 'no end' }), make('td', { textContent: (event.peak_score ?? event.score).toFixed(2) }));
  element('log').tBodies[0].replaceChildren(...events.slice(-500).reverse().map(row));
}

function moveDay(days) {
  const date = new Date(`${element('date').value}T12:00:00`);
  date.setDate(date.getDate() + days);
  element('date').value = dayOf(date);
  loadDay();
}
element('day-before').addEventListener('click', () => moveDay(-1));
element('day-after').addEventListener('click', () => moveDay(1));
element('date').addEventListener('change', loadDay);
element('search').addEventListener('input', showDay);

// ---------------------------------------------------------------- clips

async function loadClips() {
  const answer = await fetch('/clips').catch(() => null);
  if (!answer || !answer.ok) return;
  const names = await answer.json();
  element('clips-section').hidden = false;
  element('clips').replaceChildren(...names.slice(0, 12).map((clip) => {
    const audio = make('audio', { controls: true, preload: 'none', src: `/clips/${encodeURIComponent(clip)}` });
    return make('li', {}, audio, name(clip));
  }));
}

// ---------------------------------------------------------------- keys

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, select, button, audio')) return;
  if (event.key === ' ') freeze();
  else if (event.key === '/') element('search').focus();
  else if (event.key === 'c') clearClip();
  else return;
  event.preventDefault();
});

element('date').value = dayOf(new Date());
connect();
loadDay();
loadClips();
setInterval(loadClips, 60000);
window.addEventListener('resize', show);
