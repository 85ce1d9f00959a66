import { announceNews } from "./announce.js";
import { Camera } from "./camera.js";
import { setZone } from "./format.js";
import { Live } from "./live.js";
import { current, start } from "./router.js";
import { Site } from "./site.js";
import { store } from "./store.js";
import { System } from "./system.js";
import { Top } from "./top.js";
import { Wall } from "./wall.js";
import { Zone } from "./zone.js";

const ROUTES = [
  [/^\/$/, () => new Wall()],
  [/^\/site$/, () => new Site()],
  [/^\/system$/, () => new System()],
  [/^\/camera\/([^/]+)$/, (id) => new Camera(id)],
  [/^\/zone\/([^/]+)$/, (id) => new Zone(id)],
];

const live = new Live();
const top_ = new Top(live);

async function begin() {
  const response = await fetch("/data/start");
  if (response.status === 401) return location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);
  store.start = await response.json();
  setZone(store.start.timezone);
  if (!store.start.faces) document.documentElement.dataset.sums = "";
  top_.begun();
  start(ROUTES, (view) => top_.opened(view));
  store.listen((changed) => {
    top_.tell();
    current().update(changed);
    announceNews();
  });
  live.addEventListener("change", () => top_.tell());
  return live.open();
}

function again() {
  begin().catch(() => setTimeout(again, 2000));
}
again();
