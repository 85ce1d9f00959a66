// What is known, by key: `camera/NAME`, `alerts`, `roles`, `rates`, `feed`, `made`, `windows`, `zones`.

class Store {
  values = new Map();
  now = Date.now(); // by the server's clock
  start = null; // what does not change, see /data/start
  #listeners = new Set();

  get(key) {
    return this.values.get(key);
  }

  cameras() {
    return [...this.values].filter(([key]) => key.startsWith("camera/")).map(([, value]) => value);
  }

  /** `listener` is given the keys that changed. Returns how to stop. */
  listen(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  take(message) {
    const changed = new Set(Object.keys(message.changed));
    if (message.whole) {
      for (const key of this.values.keys()) if (!(key in message.changed)) changed.add(key);
      this.values.clear();
    }
    for (const [key, value] of Object.entries(message.changed)) this.values.set(key, value);
    for (const key of message.gone) {
      this.values.delete(key);
      changed.add(key);
    }
    this.now = message.now;
    for (const listener of this.#listeners) listener(changed);
  }
}

export const store = new Store();
