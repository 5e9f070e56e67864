// Drawing: colours, the spectrogram on a ring of columns, small plots.

/** 256 colours from dark to bright, as even to the eye as their lightness: anchors in OKLab, straight lines between. */
function palette() {
  const anchors = [[0.10, 0.00, -0.04], [0.30, 0.06, -0.13], [0.48, 0.17, -0.05], [0.66, 0.15, 0.09], [0.84, 0.02, 0.15], [0.98, -0.03, 0.08]];
  const colours = new Uint32Array(256);
  for (let level = 0; level < 256; level += 1) {
    const place = level / 255 * (anchors.length - 1);
    const index = Math.min(Math.floor(place), anchors.length - 2);
    const share = place - index;
    const [lightness, a, b] = anchors[index].map((from, axis) => from + share * (anchors[index + 1][axis] - from));
    const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
    const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
    const s = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3;
    const linear = [4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s, -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s, -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s];
    const [red, green, blue] = linear.map((value) => {
      const bounded = Math.min(Math.max(value, 0), 1);
      return Math.round(255 * (bounded <= 0.0031308 ? 12.92 * bounded : 1.055 * bounded ** (1 / 2.4) - 0.055));
    });
    colours[level] = (255 << 24) | (blue << 16) | (green << 8) | red;
  }
  return colours;
}

const COLOURS = palette();

const TO_MEL = {
  htk: (hz) => 2595 * Math.log10(1 + hz / 700),
  slaney: (hz) => (hz < 1000 ? hz * 3 / 200 : 15 + 27 * Math.log(hz / 1000) / Math.log(6.4)),
};

/** Brings a canvas to its size on the screen, in device pixels; says whether it changed. */
function fit(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const width = Math.max(1, Math.round(canvas.clientWidth * ratio));
  const height = Math.max(1, Math.round(canvas.clientHeight * ratio));
  if (canvas.width === width && canvas.height === height) return false;
  canvas.width = width;
  canvas.height = height;
  return true;
}

/** Columns go round on a canvas that is never shown; the one that is shows two pictures of it side by side. */
export class Spectrogram {
  constructor(canvas, axes) {
    this.canvas = canvas;
    this.axes = axes;
    this.seconds = 20;
    this.isSmooth = !window.matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.clear();
  }

  clear() {
    this.ring = null;
    this.shape = '';
    this.count = 0;
    this.isDirty = true;
  }

  setSeconds(seconds) {
    this.seconds = seconds;
    this.clear();
  }

  /** Takes a `mel` record; `hopMs`: from one to the next. */
  push(record, hopMs) {
    const bytes = Uint8Array.from(atob(record.column), (character) => character.charCodeAt(0));
    const shown = Math.max(2, Math.round(this.seconds * 1000 / hopMs));
    // one more stands outside at the left, and slides in from there
    const columns = shown + 1;
    const shape = [bytes.length, columns, record.low_hz, record.high_hz, record.scale].join();
    if (shape !== this.shape) {
      this.ring = Object.assign(document.createElement('canvas'), { width: columns, height: bytes.length });
      this.context = this.ring.getContext('2d');
      this.context.fillStyle = '#0b0722';
      this.context.fillRect(0, 0, columns, bytes.length);
      this.pixels = new ImageData(1, bytes.length);
      this.words = new Uint32Array(this.pixels.data.buffer);
      this.shape = shape;
      this.scale = record;
      this.count = 0;
      this.canvas.style.width = `${100 * columns / shown}%`;
      this.canvas.style.left = `${-100 / shown}%`;
      this.axesDrawn = false;
    }
    // the highest band stands at the top
    for (let band = 0; band < bytes.length; band += 1) this.words[bytes.length - 1 - band] = COLOURS[bytes[band]];
    this.context.putImageData(this.pixels, this.count % columns, 0);
    this.count += 1;
    this.hopMs = hopMs;
    this.isDirty = true;
  }

