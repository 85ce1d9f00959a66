// Rooms x time: the expression told most in each window, with what was seen of it.
import { h, say } from "./elements.js";
import { LETTERS, colourOf } from "./expressions.js";
import { byName, clock, percent, when } from "./format.js";
import { store } from "./store.js";
import { ticks } from "./timeline.js";

const ROW = 24;
const AXIS = 22;
const LEAST = 0.02; // coverage below this is no data
const LATE = 60000; // a window is told so long after its end, at most
const LETTER_WIDTH = 12; // cells that are narrower have no letter
const WIDE = 1080; // until it is known how wide it is

/** Cells are [start, label, share, coverage, blind]. */
export class Heat {
  constructor(labels) {
    this.labels = labels;
    this.rows = new Map(); // "camera/room-1" -> Map(start -> cell)
    this.names = h("ul", { class: "heat-names", role: "list" });
    this.canvas = h("canvas", { "aria-hidden": "true" });
    this.probe = h("i", { hidden: true });
    this.box = h("div", { class: "heat-box", tabindex: "0", role: "group", "aria-label": "Heat map, rooms by time. Arrow keys move from cell to cell." }, this.canvas, this.probe);
    this.words = h("p", { class: "readout", role: "status" });
    this.element = h("div", {}, h("div", { class: "heat" }, this.names, this.box), this.words);
    this.cursor = null; // [row, column]
    this.box.addEventListener("pointermove", (event) => this.#point(event));
    this.box.addEventListener("pointerleave", () => this.#choose(null));
    this.box.addEventListener("keydown", (event) => this.#key(event));
    this.box.addEventListener("blur", () => this.#choose(null));
    this.resized = new ResizeObserver(([entry]) => {
      this.width = Math.round(entry.contentRect.width);
      this.draw();
    });
    this.resized.observe(this.box);
    this.themed = () => this.draw();
    document.addEventListener("theme", this.themed);
  }

  close() {
    this.resized.disconnect();
    document.removeEventListener("theme", this.themed);
  }

  take(rows) {
    for (const [key, cells] of Object.entries(rows)) {
      const known = this.rows.get(key) ?? this.rows.set(key, new Map()).get(key);
      for (const cell of cells) known.set(cell[0], cell);
    }
  }

  clear() {
    this.rows.clear();
  }

  show({ from, to, length }) {
    Object.assign(this, { from: Math.floor(from / length) * length, to, length });
    for (const cells of this.rows.values()) for (const start of cells.keys()) if (start < this.from - length) cells.delete(start);
    this.keys = [...this.rows.keys()].sort((a, b) => byName(a, b));
    const text = this.keys.join();
    if (this.names.dataset.of !== text) {
      this.names.dataset.of = text;
      this.names.replaceChildren(...this.keys.map(rowName));
    }
    this.draw();
  }

  draw() {
    if (!this.width || !this.keys) return;
    const height = this.keys.length * ROW + AXIS;
    const scale = devicePixelRatio || 1;
    this.columns = Math.ceil((this.to - this.from) / this.length);
    if (this.canvas.width !== Math.round(this.width * scale) || this.canvas.height !== Math.round(height * scale)) {
      this.canvas.width = Math.round(this.width * scale);
      this.canvas.height = Math.round(height * scale);
      this.canvas.style.height = `${height}px`;
    }
    const g = this.canvas.getContext("2d");
    g.setTransform(scale, 0, 0, scale, 0, 0);
    g.clearRect(0, 0, this.width, height);
    this.colours = Object.fromEntries(["ground", "muted", "line", "strong-line", "ink"].map((name) => [name, this.#colour(name)]));
    g.font = `600 10px ${getComputedStyle(this.box).fontFamily}`;
    g.textAlign = "center";
    g.textBaseline = "middle";
    this.hatch = hatched(g, this.colours, scale);
    this.keys.forEach((key, row) => this.#row(g, this.rows.get(key), row));
    this.#axis(g);
    this.#frame(g);
  }

  /** So many windows have room for a letter each, side by side. */
  get columnsAtMost() {
    return (this.width || WIDE) / LETTER_WIDTH;
  }

  /** As the canvas takes it: of the theme that is shown. */
  #colour(name) {
    this.probe.style.color = `var(--${name})`;
    return getComputedStyle(this.probe).color;
  }

  #x(column) {
    return (column * this.width) / this.columns;
  }

  #row(g, cells, row) {
    for (let column = 0; column < this.columns; column += 1) {
      const cell = cells.get(this.from + column * this.length);
      const x = this.#x(column);
      const soon = !cell && this.to - (this.from + (column + 1) * this.length) < LATE;
      if (!soon) this.#cell(g, cell, x, row * ROW, this.#x(column + 1) - x);
    }
  }

  #cell(g, cell, x, y, width) {
    const gap = width > 5 ? 1 : 0;
    const [w, h_] = [width - gap, ROW - 2];
    const seen = cell ? (cell[3] ?? 0) - (cell[4] ?? 0) : 0;
    if (seen < LEAST) {
      g.fillStyle = this.hatch;
      g.fillRect(x, y, w, h_);
      return;
    }
    g.fillStyle = this.colours.ground;
    g.fillRect(x, y, w, h_);
    const share = cell[2];
    if (share === null) {
      g.fillStyle = this.colours.line;
      g.fillRect(x, y + h_ - 2, w, 2);
      return;
    }
    const label = this.labels[cell[1]];
    const tall = Math.max(2, h_ * Math.min(1, seen)); // what was not seen stays empty
    const colour = mixed(colourOf(label), this.colours.ground, 0.35 + 0.65 * share);
    g.fillStyle = `rgb(${colour})`;
    g.fillRect(x, y + h_ - tall, w, tall);
    if (w < LETTER_WIDTH - 1) return;
    g.fillStyle = tall > h_ / 2 ? readableOn(colour) : this.colours.ink;
    g.fillText(LETTERS[label], x + w / 2, y + h_ / 2 + 1);
  }

  #axis(g) {
    g.fillStyle = this.colours.muted;
    g.font = `500 11px ${getComputedStyle(this.box).fontFamily}`;
    for (const time of ticks(this.from, this.to, this.width)) {
      const x = ((time - this.from) / (this.columns * this.length)) * this.width;
      g.fillText(clock(time), Math.min(Math.max(16, x), this.width - 16), this.keys.length * ROW + AXIS / 2 + 2);
    }
  }

  #frame(g) {
    if (!this.cursor) return;
    const [row, column] = this.cursor;
    g.strokeStyle = this.colours.ink;
    g.lineWidth = 2;
    g.strokeRect(this.#x(column) + 1, row * ROW + 1, this.#x(column + 1) - this.#x(column) - 2, ROW - 4);
  }

  #point(event) {
    const box = this.canvas.getBoundingClientRect();
    const row = Math.floor((event.clientY - box.top) / ROW);
    const column = Math.floor(((event.clientX - box.left) / this.width) * this.columns);
    this.#choose(row < (this.keys?.length ?? 0) ? [row, column] : null);
  }

  #key(event) {
    if (!this.keys?.length) return;
    const [row, column] = this.cursor ?? [0, this.columns - 1];
    const moved = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -column], End: [0, this.columns] }[event.key];
    if (!moved) return;
    event.preventDefault();
    const within = (value, most) => Math.max(0, Math.min(most - 1, value));
    this.#choose([within(row + moved[0], this.keys.length), within(column + moved[1], this.columns)]);
  }

  #choose(cursor) {
    if (String(cursor) === String(this.cursor)) return;
    this.cursor = cursor;
    this.draw();
    say(this.words, cursor ? this.#inWords(...cursor) : "");
  }

  #inWords(row, column) {
    const key = this.keys[row];
    const start = this.from + column * this.length;
    const cell = this.rows.get(key).get(start);
    const place = `${key.slice(key.indexOf("/") + 1)}, ${when(start, store.now)} to ${clock(start + this.length)}`;
    const seen = cell ? (cell[3] ?? 0) - (cell[4] ?? 0) : 0;
    if (seen < LEAST) return `${place}: no data`;
    const coverage = `coverage ${percent(cell[3])}`;
    if (cell[1] === null) return `${place}: nobody seen, or withheld; ${coverage}`;
    return `${place}: mostly ${this.labels[cell[1]]} (${percent(cell[2])}); ${coverage}`;
  }
}

