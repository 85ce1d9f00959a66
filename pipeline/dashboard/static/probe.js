// A test picture before a camera is saved: taken by capture, low-passed, kept nowhere.
import { ask, Problem } from "./api.js";
import { h, mark, say } from "./elements.js";
import { icon } from "./icons.js";
import { paint } from "./stage.js";

const WIDTH = 480;

export class TestPicture {
  /** `asked`: from the form to what is to be tried. */
  constructor(asked) {
    this.asked = asked;
    this.canvas = h("canvas", { role: "img", "aria-label": "Test picture", hidden: true });
    this.words = h("p", { class: "hint", role: "status" }, "See whether it works before it is saved. The picture is blurred and kept nowhere.");
    this.button = h("button", { class: "button", type: "button", onclick: () => this.#try() }, icon("camera"), "Test picture");
    this.element = h("div", { class: "test" }, this.button, this.words, this.canvas);
  }

  async #try() {
    const form = this.element.closest("form");
    if (!form.elements.uri.reportValidity()) return;
    this.button.disabled = true;
    this.canvas.hidden = true;
    mark(this.element, "data-outcome", null);
    say(this.words, "Connecting …");
    const began = performance.now();
    try {
      const told = await pictureOf(await ask("POST", "/v1/probe", this.asked(form)));
      this.canvas.width = WIDTH;
      this.canvas.height = Math.round((WIDTH * told.bitmap.height) / told.bitmap.width);
      paint(this.canvas, told.bitmap);
      told.bitmap.close();
      this.canvas.hidden = false;
      mark(this.element, "data-outcome", "good");
      say(this.words, `It works: ${[told.words, `after ${((performance.now() - began) / 1000).toFixed(1)} s`].filter(Boolean).join(", ")}.`);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      mark(this.element, "data-outcome", "bad");
      say(this.words, error.message);
    } finally {
      this.button.disabled = false;
    }
  }
}

async function pictureOf(response) {
  const size = response.headers.get("x-frame-size");
  return { bitmap: await createImageBitmap(await response.blob()), words: size };
}
