// One camera's preview with the boxes of the faces in that very picture, drawn on top as SVG.
import { h, mark, say, svg } from "./elements.js";
import { colourOf, told, trackOf } from "./expressions.js";
import { forget, want } from "./pictures.js";

const WIDTH = 160; // of the canvas, pixels: a preview has a few values only
const LATE = 3000; // milliseconds that a picture may be late before the faces are told without it
const LABEL = 17; // height of a label, pixels
const CHAR = 6; // width of a character, about

export class Stage {
  wanted = null; // the preview that is there
  #drawn = null; // the one that is shown
  #drawnAt = 0;
  #seen = null; // faces to be drawn with it
  #next = null; // faces of the picture that is wanted
  #visible = false;
  #width = 0;

  /**
   * `every`: milliseconds between two pictures. `zones`: polygons to be outlined. `tell`: is given what was seen in the
   * picture that is shown, so that words say what boxes do.
   */
  constructor(id, { every = () => 1000, zones = [], tell }) {
    Object.assign(this, { id, every, zones, tell });
    this.canvas = h("canvas", { width: 4, height: 3, "aria-hidden": "true" });
    this.boxes = svg("svg", { class: "boxes", "aria-hidden": "true" });
    this.note = h("p", { class: "stage-note" });
    this.element = h("div", { class: "stage" }, this.canvas, this.boxes, this.note);
    sight.observe(this.element);
    sizes.observe(this.element);
    stages.set(this.element, this);
  }

  close() {
    sight.unobserve(this.element);
    sizes.unobserve(this.element);
    forget(this);
  }

  /** `note`: words over the picture where it is not what is there now. */
  show(camera, note) {
    say(this.note, note);
    mark(this.element, "data-old", note ? "" : null);
    this.wanted = camera.preview;
    this.#next = camera.seen;
    if (camera.preview === null) {
      this.#seen = camera.seen;
      this.#drawBoxes();
    }
    const drawn = this.#visible && camera.preview !== null && performance.now() - this.#drawnAt < this.every() + LATE;
    if (!drawn || note) this.tell(camera.seen);
    this.refresh();
  }

  refresh() {
    const due = performance.now() - this.#drawnAt >= this.every();
    if (this.#visible && this.wanted !== null && this.wanted !== this.#drawn && due) want(this);
  }

  draw(picture, version) {
    const height = Math.round((WIDTH * picture.height) / picture.width);
    if (this.canvas.height !== height) {
      this.canvas.width = WIDTH;
      this.canvas.height = height;
    }
    paint(this.canvas, picture);
    mark(this.element, "data-drawn", "");
    this.#drawn = version;
    this.#drawnAt = performance.now();
    this.#seen = this.#next;
    this.#drawBoxes();
    this.tell(this.#seen);
  }

  set visible(visible) {
    this.#visible = visible;
    if (visible) this.refresh();
    else forget(this);
  }

  set width(width) {
    if (Math.abs(width - this.#width) < 1) return;
    this.#width = width;
    this.#drawBoxes();
  }

  #drawBoxes() {
    const seen = this.#seen;
    const width = this.#width;
    if (!width) return;
    const height = width * (seen ? seen.size[1] / seen.size[0] : 0.75);
    mark(this.boxes, "viewBox", `0 0 ${width} ${height}`);
    const outlines = this.zones.map((zone) => outline(zone, width, height));
    const faces = seen?.faces ?? [];
    const places = faces.map((face) => placeOf(face, width, height));
    const boxes = faces.map((face, at) => box(face, places[at]));
    this.boxes.replaceChildren(...outlines, ...boxes, ...labelled(faces, places, width, height));
  }
}

function outline(zone, width, height) {
  const points = zone.polygon.map(([x, y]) => `${x * width},${y * height}`).join(" ");
  const [x, y] = zone.polygon.reduce((a, b) => (b[1] < a[1] ? b : a));
  return svg(
    "g",
    { class: "zone" },
    svg("polygon", { points }),
    svg("text", { x: x * width + 4, y: y * height + 14 }, zone.id),
  );
}

/** Fills the canvas with a picture of few pixels, smoothly. */
export function paint(canvas, picture) {
  const pen = canvas.getContext("2d");
  pen.imageSmoothingEnabled = true;
  pen.imageSmoothingQuality = "high";
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
}

function placeOf(face, width, height) {
  const [x, y, w, h_] = face.box;
  return { x: x * width, y: y * height, width: w * width, height: h_ * height };
}

function box(face, place) {
  const sure = face.untold === null;
  return svg(
    "g",
    { class: sure ? "face" : "face unsure" },
    svg("rect", { class: "casing", ...place, rx: 4 }),
    svg("rect", { class: "line", ...place, rx: 4, stroke: sure ? colourOf(face.label) : "#ffffff" }),
  );
}

/** Labels where there is room for them: above the box, under it, or nowhere; no two over one another. */
function labelled(faces, places, width, height) {
  const taken = [];
  const labels = [];
  faces.forEach((face, at) => {
    const text = told(face) + (face.track === null ? "" : ` · ${trackOf(face.track)}`);
    for (const words of [text, told(face)]) {
      const spot = free(places[at], words.length * CHAR + 24, taken, width, height);
      if (!spot) continue;
      taken.push(spot);
      labels.push(label(face, words, spot));
      break;
    }
  });
  return labels;
}

function free(place, long, taken, width, height) {
  const middle = place.x + place.width / 2 - long / 2;
  const x = Math.max(2, Math.min(middle, width - long - 2));
  for (const y of [place.y - LABEL - 4, place.y + place.height + 4]) {
    const clear = taken.every((other) => x + long < other.x || x > other.x + other.width || y + LABEL < other.y || y > other.y + LABEL);
    if (y >= 2 && y + LABEL <= height - 2 && clear) return { x, y, width: long };
  }
  return null;
}

function label(face, words, { x, y, width }) {
  const sure = face.untold === null;
  return svg(
    "g",
    { class: "label" },
    svg("rect", { class: "tag", x, y, width, height: LABEL, rx: 4 }),
    svg("circle", { cx: x + 10, cy: y + LABEL / 2, r: 4, fill: sure ? colourOf(face.label) : "none", stroke: "#fff" }),
    svg("text", { x: x + 18, y: y + 12.5 }, words),
  );
}

const stages = new WeakMap();

const sight = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      const stage = stages.get(entry.target);
      if (stage) stage.visible = entry.isIntersecting;
    }
  },
  { rootMargin: "120px" },
);

const sizes = new ResizeObserver((entries) => {
  for (const entry of entries) {
    const stage = stages.get(entry.target);
    if (stage) stage.width = entry.contentRect.width;
  }
});
