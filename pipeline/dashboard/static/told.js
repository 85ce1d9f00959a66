// The part of a page that tells of the past: range, timeline, alerts, table.
import { AlertList } from "./alerts.js";
import { h, mark } from "./elements.js";
import { specName } from "./format.js";
import { Past } from "./past.js";
import { store } from "./store.js";
import { WindowTable } from "./table.js";
import { Timeline } from "./timeline.js";

const HOUR = 3600000;
export const READING = "Reading the windows of the past …";

export class Told {
  constructor(scope, id) {
    const { labels, hours } = store.start;
    this.past = new Past(scope, id, () => this.#show());
    this.timeline = new Timeline(labels);
    this.table = new WindowTable(labels);
    this.alerts = new AlertList({ where: false });
    this.hours = Math.min(1, hours);
    const choices = [...new Set([1, 3, 6, 12, 24, hours].filter((each) => each <= hours))];
    this.ranges = choice("Last", choices.map((each) => [each, `${each} h`]), this.hours, (hours_) => {
      this.hours = hours_;
      this.#show();
    });
    this.specs = h("div");
    this.none = h("p", { class: "quiet" }, "No alert in this time.");
    this.reading = h("p", { class: "empty", role: "status", hidden: true }, READING);
    this.element = h(
      "div",
      { class: "told" },
      h(
        "section",
        { class: "card" },
        h("div", { class: "card-head" }, h("h2", {}, "Apparent expressions over time"), h("div", { class: "choices" }, this.specs, this.ranges)),
        this.reading,
        this.timeline.element,
      ),
      h("section", { class: "card" }, h("h2", {}, "Alerts"), this.alerts.element, this.none),
      h("section", { class: "card" }, h("h2", {}, "Windows"), this.table.element),
    );
  }

  update(changed) {
    if (changed.has("feed")) {
      const whole = Boolean(store.get("feed")?.past);
      mark(this.reading, "hidden", whole ? "" : null);
      mark(this.timeline.element, "hidden", whole ? null : "");
    }
    if (changed.has("windows")) this.past.know(store.get("windows"));
  }

  get cameras() {
    return this.past.windows.at(-1)?.cameras ?? [];
  }

  close() {
    this.past.close();
    this.timeline.close();
  }

  #show() {
    const { windows, alerts, spec, specs } = this.past;
    const length = Number.parseInt(spec, 10) * 1000 || 60000;
    const end = Math.max(store.now, windows.at(-1)?.end ?? 0);
    const from = Math.floor((end - this.hours * HOUR) / length) * length;
    const shown = apart(windows.filter((window) => window.end > from), length);
    this.timeline.show(shown, alerts, { from, to: end, length });
    this.table.show(shown);
    this.alerts.show(alerts.filter((alert) => alert.state !== "cleared" || alert.at > from));
    mark(this.none, "hidden", this.alerts.element.hidden ? null : "");
    if (this.specs.dataset.of !== specs.join()) {
      this.specs.dataset.of = specs.join();
      const chosen = choice("Windows of", specs.map((each) => [each, specName(each)]), spec, (each) => this.past.choose(each));
      this.specs.replaceChildren(specs.length > 1 ? chosen : "");
    }
  }
}

/** Of windows that overlap, those that follow on one another. */
function apart(windows, length) {
  const overlap = windows.some((window, at) => at && window.start < windows[at - 1].end);
  return overlap ? windows.filter((window) => window.start % length === 0) : windows;
}

/** Some values of which one is chosen. `choices`: [value, text]. */
export function choice(label, choices, chosen, told) {
  const name = `choice-${crypto.randomUUID?.() ?? Math.random()}`;
  const options = choices.map(([value, text]) =>
    h("label", {}, h("input", { type: "radio", name, checked: value === chosen, onchange: () => told(value) }), h("span", {}, text)),
  );
  return h("fieldset", { class: "choice" }, h("legend", {}, label), h("div", {}, ...options));
}

