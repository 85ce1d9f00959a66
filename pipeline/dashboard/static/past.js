// The windows of one camera, zone or site: fetched whole once, then only what is new.

const SOON = 3000; // windows of all cameras come together: asked for once

export class Past {
  windows = [];
  alerts = [];
  specs = [];
  spec = "";
  #version = 0;
  #seen = -1;
  #timer = 0;
  #closed = false;

  /** `told`: is called when there is something new. */
  constructor(scope, id, told) {
    Object.assign(this, { scope, id, told });
  }

  choose(spec) {
    this.spec = spec;
    this.windows = [];
    this.#version = 0;
    return this.fetch();
  }

  /** `version`: of all windows, as the live connection tells it. */
  know(version) {
    if (version === this.#seen || this.#timer) return;
    const first = this.#seen === -1;
    this.#seen = version;
    this.#timer = setTimeout(
      () => {
        this.#timer = 0;
        this.fetch();
      },
      first ? 0 : SOON,
    );
  }

  async fetch() {
    const spec = this.spec;
    const query = new URLSearchParams({ scope: this.scope, id: this.id, spec, after: this.#version });
    let told;
    try {
      const response = await fetch(`/data/history?${query}`);
      if (!response.ok) return;
      told = await response.json();
    } catch {
      return; // the live connection tells that the server is away
    }
    if (this.#closed || spec !== this.spec) return;
    this.spec = told.spec;
    this.specs = told.specs;
    this.alerts = told.alerts;
    this.#version = told.version;
    const known = new Map(this.windows.map((window) => [window.start, window]));
    for (const window of told.windows) known.set(window.start, window);
    this.windows = [...known.values()].sort((a, b) => a.start - b.start);
    this.told();
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
  }
}
