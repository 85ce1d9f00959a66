// Drawn on 24 x 24, by strokes.
import { svg } from "./elements.js";

const PATHS = {
  failed: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M9 9l6 6M15 9l-6 6",
  down: "M9 3v4M15 3v4M6 7h12v4a6 6 0 0 1-3 5.200M9.500 16.300A6 6 0 0 1 6 11V7M12 17v4M3 3l18 18",
  silent: "M3 3l18 18M8.500 8.500a5 5 0 0 0 0 7M15.500 15.500a5 5 0 0 0 1.200-5M5.500 5.500a9.500 9.500 0 0 0 0 13M18.500 5.500a9.500 9.500 0 0 1 1.700 10.500M12 12h.010",
  blind: "M3 3l18 18M10 5.300A9.500 9.500 0 0 1 22 12a12 12 0 0 1-2.300 3M6.500 6.600A12 12 0 0 0 2 12s3.500 7 10 7a9.500 9.500 0 0 0 5.300-1.600M9.900 9.900a3 3 0 0 0 4.200 4.200",
  waiting: "M7 3h10M7 21h10M8 3v4l4 5 4-5V3M8 21v-4l4-5 4 5v4",
  connecting: "M20 11a8 8 0 0 0-14.500-3.500L3 10M3 4v6h6M4 13a8 8 0 0 0 14.500 3.500L21 14M21 20v-6h-6",
  late: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 7v5l3.500 2",
  "few frames": "M5 20v-4M12 20v-4M19 20v-4M12 12.500V9M19 12.500v-2M19 7V4",
  sees: "M2 12s3.500-7 10-7 10 7 10 7-3.500 7-10 7-10-7-10-7M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6",
  paused: "M8 5v14M16 5v14",
  ended: "M5 21V4h12l-2 4 2 4H5",
  stopped: "M6 6h12v12H6z",
  alert: "M12 3.500 22 20.500H2zM12 10v4.500M12 17.500h.010",
  bell: "M6 16V11a6 6 0 0 1 12 0v5l1.500 2h-15zM10 21h4",
  check: "M4.500 12.500l5 5 10-11",
  plus: "M12 5v14M5 12h14",
  search: "M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13M15.500 15.500 21 21",
  light: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2v2.500M12 19.500V22M2 12h2.500M19.500 12H22M5 5l1.700 1.700M17.300 17.300 19 19M5 19l1.700-1.700M17.300 6.700 19 5",
  dark: "M20 14.500A8.500 8.500 0 0 1 9.500 4 8.500 8.500 0 1 0 20 14.500z",
  system: "M3 4.500h18v12H3zM9 20.500h6M12 16.500v4",
  far: "M9 4H4v5M15 4h5v5M9 20H4v-5M15 20h5v-5",
  camera: "M3 7h12v10H3zM15 10.500l6-3v9l-6-3",
  back: "M14.500 5l-7 7 7 7",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  remove: "M4 7h16M9.500 7V4h5v3M6.500 7l1 13h9l1-13M10 11v5.500M14 11v5.500",
  play: "M7 4.500v15l12-7.500z",
  leave: "M14 4H5v16h9M10 12h11M17.500 8.500 21 12l-3.500 3.500",
  lost: "M3 3l18 18M2.500 9a15 15 0 0 1 4-2.500M21.500 9A15 15 0 0 0 11 5.100M5.500 13a10 10 0 0 1 4-2.400M18.500 13a10 10 0 0 0-2.700-1.900M8.700 16.500a5 5 0 0 1 6.600 0M12 20h.010",
};

export function icon(name, label) {
  const named = label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" };
  return svg("svg", { class: "icon", viewBox: "0 0 24 24", ...named }, svg("path", { d: PATHS[name] ?? PATHS.alert }));
}

export function setIcon(element, name) {
  element.firstElementChild.setAttribute("d", PATHS[name] ?? PATHS.alert);
}
