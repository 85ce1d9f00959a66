// The live connection: made again by itself, with growing pauses, for as long as the page is open.
import { store } from "./store.js";

const PAUSES = [500, 1000, 2000, 5000, 10000];
const QUIET = 8000; // the server speaks every second or so: after this long it is gone

export class Live extends EventTarget {
  lostSince = null;
  reason = ""; // why it was closed, where the server said so
  connected = false;
  #socket = null;
  #tries = 0;
  #heard = 0;
  #timer = 0;

  open() {
    const address = new URL("/live", location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = (this.#socket = new WebSocket(address));
    socket.onmessage = (event) => this.#told(socket, JSON.parse(event.data));
    socket.onclose = (event) => this.#closed(socket, event.code, event.reason);
    this.#heard = Date.now();
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#watch(), 1000);
  }

  #told(socket, message) {
    if (socket !== this.#socket) return;
    this.#heard = Date.now();
    this.#tries = 0;
    if (!this.connected) this.#become(true);
    store.take(message);
  }

  #watch() {
    if (this.#socket && Date.now() - this.#heard > QUIET) this.#closed(this.#socket, 0, "");
  }

  async #closed(socket, code, reason) {
    if (socket !== this.#socket) return;
    this.reason = reason;
    this.#socket = null;
    clearInterval(this.#timer);
    socket.close();
    if (this.connected || this.lostSince === null) this.#become(false);
    if (code === 1006 && (await mustLogIn())) {
      location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);
      return;
    }
    setTimeout(() => this.open(), PAUSES[Math.min(this.#tries, PAUSES.length - 1)]);
    this.#tries += 1;
  }

  #become(connected) {
    this.connected = connected;
    this.lostSince = connected ? null : store.now;
    this.dispatchEvent(new Event("change"));
  }
}

async function mustLogIn() {
  try {
    return (await fetch("/data/start")).status === 401;
  } catch {
    return false;
  }
}
