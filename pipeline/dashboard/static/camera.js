// One camera: what it sees now, what it is to be, and what was told of it.
import { changeCamera, pauseCamera, removeCamera, resumeCamera } from "./dialogs.js";
import { h, mark, say } from "./elements.js";
import { colourOf, told as faceTold, trackOf } from "./expressions.js";
import { age, full, listed, number, since } from "./format.js";
import { icon, setIcon } from "./icons.js";
import { go } from "./router.js";
import { Stage } from "./stage.js";
import { isOld, lostWords, nameOf } from "./states.js";
import { store } from "./store.js";
import { Told } from "./told.js";

export class Camera {
  constructor(id) {
    this.id = id;
    this.title = id;
    const zones = store.start.zones.filter((zone) => zone.camera === id);
    this.stage = new Stage(id, { every: () => 500, zones, tell: (seen) => this.#tellFaces(seen) });
    this.told = new Told("camera", id);
    this.icon = icon("sees");
    this.kind = h("strong");
    this.words = h("span");
    this.faces = h("ul", { class: "faces large", role: "list" });
    this.facts = h("dl", { class: "facts" });
    this.zones = h("p", { class: "links" }, ...links(zones));
    this.actions = h("div", { class: "actions" });
    this.missing = h("div", { class: "empty", hidden: true });
    this.now = h(
      "section",
      { class: "card now", hidden: true },
      this.stage.element,
      h("div", { class: "now-text" }, h("p", { class: "state" }, this.icon, h("span", {}, this.kind, this.words)), this.faces, this.facts, this.zones),
    );
    this.element = h(
      "div",
      { class: "detail" },
      h("div", { class: "title" }, h("a", { class: "back", href: "/", "aria-label": "Back to the wall" }, icon("back")), h("h1", { tabindex: "-1", title: id }, id), this.actions),
      this.missing,
      this.now,
      this.told.element,
    );
  }

  open() {
    this.update(new Set(store.values.keys()));
  }

  close() {
    this.stage.close();
    this.told.close();
  }

  update(changed) {
    this.told.update(changed);
    if (!changed.has(`camera/${this.id}`) && !changed.has("feed")) return; // with the feed it is known that there is none
    const camera = store.get(`camera/${this.id}`);
    mark(this.now, "hidden", camera ? null : "");
    mark(this.missing, "hidden", camera ? "" : null);
    if (camera) this.#show(camera);
    else this.missing.replaceChildren(h("p", {}, `There is no camera ${this.id} now. What was told of it is below, as long as it is kept.`));
    this.#act(camera);
  }

  #show(camera) {
    mark(this.now, "data-state", camera.level);
    setIcon(this.icon, camera.kind);
    say(this.kind, nameOf(camera));
    const why = listed(camera.words, camera.since !== null && since(camera.since, store.now));
    say(this.words, why && `\u00a0· ${why}`);
    this.old = isOld(camera);
    this.stage.show(this.old ? { ...camera, seen: null } : camera, this.old ? (camera.preview ? "last picture" : "no picture yet") : "");
    this.#tellFacts(camera);
  }

  #tellFaces(seen) {
    const lines = (seen?.faces ?? []).map((face) =>
      h("li", { class: face.untold === null ? null : "plain" }, swatch(face), h("span", {}, faceTold(face)), h("small", {}, whose(face))),
    );
    if (!lines.length && !this.old) {
      const why = store.start.faces ? "no face" : "Faces are told as sums of ten seconds only.";
      lines.push(h("li", { class: "plain" }, h("i", { "aria-hidden": "true" }), h("span", {}, why)));
    }
    this.faces.replaceChildren(...lines);
  }

  #tellFacts(camera) {
    const wanted = camera.desired;
    const flow = [
      ["Frames a second", number(camera.fps) + (camera.expected ? ` of ${number(camera.expected)} promised` : "")],
      ["Lag", age(camera.lag)],
      ["Lost in the last minute", lostWords(camera) || "nothing"],
    ];
    const facts = [
      ...(this.old ? [] : flow),
      ["Address", camera.source || "–"],
      ["Set up", wanted === null || wanted.origin === "settings" ? "in the settings of its capture process" : `by ${wanted.by || "somebody"}, ${full(wanted.at)}`],
    ];
    if (wanted?.masks) facts.push(["Blacked out", wanted.masks === 1 ? "one part of the picture" : `${wanted.masks} parts of the picture`]);
    const text = JSON.stringify(facts);
    if (this.facts.dataset.of === text) return;
    this.facts.dataset.of = text;
    this.facts.replaceChildren(...facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
  }

  #act(camera) {
    const operator = store.start.you.role === "operator";
    const added = camera?.desired?.origin === "added";
    const state = [operator && Boolean(camera), added, camera?.desired?.paused].join();
    if (this.actions.dataset.of === state) return;
    this.actions.dataset.of = state;
    if (!operator || !camera) return this.actions.replaceChildren();
    const now = () => store.get(`camera/${this.id}`) ?? camera;
    const button = (name, text, act) => {
      const made = h("button", { class: "button", type: "button", onclick: () => act(now(), made) }, icon(name), text);
      return made;
    };
    const paused = camera.desired?.paused;
    const made = [paused ? button("play", "Resume", resumeCamera) : button("paused", "Pause", pauseCamera)];
    if (added) made.push(button("edit", "Change", changeCamera), button("remove", "Remove", (each) => removeCamera(each, () => go("/"))));
    return this.actions.replaceChildren(...made);
  }
}

function swatch(face) {
  const mark_ = h("i", { "aria-hidden": "true" });
  if (face.untold === null) mark_.style.background = colourOf(face.label);
  return mark_;
}

function whose(face) {
  const zones = face.zones.length ? `in ${face.zones.join(", ")}` : "";
  return listed(face.track !== null && `track ${trackOf(face.track)}`, zones);
}

const links = (zones) =>
  [...new Set(zones.map((zone) => zone.id))].map((id) => h("a", { href: `/zone/${encodeURIComponent(id)}` }, `Zone ${id}`));
