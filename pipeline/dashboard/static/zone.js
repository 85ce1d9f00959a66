// One zone: what was told of it.
import { h } from "./elements.js";
import { icon } from "./icons.js";
import { store } from "./store.js";
import { Told } from "./told.js";

export class Zone {
  constructor(id) {
    this.id = id;
    this.title = `Zone ${id}`;
    this.told = new Told("zone", id);
    const cameras = [...new Set(store.start.zones.filter((zone) => zone.id === id).map((zone) => zone.camera))];
    this.element = h(
      "div",
      { class: "detail" },
      h("div", { class: "title" }, h("a", { class: "back", href: "/site", "aria-label": "Back to the site" }, icon("back")), h("h1", { tabindex: "-1", title: id }, `Zone ${id}`)),
      cameras.length ? h("p", { class: "links" }, "Seen by ", ...cameras.map((camera) => h("a", { href: `/camera/${encodeURIComponent(camera)}` }, camera))) : null,
      this.told.element,
    );
  }

  open() {
    this.update(new Set(store.values.keys()));
  }

  close() {
    this.told.close();
  }

  update(changed) {
    this.told.update(changed);
  }
}
