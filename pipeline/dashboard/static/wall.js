// The wall: every camera, those that want to be looked at first.
import { addCamera } from "./dialogs.js";
import { h, mark, place, say } from "./elements.js";
import { byName } from "./format.js";
import { icon } from "./icons.js";
import { LEVELS, alertsByCamera } from "./states.js";
import { store } from "./store.js";
import { Tile } from "./tile.js";

const SLOW = [ // pictures of many cameras come less often
  { from: 40, every: 4000 },
  { from: 16, every: 2000 },
  { from: 0, every: 900 },
];

export class Wall {
  title = "Wall";
  #tiles = new Map();
  #levels = new Set();
  #search = "";
  #alerts = new Map();
  #clock = 0;

  constructor() {
    this.sections = new Map(LEVELS.map((level) => [level.id, section(level)]));
    this.chips = new Map(LEVELS.map((level) => [level.id, this.#chip(level)]));
    this.search = h("input", {
      type: "search",
      placeholder: "Find a camera",
      "aria-label": "Find a camera",
      oninput: () => {
        this.#search = this.search.value.trim().toLowerCase();
        this.#arrange();
      },
    });
    this.add = h("button", { class: "button", type: "button", onclick: () => addCamera() }, icon("plus"), "Add camera");
    this.empty = h("div", { class: "empty", hidden: true });
    this.element = h(
      "div",
      { class: "wall" },
      h("h1", { class: "unseen" }, "Wall of cameras"),
      h(
        "div",
        { class: "bar" },
        h("div", { class: "chips", role: "group", "aria-label": "Show only" }, ...this.chips.values()),
        h("label", { class: "search" }, icon("search"), this.search),
        this.add,
      ),
      this.empty,
      ...[...this.sections.values()].map((each) => each.element),
    );
  }

  open() {
    this.update(new Set(store.values.keys()));
    this.#clock = setInterval(() => this.#tick(), 5000);
  }

  close() {
    clearInterval(this.#clock);
    for (const tile of this.#tiles.values()) tile.close();
  }

  update(changed) {
    let arranged = false;
    if (changed.has("alerts")) {
      this.#alerts = alertsByCamera(store.get("alerts")?.standing);
      changed = new Set([...changed, ...[...this.#tiles.keys()].map((id) => `camera/${id}`)]);
    }
    for (const key of changed) {
      if (!key.startsWith("camera/")) continue;
      const id = key.slice(7);
      const camera = store.get(key);
      const before = this.#tiles.get(id);
      if (!camera) {
        before?.close();
        this.#tiles.delete(id);
        arranged = true;
        continue;
      }
      const tile = before ?? new Tile(id, () => SLOW.find((step) => this.#tiles.size > step.from)?.every ?? 900);
      const rank = String(before?.rank);
      this.#tiles.set(id, tile);
      tile.show(camera, this.#alerts.get(id) ?? [], store.now);
      arranged ||= rank !== String(tile.rank);
    }
    if (arranged || changed.has("feed")) this.#arrange();
    mark(this.add, "hidden", store.start && store.start.you.role !== "operator" ? "" : null);
  }

  #arrange() {
    const tiles = [...this.#tiles.values()].sort((a, b) => a.rank[0] - b.rank[0] || a.rank[1] - b.rank[1] || byName(a.id, b.id));
    const found = tiles.filter((tile) => !this.#search || `${tile.id} ${tile.camera.source}`.toLowerCase().includes(this.#search));
    for (const level of LEVELS) {
      const all = tiles.filter((tile) => tile.level === level.id).length;
      const { element, count, list } = this.sections.get(level.id);
      const here = found.filter((tile) => tile.level === level.id);
      let after = list.firstChild;
      for (const tile of here) {
        if (tile.element === after) after = after.nextSibling;
        else place(list, tile.element, after);
      }
      while (after) {
        const gone = after;
        after = after.nextSibling;
        gone.remove();
      }
      say(count, String(here.length));
      mark(element, "hidden", here.length && (!this.#levels.size || this.#levels.has(level.id)) ? null : "");
      this.#tellChip(level, all);
    }
    mark(this.element, "data-size", tiles.length > 24 ? "many" : tiles.length <= 6 ? "few" : null);
    this.#tellEmpty(tiles.length, found.length);
  }

  #chip(level) {
    const count = h("b", {}, "0");
    const chip = h(
      "button",
      {
        class: "chip",
        type: "button",
        "data-level": level.id,
        "aria-pressed": "false",
        onclick: () => {
          if (!this.#levels.delete(level.id)) this.#levels.add(level.id);
          mark(chip, "aria-pressed", this.#levels.has(level.id));
          this.#arrange();
        },
      },
      icon(level.icon),
      count,
      h("span", {}, level.words),
    );
    return chip;
  }

  #tellChip(level, count) {
    const chip = this.chips.get(level.id);
    say(chip.querySelector("b"), String(count));
    mark(chip, "data-none", count ? null : "");
  }

  #tellEmpty(all, found) {
    const shown = this.#levels.size ? [...this.sections.values()].some((each) => !each.element.hidden) : found > 0;
    mark(this.empty, "hidden", shown ? "" : null);
    if (shown) return;
    if (all) this.empty.replaceChildren(h("p", {}, this.#search ? `No camera is called like “${this.#search}”.` : "No camera is shown: choose another of the groups above."));
    else if (!store.get("feed")?.ready) this.empty.replaceChildren(h("p", {}, "Reading what is known of the site …"));
    else this.empty.replaceChildren(h("p", { class: "lead" }, "No camera yet."), h("p", {}, "Add one here, or name some under cameras in the settings."));
  }

  #tick() {
    for (const tile of this.#tiles.values()) tile.tell(store.now);
  }
}

function section(level) {
  const list = h("ul", { class: "tiles", role: "list" });
  const count = h("span", { class: "count" });
  const heading = h("h2", {}, level.title, " ", count);
  return { element: h("section", { class: "level", "data-level": level.id, "aria-label": level.title, hidden: true }, heading, list), count, list };
}
