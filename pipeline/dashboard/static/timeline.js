// What was told over time: stacked shares of the apparent expressions, coverage under them, alerts above.
import { h, mark, say, svg } from "./elements.js";
import { STACK, colourOf } from "./expressions.js";
import { clock, percent, span } from "./format.js";
import { store } from "./store.js";

const LEFT = 44;
const RIGHT = 12;
const TOP = 6;
const SHARES = 190;
const BETWEEN = 22;
const COVERAGE = 34;
const AXIS = 22;
const LANE = 22; // height of an alert
const LEAST = 0.02; // coverage below this is no data
const LATE = 60000; // a window is told so long after its end, at most

export class Timeline {
  /** `told`: is given the window under the cursor, in words. */
  constructor(labels) {
    this.labels = labels;
    this.chart = svg("svg", { class: "timeline", "aria-hidden": "true" });
    this.words = h("p", { class: "readout" });
    this.legend = legend();
    this.box = h(
      "div",
      { class: "chart", tabindex: "0", role: "slider", "aria-label": "Windows over time", "aria-valuemin": "0" },
      this.chart,
    );
    this.element = h("div", {}, this.legend, this.box, this.words);
    this.windows = [];
    this.alerts = [];
    this.at = -1;
    this.box.addEventListener("pointermove", (event) => this.#point(event));
    this.box.addEventListener("pointerleave", () => this.#choose(-1));
    this.box.addEventListener("keydown", (event) => this.#key(event));
    this.resized = new ResizeObserver(([entry]) => {
      const width = Math.round(entry.contentRect.width);
      if (width !== this.width) this.draw((this.width = width));
    });
    this.resized.observe(this.box);
  }

  close() {
    this.resized.disconnect();
  }

  /** `length`: of a window, ms; `from`, `to`: what is shown. */
  show(windows, alerts, { from, to, length }) {
    Object.assign(this, { windows, alerts, from, to, length });
    this.draw();
  }

  draw() {
    if (!this.width || this.from === undefined) return;
    const lanes = arrange(this.alerts.filter((alert) => this.#endOf(alert) > this.from && alert.since < this.to));
    this.top = TOP + lanes.count * LANE;
    const height = this.top + SHARES + BETWEEN + COVERAGE + AXIS;
    mark(this.chart, "viewBox", `0 0 ${this.width} ${height}`);
    mark(this.chart, "height", height);
    this.cursor = svg("rect", { class: "cursor", y: this.top, height: SHARES + BETWEEN + COVERAGE, visibility: "hidden" });
    this.chart.replaceChildren(
      patterns(),
      svg("rect", { class: "nothing", x: LEFT, y: this.top, width: this.width - LEFT - RIGHT, height: SHARES, fill: "url(#no-data)" }),
      ...this.#grid(),
      this.#pending(),
      ...this.windows.map((window) => this.#bar(window)),
      ...this.#coverage(),
      ...this.#gaps(),
      ...lanes.placed.map(([alert, lane]) => this.#alert(alert, lane)),
      ...this.#axis(),
      this.cursor,
    );
    mark(this.box, "aria-valuemax", Math.max(0, this.windows.length - 1));
    this.#choose(this.at);
  }

  x(time) {
    return LEFT + ((time - this.from) / (this.to - this.from)) * (this.width - LEFT - RIGHT);
  }

  #bar(window) {
    const x = this.x(window.start);
    const width = Math.max(0.5, this.x(window.end) - x - (this.#wide() ? 1 : 0));
    if (isGap(window)) return svg("g");
    const ground = svg("rect", { class: "ground", x, y: this.top, width: this.x(window.end) - x, height: SHARES });
    if (window.suppressed) return svg("g", {}, ground, svg("rect", { x, y: this.top, width, height: SHARES, fill: "url(#withheld)" }));
    if (window.shares === null) return svg("g", {}, ground, svg("rect", { class: "nobody", x, y: this.top + SHARES - 3, width, height: 3 }));
    let y = this.top + SHARES;
    const parts = STACK.map((label) => {
      const share = window.shares[this.labels.indexOf(label)];
      const height = share * SHARES;
      y -= height;
      return share > 0 ? svg("rect", { x, y, width, height: Math.max(0, height - (height > 4 ? 0.6 : 0)), fill: colourOf(label) }) : null;
    });
    return svg("g", {}, ground, ...parts.filter(Boolean));
  }

  /** The last minutes, of which no window was told yet. */
  #pending() {
    const end = Math.max(this.from, this.windows.at(-1)?.end ?? this.from);
    const soon = this.to - end < 2 * this.length + LATE;
    const width = soon ? Math.max(0, this.x(this.to) - this.x(end)) : 0;
    return svg("rect", { class: "ground", x: this.x(end), y: this.top, width, height: SHARES });
  }

  #wide() {
    return (this.length / (this.to - this.from)) * this.width > 4;
  }

  #coverage() {
    const base = this.top + SHARES + BETWEEN + COVERAGE;
    const bars = this.windows.map((window) => {
      const x = this.x(window.start);
      const width = Math.max(0.5, this.x(window.end) - x - (this.#wide() ? 1 : 0));
      const height = (window.coverage ?? 0) * COVERAGE;
      const blind = (window.blind ?? 0) * COVERAGE;
      return svg(
        "g",
        {},
        svg("rect", { class: "covered", x, y: base - height, width, height: height - blind }),
        blind ? svg("rect", { x, y: base - blind, width, height: blind, fill: "url(#blind)" }) : null,
      );
    });
    return [
      svg("rect", { class: "uncovered", x: LEFT, y: base - COVERAGE, width: this.width - LEFT - RIGHT, height: COVERAGE }),
      ...bars,
      svg("text", { class: "axis", x: LEFT, y: base - COVERAGE - 6 }, this.width < 480 ? "Coverage" : "Coverage: part of the promised frames that was seen"),
      svg("text", { class: "axis end", x: LEFT - 6, y: base - COVERAGE + 10 }, "100 %"),
      svg("text", { class: "axis end", x: LEFT - 6, y: base }, "0 %"),
    ];
  }

  /** Words on the longer stretches without data: nobody is to take them for calm. */
  #gaps() {
    const found = [];
    let begun = this.from;
    const end = (to) => {
      const wide = this.x(to) - this.x(begun);
      if (wide > 58) found.push(svg("text", { class: "gap", x: this.x(begun) + wide / 2, y: this.top + SHARES / 2 }, "no data"));
    };
    for (const window of this.windows) {
      if (isGap(window)) continue;
      if (window.start > begun) end(window.start);
      begun = Math.max(begun, window.end);
    }
    if (this.to - begun >= 2 * this.length + LATE) end(this.to);
    return found;
  }

  #grid() {
    return [0, 0.5, 1].flatMap((part) => {
      const y = this.top + SHARES * (1 - part);
      return [
        svg("line", { class: "grid", x1: LEFT, x2: this.width - RIGHT, y1: y, y2: y }),
        svg("text", { class: "axis end", x: LEFT - 6, y: y + (part === 1 ? 10 : part ? 4 : 0) }, `${part * 100} %`),
      ];
    });
  }

  #axis() {
    const y = this.top + SHARES + BETWEEN + COVERAGE;
    return ticks(this.from, this.to, this.width).map((time) =>
      svg("text", { class: "axis middle", x: Math.min(this.x(time), this.width - 18), y: y + 16 }, clock(time)),
    );
  }

  #endOf(alert) {
    return alert.state === "cleared" ? alert.at : store.now;
  }

  #alert(alert, lane) {
    const x = Math.max(LEFT, this.x(alert.since));
    const width = Math.max(6, Math.min(this.x(this.#endOf(alert)), this.width - RIGHT) - x);
    const y = TOP + lane * LANE;
    const room = this.width - RIGHT - x;
    const text = `${alert.state === "cleared" ? "" : "! "}${alert.title}`;
    const left = room < text.length * 6.4 + 10;
    return svg(
      "g",
      { class: `alert-mark ${alert.severity}${alert.state === "cleared" ? " over" : ""}` },
      svg("title", {}, `${alert.title}: ${alert.reason}`),
      svg("rect", { x, y: y + LANE - 6, width, height: 3, rx: 1.5 }),
      svg("line", { x1: x, x2: x, y1: y + LANE - 6, y2: this.top + SHARES }),
      svg("text", { x: left ? this.width - RIGHT : x + 2, y: y + 12, class: left ? "end" : "" }, text),
    );
  }

  #point(event) {
    const box = this.box.getBoundingClientRect();
    const time = this.from + ((event.clientX - box.left - LEFT) / (this.width - LEFT - RIGHT)) * (this.to - this.from);
    this.#choose(this.windows.findIndex((window) => window.start <= time && time < window.end));
  }

  #key(event) {
    const last = this.windows.length - 1;
    const at = this.at < 0 ? last : this.at;
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last, PageUp: at + 10, PageDown: at - 10 }[event.key];
    if (to === undefined || last < 0) return;
    event.preventDefault();
    this.#choose(Math.max(0, Math.min(last, to)));
  }

  #choose(at) {
    this.at = at;
    const window = this.windows[at];
    mark(this.cursor, "visibility", window ? "visible" : "hidden");
    const words = window ? inWords(window, this.labels) : summary(this.windows);
    say(this.words, words);
    mark(this.box, "aria-valuenow", Math.max(0, window ? at : this.windows.length - 1));
    mark(this.box, "aria-valuetext", words);
    if (!window) return;
    mark(this.cursor, "x", this.x(window.start));
    mark(this.cursor, "width", Math.max(1, this.x(window.end) - this.x(window.start)));
  }
}

export const isGap = (window) => (window.coverage ?? 0) - (window.blind ?? 0) < LEAST;

export function inWords(window, labels) {
  const time = span(window.start, window.end, store.now, " to ");
  const coverage = `coverage ${percent(window.coverage)}`;
  if (isGap(window)) return `${time}: no data, ${coverage}`;
  if (window.suppressed) return `${time}: withheld, too few people; ${coverage}`;
  if (window.shares === null) return `${time}: nobody seen; ${coverage}`;
  const shares = window.shares.map((share, at) => [labels[at], share]).filter(([, share]) => share >= 0.01);
  shares.sort((a, b) => b[1] - a[1]);
  return `${time}: ${shares.map(([label, share]) => `${label} ${percent(share)}`).join(", ")}; ${coverage}`;
}

function summary(windows) {
  if (!windows.length) return "No window yet: the first one is told a minute after the camera begins.";
  const seen = windows.filter((window) => window.coverage !== null);
  const mean = seen.reduce((sum, window) => sum + window.coverage, 0) / (seen.length || 1);
  return `${windows.length} windows, mean coverage ${percent(mean)}. Point at one, or use the arrow keys, to read it.`;
}

/** Lanes for alerts whose times, or titles, would lie over one another. */
function arrange(alerts) {
  const placed = alerts.slice(0, 6).map((alert, lane) => [alert, lane]);
  return { placed, count: placed.length };
}

export function ticks(from, to, width) {
  const steps = [5, 10, 15, 30, 60, 120, 180, 360, 720, 1440].map((minutes) => minutes * 60000);
  const step = steps.find((each) => (to - from) / each <= width / 70) ?? steps.at(-1);
  const found = [];
  for (let time = Math.ceil(from / step) * step; time <= to; time += step) found.push(time);
  return found;
}

function patterns() {
  const hatch = (id, name, turn, size = 7) =>
    svg(
      "pattern",
      { id, width: size, height: size, patternUnits: "userSpaceOnUse", patternTransform: `rotate(${turn})`, class: name },
      svg("rect", { width: size, height: size }),
      svg("line", { x1: 0, y1: 0, x2: 0, y2: size }),
    );
  return svg("defs", {}, hatch("no-data", "hatch", 45), hatch("withheld", "hatch strong", -45, 5), hatch("blind", "hatch strong", 0, 4));
}

export function legend() {
  const item = (label) => {
    const swatch = h("i", { class: "swatch" });
    swatch.style.background = colourOf(label);
    return h("li", {}, swatch, label);
  };
  return h(
    "ul",
    { class: "legend", role: "list", "aria-label": "Apparent expressions" },
    ...STACK.map(item),
    h("li", {}, h("i", { class: "swatch nobody" }), "nobody seen"),
    h("li", {}, h("i", { class: "swatch hatched" }), "no data"),
  );
}
