// The system: how much flows and how fast, which processes run, what it was made with.
import { h, mark } from "./elements.js";
import { ahead, lasting, since } from "./format.js";
import { icon } from "./icons.js";
import { Lines } from "./lines.js";
import { store } from "./store.js";

const EVERY = 5000;
const ICONS = { running: "check", starting: "connecting", waiting: "waiting", stopped: "stopped", silent: "silent" };

export class System {
  title = "System";
  #timer = 0;

  constructor() {
    const faces = store.start.faces ? [{ name: "faces/s", style: "two" }] : [];
    this.flow = new Lines("Throughput", [{ name: "frames/s", style: "one" }, ...faces], "");
    this.latency = new Lines("Latency from capture to observation", [{ name: "half of the frames below", style: "one" }, { name: "95 % below", style: "two" }], " s");
    this.backlog = new Lines("Records waiting in Kafka", [{ name: "waiting for an analyzer", style: "one" }], "");
    this.roles = h("tbody");
    this.noRole = h("p", { class: "quiet" }, "No process has told of itself yet.");
    this.made = h("dl", { class: "facts" });
    const heads = ["Process", "State", "Host", "Clock", "Runs for", "Version"];
    this.table = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Processes" }, h("table", { class: "roles" }, h("thead", {}, h("tr", {}, ...heads.map((text) => h("th", { scope: "col" }, text)))), this.roles));
    this.element = h(
      "div",
      { class: "detail" },
      h("div", { class: "title" }, h("h1", { tabindex: "-1" }, "System")),
      h(
        "div",
        { class: "cards" },
        h("section", { class: "card" }, h("h2", {}, "Throughput"), this.flow.element),
        h("section", { class: "card" }, h("h2", {}, "Latency, capture to observation"), this.latency.element),
        h("section", { class: "card" }, h("h2", {}, "Waiting in Kafka"), this.backlog.element),
        h("section", { class: "card" }, h("h2", {}, "Model and build"), this.made),
      ),
      h("section", { class: "card" }, h("h2", {}, "Processes"), this.noRole, this.table),
    );
  }

  open() {
    this.update(new Set(["roles", "made"]));
    this.#fetch();
    this.#timer = setInterval(() => this.#fetch(), EVERY);
  }

  close() {
    clearInterval(this.#timer);
    for (const lines of [this.flow, this.latency, this.backlog]) lines.close();
  }

  update(changed) {
    if (changed.has("roles")) this.#tellRoles(store.get("roles") ?? []);
    if (changed.has("made")) this.#tellMade(store.get("made") ?? {});
  }

  async #fetch() {
    let told;
    try {
      const response = await fetch("/data/flow");
      if (!response.ok) return;
      told = await response.json();
    } catch {
      return;
    }
    const of = (at) => told.points.map((point) => point[at]);
    const times = of(0);
    this.flow.show(times, store.start.faces ? [of(1), of(2)] : [of(1)]);
    this.latency.show(times, [of(3), of(4)]);
    this.backlog.show(times, [of(5)]);
  }

  #tellRoles(roles) {
    mark(this.noRole, "hidden", roles.length ? "" : null);
    mark(this.table, "hidden", roles.length ? null : "");
    this.roles.replaceChildren(
      ...roles.map((role) =>
        h(
          "tr",
          { "data-state": role.state },
          h("th", { scope: "row" }, role.role, " ", h("small", {}, role.instance)),
          h("td", {}, h("span", { class: "role-state" }, icon(ICONS[role.state]), role.state === "silent" ? `silent ${since(role.heard, store.now)}` : role.state, role.detail ? ` for ${role.detail}` : "")),
          h("td", {}, role.host),
          h("td", {}, role.clock ? ahead(...role.clock) : "–"),
          h("td", {}, lasting(role.heard - role.started)),
          h("td", {}, role.version),
        ),
      ),
    );
  }

  #tellMade({ model, detector, degradation = [], version }) {
    const ref = (made) => (made ? [made.name, made.version && `version ${made.version}`, made.sha256 && `sha256 ${made.sha256.slice(0, 12)}…`].filter(Boolean).join(", ") : "no observation yet");
    const facts = [
      ["emostream", version ?? "–"],
      ["Model", ref(model)],
      ["Detector", ref(detector)],
      ["Degraded", degradation.length ? degradation.join(", ") : "no"],
    ];
    this.made.replaceChildren(...facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
  }
}

