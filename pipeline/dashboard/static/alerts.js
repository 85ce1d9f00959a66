// Alerts as a list: what stands, since when, who looks after it.
import { acknowledge } from "./dialogs.js";
import { h, mark } from "./elements.js";
import { lasting, listed, since, when } from "./format.js";
import { icon } from "./icons.js";
import { store } from "./store.js";

const CLEARED = {
  data: "seen to be over",
  nothing_expected: "its cameras were stopped; it was not seen to be over",
  grouped: "goes on as part of another",
  forgotten: "closed on request",
  rule: "its rule is no more",
};

export class AlertList {
  /** `where`: whether to tell of which camera, zone or site each is. */
  constructor({ where = true } = {}) {
    this.where = where;
    this.element = h("ul", { class: "alerts", role: "list" });
    this.told = "";
  }

  show(alerts) {
    const told = JSON.stringify([alerts, Math.floor(store.now / 60000)]);
    mark(this.element, "hidden", alerts.length ? null : "");
    if (told === this.told) return;
    this.told = told;
    const focused = this.element.contains(document.activeElement) ? document.activeElement.closest("li").dataset.id : null;
    this.element.replaceChildren(...alerts.map((alert) => this.#item(alert)));
    if (focused === null) return;
    const again = [...this.element.children].find((item) => item.dataset.id === focused) ?? this.element.firstElementChild;
    (again?.querySelector("button") ?? again)?.focus();
  }

  #item(alert) {
    const stands = alert.state !== "cleared";
    const operator = store.start.you.role === "operator";
    return h(
      "li",
      { class: "alert", "data-id": alert.id, "data-severity": stands ? alert.severity : "over", tabindex: "-1" },
      icon(stands ? (alert.severity === "info" ? "bell" : "alert") : "check"),
      h(
        "div",
        {},
        h("p", { class: "alert-title" }, h("strong", {}, alert.title), " ", h("span", { class: "severity" }, stands ? alert.severity : "over"), this.where ? place(alert) : null),
        h("p", {}, alert.reason),
        h("p", { class: "quiet" }, listed(...words(alert))),
      ),
      stands && operator && !alert.acknowledged_by
        ? h("button", { class: "button small", type: "button", onclick: () => acknowledge(alert) }, "Acknowledge")
        : null,
    );
  }
}

function place(alert) {
  const path = alert.scope === "site" ? "/site" : `/${alert.scope}/${encodeURIComponent(alert.of)}`;
  return h("a", { class: "place", href: path }, alert.scope === "camera" ? alert.of : `${alert.scope} ${alert.of}`);
}

function* words(alert) {
  if (alert.state === "cleared") {
    yield `${when(alert.since, store.now)} to ${when(alert.at, store.now)} (${lasting(alert.at - alert.since)})`;
    yield CLEARED[alert.cleared_by] ?? "over";
  } else {
    yield since(alert.since, store.now);
    if (alert.stale) yield "cannot be judged now; that is no sign of calm";
    if (alert.acknowledged_by) yield `${alert.acknowledged_by} looks after it`;
    else if (alert.silenced_until > store.now) yield `silenced until ${when(alert.silenced_until, store.now)}`;
  }
}
