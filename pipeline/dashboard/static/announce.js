// Words for those who do not see the page: seldom, and what happened at once in one sentence.
import { plural } from "./format.js";
import { nameOf } from "./states.js";
import { store } from "./store.js";

const EVERY = 5000;
let waiting = [];
let timer = 0;
let levels = null; // as they were told last; null: nothing was heard yet
let standing = new Set();

export function announce(words) {
  if (!words) return;
  waiting.push(words);
  if (!timer) timer = setTimeout(speak, 300);
}

/** What has come up since the last time: cameras that need attention, alerts that were raised. */
export function announceNews() {
  const cameras = store.cameras();
  const alerts = store.get("alerts")?.standing ?? [];
  if (levels !== null) {
    const worse = cameras.filter((camera) => camera.level === "attention" && (levels.get(camera.id) ?? "attention") !== "attention");
    announce(worse.length > 3 ? `${plural(worse.length, "camera")} need attention` : worse.map(sentence).join(". "));
    announce(alerts.filter((alert) => !standing.has(alert.id)).slice(0, 3).map((alert) => `${alert.title}: ${alert.of}`).join(". "));
  }
  levels = new Map(cameras.map((camera) => [camera.id, camera.level]));
  standing = new Set(alerts.map((alert) => alert.id));
}

const sentence = (camera) => `${camera.id} needs attention: ${[nameOf(camera), camera.words].filter(Boolean).join(", ")}`;

function speak() {
  document.getElementById("announcer").textContent = waiting.slice(-3).join(". ");
  waiting = [];
  timer = setTimeout(() => {
    timer = 0;
    if (waiting.length) speak();
  }, EVERY);
}
