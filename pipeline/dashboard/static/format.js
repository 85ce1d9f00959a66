// Times, lengths of time and figures as people read them; times in the site's own zone.

let zone = "UTC";
let formats = make();

function make() {
  const of = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", ...options });
  return {
    clock: of({ hour: "2-digit", minute: "2-digit" }),
    seconds: of({ hour: "2-digit", minute: "2-digit", second: "2-digit" }),
    day: of({ day: "numeric", month: "short" }),
    date: of({ weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }),
    full: of({ dateStyle: "medium", timeStyle: "long" }),
  };
}

export function setZone(name) {
  zone = name;
  formats = make();
}

export const clock = (ms) => formats.clock.format(ms);
export const seconds = (ms) => formats.seconds.format(ms);
export const full = (ms) => formats.full.format(ms);

/** 12:03 today, else with its day. */
export function when(ms, now) {
  const day = formats.day.format(ms);
  return day === formats.day.format(now) ? clock(ms) : `${day}, ${clock(ms)}`;
}

export function lasting(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s} s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 && hours < 10 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return `${Math.floor(hours / 24)} days`;
}

/** "since 12:03 (4 min)". */
export const since = (ms, now) => `since ${when(ms, now)} (${lasting(now - ms)})`;

export const percent = (part) => (part === null || part === undefined ? "–" : `${Math.round(part * 100)} %`);

export function number(value, digits = 1) {
  if (value === null || value === undefined) return "–";
  return value >= 100 ? Math.round(value).toLocaleString("en-GB") : String(Number(value.toFixed(digits)));
}

export function age(value) {
  if (value === null || value === undefined) return "–";
  return value < 10 ? `${value.toFixed(1)} s` : lasting(value * 1000);
}

export const plural = (count, one, more = `${one}s`) => `${count} ${count === 1 ? one : more}`;

/** Names with numbers in them as people sort them. */
export const byName = new Intl.Collator("en", { numeric: true }).compare;

/** A window's length: "60s" is "1 min", "300s/60s" "5 min". */
export const specName = (spec) => lasting(Number.parseInt(spec, 10) * 1000);