  /** Draws what has come since the last call. */
  draw() {
    if (fit(this.canvas)) this.isDirty = true;
    if (fit(this.axes)) this.axesDrawn = false;
    if (!this.ring) return;
    if (!this.axesDrawn) this.drawAxes();
    if (!this.isDirty) return;
    this.isDirty = false;
    const { width, height } = this.canvas;
    const columns = this.ring.width;
    const head = this.count % columns;
    const column = width / columns;
    const context = this.canvas.getContext('2d', { alpha: false });
    context.imageSmoothingEnabled = false;
    context.drawImage(this.ring, head, 0, columns - head, this.ring.height, 0, 0, (columns - head) * column, height);
    if (head > 0) context.drawImage(this.ring, 0, 0, head, this.ring.height, (columns - head) * column, 0, head * column, height);
    // the new column slides in until the next one comes: the compositor's work, none of this thread's
    if (this.isSmooth) {
      const start = `translateX(${100 / columns}%)`;
      this.canvas.animate([{ transform: start }, { transform: 'none' }], { duration: this.hopMs });
    }
  }

  drawAxes() {
    this.axesDrawn = true;
    const { width, height } = this.axes;
    const context = this.axes.getContext('2d');
    const unit = window.devicePixelRatio || 1;
    context.clearRect(0, 0, width, height);
    context.font = `${11 * unit}px system-ui, sans-serif`;
    const write = (text, x, y, align) => {
      context.textAlign = align;
      context.lineWidth = 3 * unit;
      context.strokeStyle = 'rgba(0, 0, 0, .7)';
      context.strokeText(text, x, y);
      context.fillStyle = '#fff';
      context.fillText(text, x, y);
    };
    const mel = TO_MEL[this.scale.scale] || TO_MEL.htk;
    const [low, high] = [mel(this.scale.low_hz), mel(this.scale.high_hz)];
    context.textBaseline = 'middle';
    for (const hz of [100, 200, 500, 1000, 2000, 4000, 8000, 12000]) {
      const y = height * (1 - (mel(hz) - low) / (high - low));
      if (y > 8 * unit && y < height - 20 * unit) write(hz < 1000 ? `${hz} Hz` : `${hz / 1000} kHz`, 4 * unit, y, 'left');
    }
    context.textBaseline = 'bottom';
    const step = this.seconds > 30 ? 10 : this.seconds > 12 ? 5 : 2;
    for (let second = 0; second < this.seconds; second += step) {
      write(second === 0 ? 'now' : `−${second} s`, width * (1 - second / this.seconds) - 4 * unit, height - 2 * unit, 'right');
    }
  }
}

/** A line of the last values, with its lowest and highest. */
export function plot(canvas, values, { low, high, unit }) {
  fit(canvas);
  const { width, height } = canvas;
  const context = canvas.getContext('2d');
  const style = getComputedStyle(canvas);
  const pixel = window.devicePixelRatio || 1;
  context.clearRect(0, 0, width, height);
  context.font = `${11 * pixel}px system-ui, sans-serif`;
  context.fillStyle = style.color;
  const text = (value) => `${value.toFixed(value < 10 && value > -10 ? 1 : 0)} ${unit}`;
  context.textBaseline = 'top';
  context.fillText(text(high), 0, 0);
  context.textBaseline = 'bottom';
  context.fillText(text(low), 0, height);
  context.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue('--bar');
  context.lineWidth = 1.5 * pixel;
  context.beginPath();
  const left = 58 * pixel;
  values.items.forEach((value, index) => {
    const x = width - (values.items.length - 1 - index) * (width - left) / Math.max(values.most - 1, 1);
    const y = height - (Math.min(Math.max(value, low), high) - low) / (high - low || 1) * (height - 4 * pixel) - 2 * pixel;
    if (index === 0) context.moveTo(x, y); else context.lineTo(x, y);
  });
  context.stroke();
}

/** The last values, no more than `most`. */
export class Recent {
  constructor(most) {
    this.most = most;
    this.items = [];
  }

  push(value) {
    this.items.push(value);
    if (this.items.length > this.most) this.items.shift();
  }
}
