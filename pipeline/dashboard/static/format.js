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

/** 12:03–12:04, or 12:03:10–12:03:20 where it does not last from minute to minute. */
export function span(from, to, now, between = "–") {
  const whole = from % 60_000 === 0 && to % 60_000 === 0;
  const told = when(from, now);
  if (whole) return `${told}${between}${clock(to)}`;
  return `${told.slice(0, -clock(from).length)}${seconds(from)}${between}${seconds(to)}`;
}

const JOINED = "\u00a0"; // a space at which no line breaks: between a figure and its unit

export function lasting(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s}${JOINED}s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return `${minutes}${JOINED}min`;
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60 && hours < 10 ? `${JOINED}${minutes % 60}${JOINED}min` : "";
  return hours < 48 ? `${hours}${JOINED}h${rest}` : `${Math.floor(hours / 24)}${JOINED}days`;
}

/** "since 12:03 (4 min)". */
export const since = (ms, now) => `since${JOINED}${when(ms, now)} (${lasting(now - ms)})`;

export const percent = (part) => (part === null || part === undefined ? "–" : `${Math.round(part * 100)}${JOINED}%`);

export function number(value, digits = 1) {
  if (value === null || value === undefined) return "–";
  return value >= 100 ? Math.round(value).toLocaleString("en-GB") : String(Number(value.toFixed(digits)));
}

/** A clock against Kafka's: "12 ms ahead ± 3 ms", "2.5 s behind ± 0.004 s". */
export function ahead(by, uncertainty) {
  const unit = Math.abs(by) < 1 ? "ms" : "s";
  const of = (value, round = Math.round) => `${unit === "ms" ? round(value * 1000) : value.toFixed(3)}${JOINED}${unit}`;
  return `${of(Math.abs(by))} ${by < 0 ? "behind" : "ahead"} ± ${of(uncertainty, Math.ceil)}`;
}

export function age(value) {
  if (value === null || value === undefined) return "–";
  return value < 10 ? `${value.toFixed(1)}${JOINED}s` : lasting(value * 1000);
}

/** What there is of these, with dots between that end a line rather than begin one. */
export const listed = (...parts) => parts.filter(Boolean).join(`${JOINED}· `);

export const plural = (count, one, more = `${one}s`) => `${count} ${count === 1 ? one : more}`;

/** Names with numbers in them as people sort them. */
export const byName = new Intl.Collator("en", { numeric: true }).compare;

/** A window's length: "60s" is "1 min", "300s/60s" "5 min". */
export const specName = (spec) => lasting(Number.parseInt(spec, 10) * 1000);
