// One camera on the wall.
import { h, mark, say } from "./elements.js";
import { colourOf, told } from "./expressions.js";
import { age, number, plural, since } from "./format.js";
import { icon, setIcon } from "./icons.js";
import { Stage } from "./stage.js";
import { isOld, levelOf, lostWords, nameOf } from "./states.js";
import { store } from "./store.js";

const FACES = 3; // told in words; of more only how many

export class Tile {
  constructor(id, every) {
    this.id = id;
    this.stage = new Stage(id, { every });
    this.icon = icon("sees");
    this.kind = h("strong");
    this.words = h("span", { class: "why" });
    this.between = h("span", { class: "between" }, " · ");
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
    mark(this.element, "data-level", this.level);
    mark(this.element, "data-state", camera.level);
    mark(this.element, "data-kind", camera.kind);
    setIcon(this.icon, camera.kind);
    say(this.kind, nameOf(camera));
    this.tell(now);
    const old = isOld(camera);
    const shown = camera.preview !== null || camera.seen !== null;
    this.stage.show(old ? { ...camera, seen: null } : camera, old ? (shown ? "last picture" : "no picture yet") : "");
    say(this.fps, number(camera.fps) + (camera.expected ? ` of ${number(camera.expected)}` : ""));
    say(this.lag, age(camera.lag));
    say(this.lost, lostWords(camera));
    this.#tellFaces(old || camera.kind === "blind" ? [] : (camera.seen?.faces ?? []), camera);
  }

  /** What changes with the time alone. */
  tell(now) {
    const { words, since: began } = this.camera;
    const quiet = this.camera.level === "fine";
    const parts = [words, began !== null && !quiet ? since(began, now) : ""].filter(Boolean);
    say(this.words, parts.join(" · "));
    mark(this.between, "hidden", parts.length ? null : "");
    const [alert] = this.alerts;
    mark(this.alert, "hidden", alert ? null : "");
    if (alert) say(this.alert.lastChild, [alert.title, since(alert.since, now), looksAfter(alert)].filter(Boolean).join(" · "));
  }

  close() {
    this.stage.close();
    this.element.remove();
  }

  #tellFaces(faces, camera) {
    const lines = faces.slice(0, FACES).map((face) => ({ text: told(face), colour: face.untold === null ? colourOf(face.label) : null }));
    const more = faces.length + (camera.seen?.more ?? 0) - lines.length;
    if (!lines.length && camera.level === "fine" && store.start.faces) lines.push({ text: "no face", colour: null });
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
