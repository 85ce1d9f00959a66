// The head of the page: where one is, whether what is shown is now, and how it is shown.
import { h, mark, say } from "./elements.js";
import { seconds, since } from "./format.js";
import { icon, setIcon } from "./icons.js";
import { store } from "./store.js";

const THEMES = ["system", "light", "dark"];
const THEME_WORDS = { system: "as the system", light: "light", dark: "dark" };

export class Top {
  constructor(live) {
    this.live = live;
    this.banner = document.getElementById("banner");
    this.links = [
      ["/", "Wall"],
      ["/site", "Site"],
      ["/system", "System"],
    ].map(([href, text]) => h("a", { href }, text, href === "/site" ? (this.count = h("span", { class: "badge", hidden: true })) : null));
    this.clock = h("time", { class: "clock" });
    this.state = h("p", { class: "live" }, h("i", { "aria-hidden": "true" }), h("span", {}, "Connecting"));
    this.themeIcon = icon("system");
    this.theme = h("button", { class: "plain-button", type: "button", onclick: () => this.#nextTheme() }, this.themeIcon);
    this.far = h("button", { class: "plain-button", type: "button", "aria-label": "Read from afar", title: "Read from afar", onclick: () => this.#far() }, icon("far"));
    this.site = h("span", { class: "site-name" });
    this.leave = h("form", { method: "post", action: "/logout", hidden: true }, h("button", { class: "plain-button", "aria-label": "Log out", title: "Log out" }, icon("leave")));
    document.getElementById("top").append(
      h("a", { class: "brand", href: "/" }, h("img", { src: "/static/icon.svg", alt: "", width: 24, height: 24 }), h("span", {}, "emostream"), this.site),
      h("nav", { "aria-label": "Views" }, ...this.links),
      h("div", { class: "tools" }, this.state, this.clock, this.theme, this.far, this.leave),
    );
    this.#tellTheme();
    mark(this.far, "aria-pressed", "far" in document.documentElement.dataset);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", tellTheme);
    setInterval(() => this.tell(), 1000);
  }

  begun() {
    say(this.site, store.start.site);
    mark(this.leave, "hidden", store.start.you.token ? null : "");
  }

  opened(view) {
    this.view = view;
    this.#tellTitle();
    for (const link of this.links) mark(link, "aria-current", link.pathname === location.pathname ? "page" : null);
  }

  /** Whether all that is shown is true now. */
  tell() {
    const feed = store.get("feed");
    const now = Date.now() - this.#ahead();
    if (store.start) say(this.clock, seconds(now));
    let words = "";
    let text = "Live";
    if (!this.live.connected) {
      text = "Not connected";
      words = this.live.lostSince === null || !store.get("feed") ? capital(this.live.reason) : `Connection to the page's server lost, ${since(this.live.lostSince, now)}. What you see is from then. Trying again.`;
    } else if (feed?.away) {
      text = feed.ready ? "Kafka is away" : "Waiting for Kafka";
      words = feed.ready
        ? `Kafka has not answered ${since(feed.away, now)}. What you see is from then. ${feed.reason}.`
        : `Waiting for Kafka: ${feed.reason}.`;
    } else if (feed && !feed.ready) text = "Reading";
    const good = text === "Live";
    say(this.state.lastChild, text);
    mark(this.state, "data-good", good ? "" : null);
    mark(document.documentElement, "data-stale", words ? "" : null);
    if (this.banner.dataset.of !== words.replace(/\(.*\)/, "")) {
      this.banner.dataset.of = words.replace(/\(.*\)/, "");
      this.banner.replaceChildren(...(words ? [icon("lost"), h("p", {}, words)] : []));
    } else if (words) say(this.banner.lastChild, words);
    const standing = store.get("alerts")?.count ?? 0;
    say(this.count, String(standing));
    mark(this.count, "hidden", standing ? null : "");
    this.#tellTitle();
    mark(this.count, "aria-label", standing === 1 ? "1 alert stands" : `${standing} alerts stand`);
  }

  /** How far this machine's clock is ahead of the server's. */
  #ahead() {
    if (this.live.connected && store.now !== this.heard) {
      this.heard = store.now;
      this.ahead = Date.now() - store.now;
    }
    return this.ahead ?? 0;
  }

  /** Also for those who have the page in another tab. */
  #tellTitle() {
    if (!this.view) return;
    const calling = store.cameras().filter((camera) => camera.level === "attention").length;
    const title = `${calling ? `(${calling}) ` : ""}${this.view.title} · ${store.start.site} · emostream`;
    if (document.title !== title) document.title = title;
  }

  #nextTheme() {
    const root = document.documentElement;
    const next = THEMES[(THEMES.indexOf(root.dataset.theme ?? "system") + 1) % THEMES.length];
    if (next === "system") delete root.dataset.theme;
    else root.dataset.theme = next;
    keep("theme", next === "system" ? null : next);
    this.#tellTheme();
    tellTheme();
  }

  #tellTheme() {
    const theme = document.documentElement.dataset.theme ?? "system";
    setIcon(this.themeIcon, theme);
    const words = `Theme: ${THEME_WORDS[theme]}`;
    mark(this.theme, "aria-label", words);
    mark(this.theme, "title", words);
  }

  #far() {
    const root = document.documentElement;
    const on = !("far" in root.dataset);
    if (on) root.dataset.far = "";
    else delete root.dataset.far;
    keep("far", on ? "yes" : null);
    mark(this.far, "aria-pressed", on);
  }
}

/** What is drawn on a canvas is drawn anew. */
const tellTheme = () => document.dispatchEvent(new Event("theme"));

/** A choice that the browser remembers, if it remembers anything. */
function keep(name, value) {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch { /* then not */ }
}

const capital = (words) => (words ? `${words[0].toUpperCase()}${words.slice(1)}. Trying again.` : "");
