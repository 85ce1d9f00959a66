// What a camera's condition is called, and how much it wants to be looked at.

export const LEVELS = [
  { id: "attention", title: "Needs attention", words: "need attention", icon: "alert" },
  { id: "notice", title: "Worth a look", words: "worth a look", icon: "late" },
  { id: "fine", title: "In order", words: "in order", icon: "check" },
  { id: "off", title: "Off", words: "off", icon: "paused" },
];

export const RANK = Object.fromEntries(LEVELS.map((level, rank) => [level.id, rank]));

const NAMES = {
  failed: "Failed",
  down: "No connection",
  silent: "Silent",
  blind: "Sees nothing",
  waiting: "Waiting",
  connecting: "Connecting",
  late: "Late",
  "few frames": "Few frames",
  sees: "Sees",
  paused: "Paused",
  ended: "Ended",
  stopped: "Stopped",
};

export const nameOf = (camera) => NAMES[camera.kind] ?? camera.kind;

/** Whether what is shown of it last is not what is there now. */
export const isOld = (camera) => ["failed", "down", "silent", "connecting", "waiting", "stopped", "ended", "paused"].includes(camera.kind);

export function lostWords(camera) {
  const parts = Object.entries(camera.dropped).map(([reason, count]) => `${count} dropped (${reason.replaceAll("_", " ")})`);
  if (camera.dead) parts.push(`${camera.dead} unreadable`);
  return parts.join(", ");
}

const SEVERITIES = { critical: "attention", warning: "notice" };

/** Standing alerts by the camera they are of; those about missing pictures its own condition tells already. */
export function alertsByCamera(alerts) {
  const found = new Map();
  for (const alert of alerts ?? []) {
    if (alert.scope !== "camera" || alert.rule === "no-data") continue;
    found.set(alert.of, [...(found.get(alert.of) ?? []), alert]);
  }
  return found;
}

/** How much it wants to be looked at, all told; what somebody looks after already does not call. */
export function levelOf(camera, alerts, now) {
  const calling = alerts.filter((alert) => !alert.acknowledged_by && !(alert.silenced_until > now));
  const levels = [camera.level, ...calling.map((alert) => SEVERITIES[alert.severity] ?? camera.level)];
  return levels.reduce((worst, level) => (RANK[level] < RANK[worst] ? level : worst));
}
