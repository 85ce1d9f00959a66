// Which view an address names. Views are made when they are opened; the live connection stays.

let shown = null;
let routes = [];
let told = () => {};

/** `table`: [pattern, make]; `opened`: is given each view that is opened. */
export function start(table, opened) {
  routes = table;
  told = opened;
  addEventListener("popstate", () => open(false));
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!link || !plain || link.origin !== location.origin || link.hash || link.target) return;
    if (!match(link.pathname)) return;
    event.preventDefault();
    go(link.pathname);
  });
  open(false);
}

export function go(path) {
  if (path !== location.pathname) history.pushState(null, "", path);
  open(true);
}

export const current = () => shown;

function match(path) {
  for (const [pattern, make] of routes) {
    const found = pattern.exec(path);
    if (found) return () => make(...found.slice(1).map(decoded));
  }
  return null;
}

/** A name as it is, also of an address that somebody has typed. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function open(moved) {
  const make = match(location.pathname) ?? routes[0][1];
  shown?.close();
  shown = make();
  document.getElementById("main").replaceChildren(shown.element);
  shown.open();
  told(shown);
  if (moved) {
    scrollTo(0, 0);
    (shown.element.querySelector("h1[tabindex]") ?? document.getElementById("main")).focus({ preventScroll: true });
  }
}
