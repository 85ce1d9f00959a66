// One camera on the wall.
import { h, mark, say } from "./elements.js";
import { colourOf, told } from "./expressions.js";
import { age, listed, number, plural, since } from "./format.js";
import { icon, setIcon } from "./icons.js";
import { Stage } from "./stage.js";
import { RANK, isOld, levelOf, lostWords, nameOf } from "./states.js";
import { store } from "./store.js";

const FACES = 3; // told in words; of more only how many

export class Tile {
  constructor(id, every) {
    this.id = id;
    this.stage = new Stage(id, { every, tell: (seen) => this.#tellFaces(seen) });
    this.icon = icon("sees");
    this.kind = h("strong");
    this.words = h("span", { class: "why" });
    this.between = h("span", { class: "between" }, "\u00a0· ");
    this.faces = h("ul", { class: "faces", role: "list" });
    this.alert = h("p", { class: "alarm", hidden: true }, icon("bell"), h("span"));
    this.fps = h("dd");
    this.lag = h("dd");
    this.lost = h("p", { class: "lost" });
    this.link = h("a", { href: `/camera/${encodeURIComponent(id)}`, title: id }, id);
    this.element = h(
      "li",
      { class: "tile" },
      this.stage.element,
      h(
        "div",
        { class: "tile-text" },
        h("h3", {}, this.link),
        h("p", { class: "state" }, this.icon, h("span", {}, this.kind, this.between, this.words)),
        this.alert,
        this.faces,
        this.lost,
        h("dl", { class: "figures" }, h("div", {}, h("dt", {}, "frames/s"), this.fps), h("div", {}, h("dt", {}, "lag"), this.lag)),
      ),
    );
  }

  /** `alerts`: that stand of this camera. */
  show(camera, alerts, now) {
    this.camera = camera;
    this.alerts = alerts;
    this.level = levelOf(camera, alerts, now);
    this.rank = [RANK[this.level], -RANK[camera.level]]; // people who call come before cameras that fail
    mark(this.element, "data-level", this.level);
    mark(this.element, "data-state", camera.level);
    mark(this.element, "data-kind", camera.kind);
    setIcon(this.icon, camera.kind);
    say(this.kind, nameOf(camera));
    this.tell(now);
    const old = isOld(camera);
    const shown = camera.preview !== null || camera.seen !== null;
    const note = old ? (shown ? "last picture" : "no picture yet") : "";
    this.stage.show(old || camera.kind === "blind" ? { ...camera, seen: null } : camera, note);
    say(this.fps, number(camera.fps) + (camera.expected ? ` of ${number(camera.expected)}` : ""));
    say(this.lag, age(camera.lag));
    say(this.lost, lostWords(camera));
  }

  /** What changes with the time alone. */
  tell(now) {
    const { words, since: began } = this.camera;
    const quiet = this.camera.level === "fine";
    const why = listed(words, began !== null && !quiet && since(began, now));
    say(this.words, why);
    mark(this.between, "hidden", why ? null : "");
    const [alert] = this.alerts;
    mark(this.alert, "hidden", alert ? null : "");
    if (alert) say(this.alert.lastChild, listed(alert.title, since(alert.since, now), looksAfter(alert)));
  }

  close() {
    this.stage.close();
    this.element.remove();
  }

  /** `seen`: null where nothing that was seen holds now. */
  #tellFaces(seen) {
    const faces = seen?.faces ?? [];
    const lines = faces.slice(0, FACES).map((face) => ({ text: told(face), colour: face.untold === null ? colourOf(face.label) : null }));
    const more = faces.length + (seen?.more ?? 0) - lines.length;
    if (!lines.length && this.camera.level === "fine" && store.start.faces) lines.push({ text: "no face", colour: null });
    else if (more > 0) lines.push({ text: `and ${plural(more, "more face")}`, colour: null });
    while (this.faces.children.length > lines.length) this.faces.lastChild.remove();
    lines.forEach((line, at) => {
      const item = this.faces.children[at] ?? this.faces.appendChild(h("li", {}, h("i", { "aria-hidden": "true" }), h("span")));
      item.firstChild.style.background = line.colour ?? "transparent";
      mark(item, "class", line.colour ? null : "plain");
      say(item.lastChild, line.text);
    });
  }
}

const looksAfter = (alert) => (alert.acknowledged_by ? `${alert.acknowledged_by} looks after it` : "");
