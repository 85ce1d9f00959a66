// The windows as a table: the timeline in words, for those who do not see it and for those who want the figures.
import { h } from "./elements.js";
import { STACK } from "./expressions.js";
import { percent, span } from "./format.js";
import { store } from "./store.js";
import { isGap } from "./timeline.js";

const ROWS = 60;

export class WindowTable {
  constructor(labels) {
    this.labels = labels;
    this.rows = h("tbody");
    this.all = false;
    this.button = h("button", { class: "button", type: "button", onclick: () => this.#showAll() }, "Show all");
    const heads = ["Window", "Coverage", ...STACK.map((label) => label), "Told", "Not told", "Tracks", "Lost"];
    this.element = h(
      "div",
      {},
      h(
        "div",
        { class: "scroll", tabindex: "0", role: "region", "aria-label": "Windows" },
        h("table", {}, h("thead", {}, h("tr", {}, ...heads.map((text) => h("th", { scope: "col" }, text)))), this.rows),
      ),
      this.button,
    );
  }

  show(windows) {
    this.windows = windows;
    const newest = windows.toReversed();
    this.rows.replaceChildren(...(this.all ? newest : newest.slice(0, ROWS)).map((window) => this.#row(window)));
    this.button.hidden = this.all || windows.length <= ROWS;
  }

  #showAll() {
    this.all = true;
    this.show(this.windows);
  }

  #row(window) {
    const gap = isGap(window);
    const instead = gap ? "no data" : window.suppressed ? "withheld: too few people" : window.shares === null ? "nobody seen" : null;
    const shares = instead
      ? [h("td", { colspan: STACK.length, class: gap ? "gap" : "quiet" }, instead)]
      : STACK.map((label) => h("td", {}, share(window.shares[this.labels.indexOf(label)])));
    const lost = Object.entries(window.dropped).filter(([, count]) => count);
    const why = [...lost.map(([reason, count]) => `${count} ${reason.replaceAll("_", " ")}`), window.dead ? `${window.dead} unreadable` : ""].filter(Boolean);
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, span(window.start, window.end, store.now)),
      h("td", {}, percent(window.coverage)),
      ...shares,
      h("td", {}, String(window.told)),
      h("td", {}, String(window.abstained)),
      h("td", {}, String(window.tracks)),
      h("td", {}, why.join(", ") || "–"),
    );
  }
}

const share = (part) => (part ? percent(part) : "–");