function rowName(key) {
  const [scope, id] = [key.slice(0, key.indexOf("/")), key.slice(key.indexOf("/") + 1)];
  return h("li", {}, h("a", { href: `/${scope}/${encodeURIComponent(id)}`, title: id }, scope === "zone" ? h("small", {}, "zone ") : null, id));
}

/** So much of a colour ("#rrggbb") on a ground ("rgb(r, g, b)"): [r, g, b]. */
function mixed(colour, ground, part) {
  const [over, under] = [colour.match(/[0-9a-f]{2}/g).map((pair) => Number.parseInt(pair, 16)), ground.match(/\d+/g).map(Number)];
  return over.map((level, at) => Math.round(part * level + (1 - part) * under[at]));
}

/** Black or white, whichever has more contrast, by relative luminance (WCAG 2.2). */
function readableOn(colour) {
  const [r, g, b] = colour.map((level) => (level / 255 <= 0.04045 ? level / 255 / 12.92 : ((level / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000000" : "#ffffff";
}

function hatched(g, colours, scale) {
  const tile = new OffscreenCanvas(Math.round(6 * scale), Math.round(6 * scale));
  const t = tile.getContext("2d");
  t.scale(scale, scale);
  t.strokeStyle = colours["strong-line"];
  t.lineWidth = 1;
  t.beginPath();
  for (const shift of [-6, 0, 6]) {
    t.moveTo(shift, 6);
    t.lineTo(shift + 6, 0);
  }
  t.stroke();
  const pattern = g.createPattern(tile, "repeat");
  pattern.setTransform(new DOMMatrix().scale(1 / scale));
  return pattern;
}

