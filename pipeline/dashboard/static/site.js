// The site: alerts that stand, and all rooms over time.
import { AlertList } from "./alerts.js";
import { h, mark } from "./elements.js";
import { Heat } from "./heat.js";
import { store } from "./store.js";
import { legend } from "./timeline.js";
import { READING, choice } from "./told.js";

const HOUR = 3600000;
const SOON = 3000;
const NARROW = 640; // pixels: a phone

export class Site {
  title = "Site";
  #version = 0;
  #timer = 0;
  #closed = false;

  constructor() {
    const { labels, hours, site } = store.start;
    this.standing = new AlertList();
    this.recent = new AlertList();
    this.calm = h("p", { class: "quiet" }, "No alert stands.");
    this.before = h("details", { class: "before" }, h("summary", {}, "Alerts that are over"), this.recent.element);
    this.heat = new Heat(labels);
    this.hours = innerWidth < NARROW ? Math.min(1, hours) : hours;
    this.spec = "";
    this.specs = [];
    const choices = [...new Set([1, 3, 6, 12, 24, hours].filter((each) => each <= hours))];
    this.ranges = choice("Last", choices.map((each) => [each, `${each} h`]), this.hours, (each) => {
      this.hours = each;
      this.#ask();
    });
    this.reading = h("p", { class: "empty", role: "status", hidden: true }, READING);
    this.none = h("p", { class: "empty", hidden: true }, "No window yet: the first ones are told a minute after the cameras begin.");
    this.element = h(
      "div",
      { class: "detail" },
      h("div", { class: "title" }, h("h1", { tabindex: "-1" }, site)),
      h("section", { class: "card" }, h("h2", {}, "Alerts that stand"), this.calm, this.standing.element, this.before),
      h(
        "section",
        { class: "card" },
        h("div", { class: "card-head" }, h("h2", {}, "Rooms over time"), h("div", { class: "choices" }, this.ranges)),
        h("p", { class: "quiet" }, "Colour and letter: the apparent expression told most often; the stronger, the larger its share. Height: how much of the promised frames was seen."),
        legend(),
        this.reading,
        this.none,
        this.heat.element,
      ),
    );
  }

  open() {
    this.update(new Set(store.values.keys()));
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.heat.close();
  }

  update(changed) {
    if (changed.has("feed")) this.#tellWhole();
    if (changed.has("alerts")) this.#tellAlerts(store.get("alerts") ?? { standing: [], recent: [] });
    if (!changed.has("windows") || this.#timer) return;
    const first = this.#version === 0;
    this.#timer = setTimeout(() => this.#fetch(), first ? 0 : SOON);
  }

  /** While the past is still being read, holes in it mean nothing. */
  #tellWhole() {
    const whole = Boolean(store.get("feed")?.past);
    mark(this.reading, "hidden", whole ? "" : null);
    mark(this.heat.element, "hidden", whole ? null : "");
    mark(this.none, "hidden", !whole || this.heat.rows.size ? "" : null);
  }

  #tellAlerts({ standing, recent }) {
    this.standing.show(standing);
    this.recent.show(recent);
    mark(this.calm, "hidden", standing.length ? "" : null);
    mark(this.before, "hidden", recent.length ? null : "");
  }

  /** The range calls for windows of another length: all of them anew. */
  #ask() {
    const spec = this.#fitting();
    if (spec !== this.spec) {
      this.spec = spec;
      this.#version = 0;
      this.heat.clear();
      this.#fetch();
    } else this.#show();
  }

  /** The shortest windows of which each has room for its letter. */
  #fitting() {
    const fits = this.specs.find((spec) => (this.hours * HOUR) / (Number.parseInt(spec, 10) * 1000) <= this.heat.columnsAtMost);
    return fits ?? this.specs.at(-1) ?? "";
  }

  async #fetch() {
    this.#timer = 0;
    const spec = this.spec;
    let told;
    try {
      const response = await fetch(`/data/heat?${new URLSearchParams({ spec, after: this.#version })}`);
      if (!response.ok) return;
      told = await response.json();
    } catch {
      return;
    }
    if (this.#closed || spec !== this.spec) return;
    this.spec = told.spec;
    this.specs = told.specs;
    this.#version = told.version;
    this.heat.take(told.rows);
    if (this.#fitting() === this.spec) this.#show();
    else this.#ask();
  }

  #show() {
    const length = Number.parseInt(this.spec, 10) * 1000 || 60000;
    this.#tellWhole();
    this.heat.show({ from: store.now - this.hours * HOUR, to: store.now, length });
  }
}

