// Lines over the last hour; where there is nothing to tell, the line breaks.
import { h, mark, say, svg } from "./elements.js";
import { clock, number } from "./format.js";
import { ticks } from "./timeline.js";

const HEIGHT = 150;
const LEFT = 44;
const RIGHT = 12;
const TOP = 8;
const AXIS = 22;

export class Lines {
  /** `series`: {name, style} each; `unit`: of the axis. */
  constructor(label, series, unit) {
    this.series = series;
    this.unit = unit;
    this.label = label;
    this.chart = svg("svg", { class: "lines", role: "img", "aria-label": label });
    this.legend = h(
      "ul",
      { class: "legend", role: "list" },
      ...series.map(({ name, style }) => h("li", {}, svg("svg", { class: `key ${style}`, viewBox: "0 0 22 8", "aria-hidden": "true" }, svg("path", { d: "M1 4H21" })), h("span", {}, name), h("b", {}))),
    );
    this.box = h("div", { class: "chart" }, this.chart);
    this.element = h("div", {}, this.legend, this.box);
    this.resized = new ResizeObserver(([entry]) => {
      this.width = Math.round(entry.contentRect.width);
      this.#draw();
    });
    this.resized.observe(this.box);
  }

  close() {
    this.resized.disconnect();
  }

  /** `times`: ms; `values`: a list a series, of the same length. */
  show(times, values) {
    Object.assign(this, { times, values });
    values.forEach((each, at) => {
      const last = each.findLast((value) => value !== null) ?? null;
      say(this.legend.children[at].lastChild, `${number(last, 2)}${this.unit}`);
    });
    mark(this.chart, "aria-label", `${this.label}: ${this.series.map(({ name }, at) => `${name} ${this.legend.children[at].lastChild.textContent}`).join(", ")}`);
    this.#draw();
  }

  #draw() {
    if (!this.width || !this.times?.length) return;
    const to = this.times.at(-1);
    const from = to - 3600000;
    const most = nice(Math.max(0, ...this.values.flat().filter((value) => value !== null)));
    const x = (time) => LEFT + ((time - from) / (to - from)) * (this.width - LEFT - RIGHT);
    const y = (value) => TOP + HEIGHT * (1 - value / most);
    mark(this.chart, "viewBox", `0 0 ${this.width} ${TOP + HEIGHT + AXIS}`);
    mark(this.chart, "height", TOP + HEIGHT + AXIS);
    const grid = [0, 0.5, 1].flatMap((part) => [
      svg("line", { class: "grid", x1: LEFT, x2: this.width - RIGHT, y1: y(part * most), y2: y(part * most) }),
      svg("text", { class: "axis end", x: LEFT - 6, y: y(part * most) + 4 }, number(part * most, 2)),
    ]);
    const marks = ticks(from, to, this.width).map((time) => svg("text", { class: "axis middle", x: Math.min(x(time), this.width - 18), y: TOP + HEIGHT + 16 }, clock(time)));
    const lines = this.values.map((values, at) => svg("path", { class: this.series[at].style, d: path(this.times, values, x, y) }));
    this.chart.replaceChildren(...grid, ...marks, ...lines);
  }
}

function path(times, values, x, y) {
  let pen = "M";
  let drawn = "";
  values.forEach((value, at) => {
    if (value === null) pen = "M";
    else {
      drawn += `${pen}${x(times[at]).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = "L";
    }
  });
  return drawn;
}

/** The next of 1, 2, 5 times a power of ten. */
function nice(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value);
}
